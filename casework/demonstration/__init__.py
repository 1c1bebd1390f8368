"""The demonstration: users who can sign in, partner systems with credentials, and contacts and cases."""

from casework.demonstration.credentials import prepare

__all__ = ["prepare"]
