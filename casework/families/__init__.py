"""Matching people, finding a household, and routing a family to its team."""
