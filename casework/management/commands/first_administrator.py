"""manage.py first_administrator: adds the first administrator, and prints the link with which they set a password."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from casework.actions import passwords
from casework.messages.wording import address_of
from casework.record import audit
from errors import InvalidInput, ServiceError
from localities.working_time import in_words


class Command(BaseCommand):
    """Refuses if somebody administers the service already. Safe to run again until the link was used."""

    help = "Add the first administrator, and print the link with which they set their password. It works once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True, help="the name they sign in with, as amina.khan")
        parser.add_argument("--name", required=True, help="their full name")
        parser.add_argument("--email", required=True, help="their work e-mail address")

    def handle(self, *args: Any, username: str, name: str, email: str, **options: Any) -> None:
        try:
            link = passwords.add_first_administrator(
                username=username, name=name, email=email, by=audit.SYSTEM, now=timezone.now()
            )
        except InvalidInput as invalid:
            raise CommandError("\n".join(f"--{fault}" for fault in invalid.faults), returncode=2) from None
        except ServiceError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{link.user.name} sets a password here, and signs in as {link.user.username}:\n\n{address_of(link)}\n\n"
            f"The link works once, until {in_words(link.ends_at)}. Whoever has it is the administrator: give it to "
            "nobody else."
        )
