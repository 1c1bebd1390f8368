"""
What pages list and count: worklists, who was responsible for a case and how long, what is known of a person, and the
chronology of a household.
"""
