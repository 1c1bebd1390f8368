"""Background jobs: the sweep, delivery, replays, the nightly checks, loading reference data."""
