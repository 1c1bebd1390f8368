"""make chaos: whatever can be killed is killed while work comes in, and afterwards every single thing is counted."""
