"""A demonstration service: people who can sign in, partner systems with credentials, and a life of contacts."""

from casework.demonstration.credentials import prepare

__all__ = ["prepare"]
