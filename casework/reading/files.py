"""Files that the virus scanner has not looked at yet."""

from dataclasses import dataclass

from casework.models import File
from casework.models.files import NEVER_CHECKED


@dataclass(frozen=True)
class Unchecked:
    """
    :param waiting: nobody opens them before the scanner has answered.
    :param from_before: they came before there was a scanner, and can be opened until it comes to them.
    """

    waiting: int
    from_before: int


def unchecked() -> Unchecked:
    """Counted by two indexes that hold nothing but such files."""
    return Unchecked(
        waiting=File.objects.filter(check_after__isnull=False).count(),
        from_before=File.objects.filter(NEVER_CHECKED).count(),
    )
