"""
Which passwords are refused: those that are guessed first, those that somebody had before, and those that were stolen
somewhere, where a council has chosen to ask. Each says what is wrong with it, and none of it shows what was typed.
"""

import hashlib
import re
from typing import Any

import requests
import structlog
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils import timezone

from localities.models import PastPassword, User

log = structlog.get_logger()

BETTER = "Use three or more words that do not belong together."
COMMON = f"This is a common password, perhaps with other letters, a number or a sign. {BETTER}"
OWN_NAME = f"Do not build it on your name, your user name or your email address. {BETTER}"
SERVICE = f"Do not build it on the name of the council, of its places or of this service. {BETTER}"
TIME_OF_YEAR = f"Do not build it on a month, a season, a day or a year. {BETTER}"
SAME_AGAIN = f"It repeats the same letters or numbers. {BETTER}"
SEQUENCE = f"It is a sequence, such as abcdef or 123456. {BETTER}"
KEYS = f"It is a row of keys, such as qwerty or 1qaz2wsx. {BETTER}"
NUMBERS = f"Do not use numbers and signs alone. {BETTER}"
EASY = f"It is too easy to guess. {BETTER}"
USED_BEFORE = "You have had this password before. Choose another."
STOLEN = "This password is on a list of stolen passwords. Choose another, and change it wherever else you use it."

OF_THE_SERVICE = (
    "locality front door", "front door", "frontdoor", "locality", "localities", "safeguarding", "mash", "multi agency",
    "social worker", "socialworker", "social care", "children", "council", "worklist", "contact", "triage", "aylesbury",
    "chesham", "wycombe", "marlow", "buckingham", "amersham", "bucks",
)  # fmt: skip
MONTHS = (
    "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
DAYS_AND_SEASONS = (
    "spring", "summer", "autumn", "winter", "christmas", "easter", "monday", "tuesday", "wednesday", "thursday",
    "friday", "saturday", "sunday",
)  # fmt: skip
# An attacker who tries so many at the speed of an unprotected hash needs seconds; at this door, years.
MOST_GUESSES = 10**10
# What follows does not make it easier, and would take the checker long.
LOOKED_AT = 72
KEPT = 5
BY_PATTERN = {"repeat": SAME_AGAIN, "sequence": SEQUENCE, "spatial": KEYS, "date": TIME_OF_YEAR, "regex": TIME_OF_YEAR}


class HardToGuess(CommonPasswordValidator):
    """Refuses what a program guesses first: common passwords and words in any writing, names, rows, dates, repeats."""

    def validate(self, password: str, user: Any = None) -> None:
        # Here, because it reads its lists of words, and few processes ever check a password.
        from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # its types would be a package of their own

        if password.lower().strip() in self.passwords:
            raise ValidationError(COMMON, code="password_too_common")
        if not any(sign.isalpha() for sign in password):
            raise ValidationError(NUMBERS, code="password_without_letters")
        own, ours, when = _names_of(user), _names_of_the_service(), _times_of_year()
        found = zxcvbn(password[:LOOKED_AT], user_inputs=[*own, *ours, *when], max_length=LOOKED_AT)
        if found["guesses"] >= MOST_GUESSES:
            return
        # What most of it is made of says best what is wrong with it.
        known = [match for match in found["sequence"] if match["pattern"] != "bruteforce"]
        longest = max(known, key=lambda match: len(match["token"]), default=None)
        raise ValidationError(_said_of(longest, own, ours, when), code="password_easy_to_guess")

    def get_help_text(self) -> str:
        return BETTER


def _said_of(match: Any, own: set[str], ours: set[str], when: set[str]) -> str:
    if match is None:
        return EASY
    if match["pattern"] != "dictionary":
        return BY_PATTERN[match["pattern"]]
    word = match["matched_word"].lower()
    for said, words in ((OWN_NAME, own), (SERVICE, ours), (TIME_OF_YEAR, when)):
        if word in words:
            return said
    return COMMON if match["dictionary_name"] == "passwords" else EASY


def _names_of(user: Any) -> set[str]:
    said = [getattr(user, name, "") or "" for name in ("username", "name", "email")]
    return _with_parts(said)


def _names_of_the_service() -> set[str]:
    return _with_parts([settings.COUNCIL_NAME, *OF_THE_SERVICE])


def _with_parts(said: list[str]) -> set[str]:
    """Each as it is, without its spaces, and its longer parts."""
    whole = {each.lower() for each in said if each}
    parts = {part for each in whole for part in re.split(r"\W+", each) if len(part) > 2}
    return whole | parts | {re.sub(r"\W+", "", each) for each in whole}


def _times_of_year() -> set[str]:
    years = {str(year) for year in range(1930, timezone.now().year + 3)}
    return {*MONTHS, *DAYS_AND_SEASONS, *years}


class NotUsedBefore:
    """Refuses the password that somebody has, and the ones they had before it. Their hashes are kept for that."""

    def validate(self, password: str, user: User | None = None) -> None:
        if user is None or user.pk is None:
            return
        hashes = [user.password, *PastPassword.objects.filter(user=user).values_list("password", flat=True)]
        if any(check_password(password, each) for each in {*hashes}):
            raise ValidationError(USED_BEFORE, code="password_used_before")

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Django calls this when a user with a new password is stored."""
        if user is None or not user.has_usable_password():
            return
        PastPassword.objects.create(user=user, password=user.password)
        kept = PastPassword.objects.filter(user=user).order_by("-pk").values("pk")[:KEPT]
        PastPassword.objects.filter(user=user).exclude(pk__in=kept).delete()

    def get_help_text(self) -> str:
        return ""


class NotStolen:
    """
    Asks a list of stolen passwords, where `PWNED_PASSWORDS_URL` names one: it gets the first five of forty signs of a
    hash, never the password or its whole hash. When it does not answer, the password is taken.
    """

    def validate(self, password: str, user: Any = None) -> None:
        if settings.PWNED_PASSWORDS_URL and self._is_stolen(password):
            raise ValidationError(STOLEN, code="password_stolen")

    def _is_stolen(self, password: str) -> bool:
        # The hash by which the lists are made; it protects nothing here.
        whole = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        try:
            answer = requests.get(
                f"{settings.PWNED_PASSWORDS_URL}{whole[:5]}",
                headers={"Add-Padding": "true"}, timeout=settings.PWNED_PASSWORDS_TIMEOUT, allow_redirects=False,
            )  # fmt: skip
            answer.raise_for_status()
        except requests.RequestException as error:
            log.warning("the list of stolen passwords was not asked", error=type(error).__name__)
            return False
        # A line of padding has the count 0.
        counts = (line.strip().partition(":") for line in answer.text.splitlines())
        return any(rest == whole[5:] and count != "0" for rest, _, count in counts)

    def get_help_text(self) -> str:
        return ""
