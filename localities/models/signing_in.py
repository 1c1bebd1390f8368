"""How often somebody tried to sign in and failed, and on which devices they did sign in."""

from typing import ClassVar

from django.db import models

from localities.models.people import User


class Tries(models.Model):
    """
    Failed tries at one account, from one network, on one device or everywhere.

    `not_before` is when the next may be made; null: at once.

    The key says which, as a hash: somebody may type a password where the user name belongs.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failed = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField()
    not_before = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "tries"

    def __str__(self) -> str:
        return f"{self.failed} failed tries"


class KnownDevice(models.Model):
    """
    A browser in which somebody has signed in. A cookie there holds a secret; here is its hash.

    `session_hash` is the user's at that moment: it changes with the password, and the device is unknown again.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_devices")
    secret_hash = models.CharField(max_length=64)
    session_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["secret_hash", "user"], name="a_device_knows_a_person_once")
        ]

    def __str__(self) -> str:
        return f"A device of {self.user}"
