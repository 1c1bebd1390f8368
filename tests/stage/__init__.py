"""Helpers of the tests: servers, databases, users, stories, and clients of the web pages and of the API."""
