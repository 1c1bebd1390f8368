"""The pages of a contact, a case, a team and a person's worklist."""
