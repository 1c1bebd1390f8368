"""The state machine of the model-based test (`test_model.py`): people's actions, the worker's jobs, the checks."""
