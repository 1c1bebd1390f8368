"""Team leads' and administrators' screens. Django imports this module; the screens are in those beside it."""

from casework.admin import messages, rule_sets, settings, webhooks, work

__all__ = ["messages", "rule_sets", "settings", "webhooks", "work"]
