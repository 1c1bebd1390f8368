"""What happened at the door, as information governance and auditors read it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.models import AuditEvent, Event, SignInEvent, SignInKind
from casework.web import first_pages
from localities.models import User
from localities.working_time import LONDON
from tests.stage.sql import asked, run
from tests.stage.staff import SignedIn
from tests.stage.web_client import Page

PATH = "/sign-ins/"


def happened(kind: SignInKind, user: User | None, at: datetime | None = None, **about: Any) -> SignInEvent:
    said = {"address": "192.0.2.7", "device": "Firefox on Windows"} | about
    return SignInEvent.objects.create(kind=kind, user=user, at=at or timezone.now(), **said)


def rows(page: Page) -> list[list[str]]:
    return [[cell.text for cell in row.children] for body in page.main.all("tbody") for row in body.all("tr")]


def look(query: str = "", name: str = "iris") -> Page:
    return Page(SignedIn(name).client.get(PATH + query))


class TestWhoReadsIt:
    @pytest.mark.parametrize("name", ["iris", "ava"])
    def test_information_governance_and_auditors(self, db: None, name: str) -> None:
        page = look(name=name)
        assert page.heading == "Sign-ins"
        assert [link["href"] for link in page.root.all("a") if link.text == "Sign-ins"] == [PATH]

    @pytest.mark.parametrize("name", ["amina", "maya", "ben", "sam", "paula", "adele"])
    def test_nobody_else(self, db: None, name: str) -> None:
        page = look(name=name)
        assert page.status == 404
        assert not [link for link in page.root.all("a") if link.text == "Sign-ins"]


class TestTheAuditSaysWhoLooked:
    def test_once_for_a_page_and_for_what(self, ben: User) -> None:
        for _ in range(60):
            happened(SignInKind.FAILED, ben)
        look()
        look(f"?person={ben.pk}&kind=failed&first=2026-01-01")
        events = AuditEvent.objects.filter(event=Event.SIGN_INS_VIEWED).order_by("pk")
        assert [(each.by_user and each.by_user.username, each.detail) for each in events] == [
            ("iris", {}), ("iris", {"person": str(ben.pk), "kind": "failed", "first": "2026-01-01"}),
        ]  # fmt: skip

    def test_not_of_whoever_may_not(self, db: None) -> None:
        look(name="maya")
        assert not AuditEvent.objects.filter(event=Event.SIGN_INS_VIEWED).exists()


class TestWhatItSays:
    def test_who_what_when_and_from_where_the_latest_first(self, ben: User) -> None:
        happened(SignInKind.FAILED, None, datetime(2026, 7, 1, 9, 30, tzinfo=LONDON), address="2001:db8::1", device="")
        happened(SignInKind.SIGNED_IN, ben, datetime(2026, 7, 1, 22, 15, 7, tzinfo=LONDON), is_known_device=True)
        assert rows(look()) == [
            ["1 July 2026, 22:15:07", "Signed in", "Ben Carter (ben)", "192.0.2.7",
             "Firefox on Windows, where they signed in before"],
            ["1 July 2026, 09:30:00", "Wrong password", "Unknown user", "2001:db8::1", "Not known"],
        ]  # fmt: skip

    def test_the_page_that_was_refused_in_words(self, ben: User) -> None:
        happened(SignInKind.REFUSED, ben, page="contact-new")
        assert rows(look())[0][1] == "Refused: no access: contact new"

    def test_an_address_whose_time_is_up(self, ben: User) -> None:
        happened(SignInKind.SIGNED_IN, ben, address=None, device="")
        assert rows(look())[0][3:] == ["Not kept", "Not known"]

    def test_that_nothing_is_there(self, db: None) -> None:
        assert "Nothing is recorded yet." in look().text
        assert "Nothing matches this filter." in look("?kind=failed").text


class TestNarrowing:
    @pytest.fixture(autouse=True)
    def _told(self, ben: User, amina: User) -> None:
        for day in (1, 2, 3):
            at = datetime(2026, 7, day, 23, 59, 59, tzinfo=LONDON)
            happened(SignInKind.SIGNED_IN, ben, at)
            happened(SignInKind.FAILED, amina, at)
            happened(SignInKind.FAILED, None, at)

    def found(self, query: str) -> int:
        return len(rows(look(query)))

    def test_by_person(self, ben: User) -> None:
        page = look(f"?person={ben.pk}")
        assert {row[2] for row in rows(page)} == {"Ben Carter (ben)"}
        assert self.found("?person=nobody") == 3

    def test_by_kind(self) -> None:
        assert self.found("?kind=failed") == 6
        assert self.found("?kind=failed&person=nobody") == 3

    def test_by_days_both_included(self) -> None:
        assert self.found("?first=2026-07-02") == 6
        assert self.found("?last=2026-07-02") == 6
        assert self.found("?first=2026-07-02&last=2026-07-02") == 3
        assert self.found("?first_day=3&first_month=7&first_year=2026") == 3

    @pytest.mark.parametrize(
        ("query", "field"),
        [("?first_day=31&first_month=2&first_year=2026", "id_first"),
         ("?first=2026-07-03&last=2026-07-02", "id_last"), ("?person=999999", "id_person")],
    )  # fmt: skip
    def test_what_cannot_be_is_said_at_its_field(self, query: str, field: str) -> None:
        page = look(query)
        assert page.status == 422
        assert [where for where, _ in page.summary] == [field]


class TestPages:
    def test_of_fifty_that_keep_the_filter(self, ben: User) -> None:
        now = timezone.now()
        SignInEvent.objects.bulk_create(
            SignInEvent(kind=SignInKind.FAILED, user=ben, at=now - timedelta(minutes=n)) for n in range(51)
        )
        page = look("?kind=failed")
        assert len(rows(page)) == 50
        (following,) = page.main.all("a", rel="next")
        assert following["href"] == "?kind=failed&page=2"
        assert len(rows(look(following["href"]))) == 1

    def test_no_more_than_the_latest_are_listed(self, ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(first_pages, "MOST_LISTED", 3)
        for _ in range(4):
            happened(SignInKind.SIGNED_IN, ben)
        assert "are listed. Choose days to see earlier ones." in look().text

    def test_the_cost_does_not_follow_the_table(self, ben: User) -> None:
        happened(SignInKind.FAILED, ben)
        signed_in, costs = SignedIn("iris"), []
        for _ in range(2):
            with asked() as cost:
                assert signed_in.client.get(PATH).status_code == 200
            costs.append(cost.statements)
            SignInEvent.objects.bulk_create(
                SignInEvent(kind=SignInKind.FAILED, user=ben, at=timezone.now()) for _ in range(200)
            )
        assert costs[0] == costs[1]

    @pytest.mark.parametrize(
        ("query", "index"),
        [({}, "sign_in_event_by_time"), ({"kind": "failed"}, "sign_in_event_by_kind"),
         ({"user_id": 1}, "sign_in_event_by_user")],
    )  # fmt: skip
    def test_each_list_is_read_from_an_index_in_its_order(self, db: None, query: dict[str, Any], index: str) -> None:
        listed = SignInEvent.objects.filter(**query).order_by("-at", "-id")[:50]
        # The table is small, and PostgreSQL would rather read all of it.
        run("SET LOCAL enable_seqscan = off")
        run("SET LOCAL enable_bitmapscan = off")
        said = listed.explain()
        assert index in said
        assert "Sort" not in said
