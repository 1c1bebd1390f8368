"""Messages that have to go out: writing them to the outbox, and their wording."""
