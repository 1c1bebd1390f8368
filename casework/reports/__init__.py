"""
Reports: where people override the rules, for whom, and what agencies send that cannot be read. They only read, and
never show a name.
"""
