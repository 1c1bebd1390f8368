"""What the tests are told with: servers, databases, the cast, stories, and the doors as people outside find them."""
