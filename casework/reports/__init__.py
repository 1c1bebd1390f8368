"""
Reports: where people override the rules, for whom, what agencies send that cannot be read, and how they answer. They
only read, and never show a name.
"""
