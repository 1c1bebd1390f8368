"""Team leads' and administrators' screens. Django imports this module; the screens are in those beside it."""

from casework.admin import rule_sets, settings, work

__all__ = ["rule_sets", "settings", "work"]
