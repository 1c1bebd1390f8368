"""The state machine of `test_random_actions.py`: people's actions, the worker's jobs, the checks."""
