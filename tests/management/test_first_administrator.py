"""manage.py first_administrator."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from casework.models import OutboxMessage, PasswordLink
from localities.models import User

WHO = ["--username=alex.moore", "--name=Alex Moore", "--email=alex@front-door.example"]


def test_prints_the_link_and_writes_no_email(db: None) -> None:
    said = StringIO()
    call_command("first_administrator", *WHO, stdout=said)
    found = re.search(r"^http://localhost:8000/accounts/password/set/(\S+)/$", said.getvalue(), re.MULTILINE)
    assert found
    link = PasswordLink.objects.opened_by(found[1], timezone.now())
    assert link is not None
    assert link.user.username == "alex.moore"
    assert not OutboxMessage.objects.exists()


def test_says_why_not(adele: User) -> None:
    with pytest.raises(CommandError, match=r"^--email: Enter a valid email address"):
        call_command("first_administrator", *WHO[:2], "--email=nowhere")
    adele.set_password("a long enough password")
    adele.save()
    with pytest.raises(CommandError, match=r"^There is an administrator already: adele\."):
        call_command("first_administrator", *WHO)
