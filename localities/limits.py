"""
How often somebody may guess. After a few failed tries each further one must wait, longer each time, and nothing is
ever locked. The counts stand in PostgreSQL, and one is taken before a password is looked at: of guesses at the same
moment, no more are looked at than of guesses one after the other.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import salted_hmac

from localities.models import Tries

MOST_DOUBLINGS = 16
# Networks are told apart by so much of an IPv6 address: a household or an office has the rest to itself.
IPV6_NETWORK = 64


@dataclass(frozen=True)
class Budget:
    """
    :ivar free: so many failed tries at once.
    :ivar first_wait: how long the next must wait then; after each further one twice as long.
    :ivar longest_wait: no try waits longer.
    :ivar forgives_one_in: after so long without a failed try, one is forgotten.
    """

    free: int
    first_wait: timedelta
    longest_wait: timedelta
    forgives_one_in: timedelta

    def wait(self, failed: int) -> timedelta:
        if failed < self.free:
            return timedelta(0)
        doublings: int = min(failed - self.free, MOST_DOUBLINGS)
        return min(self.first_wait * (1 << doublings), self.longest_wait)


# Of one account, wherever the guesses come from: at most some ninety in a day.
ACCOUNT = Budget(5, timedelta(seconds=30), timedelta(minutes=15), timedelta(minutes=15))
# Of one network: a whole office may stand behind one address.
NETWORK = Budget(20, timedelta(seconds=5), timedelta(minutes=5), timedelta(seconds=30))
# Of all accounts together, from everywhere: nobody tries one password on each account from a thousand networks.
EVERYBODY = Budget(300, timedelta(seconds=1), timedelta(seconds=8), timedelta(seconds=2))
# Of one person on a device where they signed in before: others' guesses do not touch it.
DEVICE = Budget(10, timedelta(seconds=30), timedelta(minutes=15), timedelta(minutes=5))
# Links to set a password that are asked for from one network, whether or not there is such an account.
LINKS = Budget(20, timedelta(minutes=1), timedelta(minutes=30), timedelta(minutes=3))
# Browsers that are asked for a passkey, which nobody can guess: an office behind one address signs in at eight.
PASSKEYS = Budget(100, timedelta(seconds=1), timedelta(seconds=30), timedelta(seconds=1))
# Wrong secrets of one partner's system from one network: another system behind the same address is not kept waiting.
CLIENT = Budget(30, timedelta(seconds=5), timedelta(minutes=1), timedelta(seconds=30))
# What is not tried again for so long has forgiven everything.
FORGOTTEN_AFTER = timedelta(days=2)


@dataclass(frozen=True)
class Charge:
    """What one try has cost. Whoever was right gets it back. `slows`: a failure makes the next one wait."""

    keys: tuple[str, ...]
    slows: bool

    def give_back(self) -> None:
        with transaction.atomic():
            rows = _locked(self.keys)
            for row in rows:
                row.failed = max(row.failed - 1, 0)
                row.not_before = None
            Tries.objects.bulk_update(rows, ["failed", "not_before"])


def key(kind: str, which: object) -> str:
    """The key of the tries of this kind at this account, from this network, and so on."""
    return f"{kind}:{salted_hmac('localities.limits', str(which), algorithm='sha256').hexdigest()[:40]}"


def network_of(address: str | None) -> str:
    """The network of an address: of IPv4, the address alone; of no address, the empty text."""
    if address is None:
        return ""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return address
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, IPV6_NETWORK), strict=False))


def charge(budgets: Mapping[str, Budget], *, now: datetime) -> Charge | datetime:
    """
    Counts a try as failed before it is made: under all these keys, or, if one of them must wait, under none.

    :returns: what to give back if it was right; or when the next try may be made.
    """
    keys = tuple(sorted(budgets))
    with transaction.atomic():
        Tries.objects.bulk_create([Tries(key=each, counted_at=now) for each in keys], ignore_conflicts=True)
        rows = _locked(keys)
        if waits := [row.not_before for row in rows if row.not_before is not None and row.not_before > now]:
            return max(waits)
        for row in rows:
            budget = budgets[row.key]
            forgiven = max(now - row.counted_at, timedelta(0)) // budget.forgives_one_in
            row.failed = max(row.failed - forgiven, 0) + 1
            row.counted_at = max(now, row.counted_at)
            row.not_before = now + wait if (wait := budget.wait(row.failed)) else None
        Tries.objects.bulk_update(rows, ["failed", "counted_at", "not_before"])
    return Charge(keys, slows=any(row.not_before is not None for row in rows))


def forget(*, now: datetime) -> None:
    """Deletes the counts that mean nothing any more."""
    Tries.objects.filter(counted_at__lt=now - FORGOTTEN_AFTER).delete()


def _locked(keys: tuple[str, ...]) -> list[Tries]:
    """In one order, so that two tries never wait for each other."""
    return list(Tries.objects.select_for_update().filter(key__in=keys).order_by("key"))
