"""Moments as people in Buckinghamshire write them: "Thu 19 Nov 2026 10:12"."""

from datetime import UTC, date, datetime

from localities.working_time import LONDON

WITH_SECONDS = "%a %d %b %Y %H:%M:%S"


def local(written: str) -> datetime:
    """
    The moment, in UTC, of a local time such as "Fri 20 Nov 2026 17:40" or "17:40:01"; "end of Wed 15 Apr 2026" is its
    last second. Of the hour that comes twice in October, "BST" after the time means the first and "GMT" the second.
    """
    words = written.removesuffix(" BST").removesuffix(" GMT")
    if words.startswith("end of "):
        words = words.removeprefix("end of ") + " 23:59:59"
    if words.count(":") == 1:
        words += ":00"
    here = datetime.strptime(words, WITH_SECONDS).replace(tzinfo=LONDON, fold=int(written.endswith(" GMT")))
    assert words.startswith(f"{here:%a} "), f"{written} is a {here:%A}"
    assert written[-4:] not in {" BST", " GMT"} or here.tzname() == written[-3:], f"{written} is {here.tzname()}"
    return here.astimezone(UTC)


def day(written: str) -> date:
    """A day such as "Fri 25 Dec 2026"."""
    return local(written + " 12:00").date()
