"""Team leads' and administrators' screens. Django imports this module; the screens are in the two beside it."""

from casework.admin import settings, work

__all__ = ["settings", "work"]
