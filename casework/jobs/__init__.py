"""What the service does by itself: the sweep, delivery, replays, the nightly checks, loading reference data."""
