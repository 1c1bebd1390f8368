"""The machine of the model-based test (`test_model.py`): what people do, what goes on by itself, what must hold."""
