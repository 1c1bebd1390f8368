"""Messages: writing them to the outbox, and their wording."""
