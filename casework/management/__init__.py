"""The `manage.py` commands of the service."""
