"""From a contact to the facts that the rules look at, and which published rules are asked."""
