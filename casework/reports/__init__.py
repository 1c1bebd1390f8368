"""What the service sees of itself: where people overrule the rules, and for whom. Read only, and never a name."""
