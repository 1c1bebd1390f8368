"""Reports: where people override the rules, and for whom. They only read, and never show a name."""
