"""Whoever sends a request is known again by statements that are planned once: they find what Django's own would."""

from datetime import date, timedelta

from django.contrib.sessions.backends.db import SessionStore as DjangosStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from config import sessions
from config.accounts import StaffBackend
from localities.models import User
from localities.roles import roles_of
from localities.working_time import local_day
from tests.stage.sessions import key_of
from tests.stage.sql import asked


class TestAUser:
    def test_is_the_one_whom_the_table_has(self, amina: User) -> None:
        amina.telephone, amina.last_login = "01632 960000", timezone.now()
        amina.save()
        again = StaffBackend().get_user(amina.pk)
        assert again is not None
        assert {**vars(again), "_state": None}.items() >= {
            **vars(User.objects.get(pk=amina.pk)),
            "_state": None,
        }.items()
        assert not again._state.adding
        assert again._state.db == "default"
        again.name = "Amina Begum-Shah"
        again.save()
        amina.refresh_from_db()
        assert amina.name == "Amina Begum-Shah"

    def test_brings_the_roles_of_today(self, ben: User) -> None:
        today = local_day(timezone.now())
        ben.memberships.create(role="auditor", ends_on=today - timedelta(days=1), starts_on=date(2020, 1, 1))
        with asked() as cost:
            again = StaffBackend().get_user(ben.pk)
            assert again is not None
            roles = roles_of(again, today)
        assert cost.statements == 1
        assert roles == roles_of(User.objects.get(pk=ben.pk), today)
        assert [role.role for role in roles.roles] == ["team_lead"]

    def test_is_nobody_who_left_or_never_was(self, ben: User) -> None:
        ben.is_active = False
        ben.save()
        assert [StaffBackend().get_user(pk) for pk in (ben.pk, 0)] == [None, None]


class TestASession:
    def test_says_what_django_reads_of_it(self, amina: User) -> None:
        key = key_of("amina")
        says = sessions.SessionStore(key).load()
        assert says == DjangosStore(key).load()
        assert says["account_authentication_methods_user"]

    def test_that_has_ended_or_never_was_says_nothing_and_keeps_no_key(self, db: None) -> None:
        Session.objects.filter(pk=key_of("ben")).update(expire_date=timezone.now())
        for key in (key_of("ben"), "never-was"):
            store = sessions.SessionStore(key)
            assert store.load() == {}
            assert store.session_key is None

    def test_is_read_by_one_in_which_the_other_wrote(self, db: None) -> None:
        store = sessions.SessionStore()
        store["said"] = "once"
        store.save()
        assert DjangosStore(store.session_key).load() == {"said": "once"}
