"""
The rules: facts in, recommendation out.

A calculator. It reads frozen facts and a rule set, and returns a frozen recommendation. It knows no contact, no person
and no team, and never decides: a named person does.
"""
