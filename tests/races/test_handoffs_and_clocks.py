"""
Handoffs, contact handovers and clocks on real connections. People hand over, decide, pause and extend while the worker
sweeps, recomputes, passes contacts to the day team and sends messages. Each race ends as if one action had followed the
other, without a deadlock.
"""

import threading
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction

from casework.actions import (
    calendar,
    clock_changes,
    closing,
    contact_handovers,
    decisions,
    handoffs,
    learning,
    parked_messages,
    partner_checks,
    referrers,
)
from casework.jobs import calendar_changes, delivery, opening, sweep
from casework.models import (
    AuditEvent,
    CalendarEdit,
    Case,
    Clock,
    ClockChange,
    Contact,
    ContactHandover,
    Decision,
    Event,
    Handoff,
    OutboxMessage,
    PartnerCheck,
    Reminder,
)
from casework.record.responsibilities import current
from errors import InvalidInput, ServiceError
from localities.models import CalendarDay
from tests.stage.families import passed
from tests.stage.mail import mail_server
from tests.stage.moments import day, local
from tests.stage.racing import PATIENCE, TIMES, family, interleaved, on_offer, only_one_succeeds, race, received
from tests.stage.story import Story, how_it_ended, person

NIGHT, OPENING = "Sat 21 Nov 2026 23:30", "Mon 23 Nov 2026 09:00"


def in_the_night(story: Story, number: int) -> Contact:
    """A red contact that emergency duty has."""
    story.now = local(NIGHT)
    return story.contact(**family(number, indicators=["L4-01"]))


class TestHandingOver:
    def test_a_sweep_while_a_team_accepts(self, story: Story) -> None:
        """The clock is due at this very moment: it reminds or it has stopped, and both actions succeed."""
        for number in range(TIMES):
            handoff = on_offer(story, number)
            clock = handoff.clocks.get()
            now = story.now = clock.due_at

            def accept(pk: int = handoff.pk, now: Any = now) -> Handoff:
                return handoffs.accept(handoff_id=pk, by=person("ben"), now=now)

            accepted, swept = race(accept, partial(sweep.sweep, now=now))
            assert isinstance(accepted, Handoff), repr(accepted)
            assert isinstance(swept, int), repr(swept)
            clock.refresh_from_db()
            assert (clock.stopped_at, clock.next_at) == (now, None)
            assert list(clock.reminders.order_by("pk").values_list("step", flat=True)) in (
                [], ["warning"], ["warning", "breach"],
            )  # fmt: skip

    def test_a_sweep_that_has_its_clock_while_a_team_accepts(self, story: Story) -> None:
        handoff = on_offer(story, 0)
        now = handoff.clocks.get().due_at
        accepted, swept = interleaved(
            lambda: handoffs.accept(handoff_id=handoff.pk, by=person("ben"), now=now),
            lambda: sweep.sweep(now=now),
            before='UPDATE "casework_clock"',
        )
        assert isinstance(accepted, Handoff), repr(accepted)
        assert isinstance(swept, int), repr(swept)
        assert Reminder.objects.filter(clock__handoff=handoff).count() == 2

    def test_one_closes_the_case_while_another_team_accepts_it(self, story: Story) -> None:
        """A case on offer is never closed while another team accepts it."""
        for number in range(TIMES):
            case = story.accepted(received(story, number))
            handoff = handoffs.offer(
                case_id=case.pk, to_team_id=story.team("chiltern").pk, reason="Moved.", by=person("ben"),
                now=story.later(),
            )  # fmt: skip
            now = story.later()

            def close(pk: int = case.pk, now: Any = now) -> Case:
                return closing.close(case_id=pk, ended=how_it_ended(), by=person("ben"), now=now)

            def accept(pk: int = handoff.pk, now: Any = now) -> Handoff:
                return handoffs.accept(handoff_id=pk, by=person("chris"), now=now)

            closed, accepted = race(close, accept)
            assert isinstance(accepted, Handoff), repr(accepted)
            assert isinstance(closed, (ServiceError, Case.DoesNotExist)), repr(closed)
            assert current(case).team.code == "chiltern"

    def test_two_leads_offer_it_a_third_time(self, story: Story) -> None:
        for number in range(TIMES):
            case = story.accepted(received(story, number))
            passed(story, case, "chiltern", by="ben", accepts="chris")
            now = story.later()

            def offer(by: str, to: str, pk: int = case.pk, now: Any = now) -> Handoff:
                return handoffs.offer(
                    case_id=pk, to_team_id=story.team(to).pk, reason="Moved on.", lead_reason="To their aunt.",
                    by=person(by), now=now,
                )  # fmt: skip

            only_one_succeeds(race(lambda: offer("chris", "south-bucks"), lambda: offer("sam", "north-vale")))
            assert sorted(case.handoffs.values_list("ordinal", flat=True)) == [1, 2, 3]


class TestBetweenNightAndDay:
    def test_two_workers_pass_the_night_on(self, story: Story) -> None:
        for number in range(8):
            in_the_night(story, number)
        passed = race(*[lambda: opening.pass_to_day_team(now=local(OPENING))] * 3)
        assert sum(passed) == 8, passed
        assert ContactHandover.objects.count() == 8
        assert AuditEvent.objects.filter(event=Event.CONTACT_HANDED_OVER).count() == 8
        assert Clock.objects.running().filter(kind="contact_taken_on").count() == 8

    def test_what_somebody_works_on_at_that_moment_passes_the_next_time(self, story: Story) -> None:
        contact, other = in_the_night(story, 0), in_the_night(story, 1)
        locked, passed = threading.Event(), threading.Event()

        def works() -> None:
            with transaction.atomic():
                referrers.acknowledge(contact_id=contact.pk, by=person("erin"), now=local(OPENING))
                locked.set()
                assert passed.wait(timeout=PATIENCE)

        def passes() -> int:
            try:
                assert locked.wait(timeout=PATIENCE)
                return opening.pass_to_day_team(now=local(OPENING))
            finally:
                passed.set()

        worked, first = race(works, passes)
        assert (worked, first) == (None, 1)
        assert list(ContactHandover.objects.values_list("contact", flat=True)) == [other.pk]
        assert opening.pass_to_day_team(now=local(OPENING) + timedelta(minutes=1)) == 1

    def test_somebody_decides_while_the_night_is_passed_on(self, story: Story) -> None:
        for number in range(TIMES):
            contact = in_the_night(story, number)
            assert contact.recommendation is not None
            seen = contact.recommendation.pk

            def decide(pk: int = contact.pk, seen: int = seen) -> Decision:
                return decisions.decide(
                    contact_id=pk, recommendation_id=seen, pathway="strategy_discussion", level=4, rag="red",
                    rationale="So it is, all in all.",
                    history="So it was before, too.", by=person("ezra"), now=local(OPENING),
                )  # fmt: skip

            # The decider's moment is earlier than the worker's, and still the decider may wait for the worker's lock.
            passes = local(OPENING) + timedelta(milliseconds=1)
            decided, passed = race(decide, partial(opening.pass_to_day_team, now=passes))
            assert isinstance(decided, Decision), repr(decided)
            contact.refresh_from_db()
            assert contact.case is not None
            handover = contact.handovers.first()
            assert passed == (handover is not None)
            assert contact.team.code == ("front-door" if passed else "emergency-duty")
            assert current(contact.case).team == contact.team
            assert handover is None or handover.taken_on_by == person("ezra")
            assert not contact.clocks.running().filter(kind="contact_taken_on").exists()

    def test_two_people_take_a_contact_on(self, story: Story) -> None:
        for number in range(TIMES):
            contact = in_the_night(story, number)
            opening.pass_to_day_team(now=local(OPENING))

            def take(by: str, pk: int = contact.pk) -> Contact:
                return contact_handovers.take_on(
                    contact_id=pk, by=person(by), now=local(OPENING) + timedelta(minutes=5)
                )

            only_one_succeeds(race(lambda: take("amina"), lambda: take("oliver")))
            assert AuditEvent.objects.filter(event=Event.CONTACT_TAKEN_ON, contact=contact).count() == 1

    def test_the_night_hands_over_while_the_service_does(self, story: Story) -> None:
        for number in range(TIMES):
            contact = in_the_night(story, number)

            def hand_over(pk: int = contact.pk) -> ContactHandover:
                return contact_handovers.hand_over(
                    contact_id=pk, note="Ring her.", by=person("erin"), now=local(OPENING)
                )

            handed, passed = race(hand_over, lambda: opening.pass_to_day_team(now=local(OPENING)))
            assert isinstance(handed, (ContactHandover, ServiceError)), repr(handed)
            assert passed == isinstance(handed, ServiceError)
            assert contact.handovers.get().to_team.code == "front-door"


class TestAskingPartners:
    def test_one_records_the_answer_while_another_withdraws_the_question(self, story: Story) -> None:
        for number in range(TIMES):
            check = story.asked(received(story, number))
            now = story.later()

            def answer(pk: int = check.pk, now: Any = now) -> PartnerCheck:
                return partner_checks.record_answer(check_id=pk, answer="No.", by=person("amina"), now=now)

            def withdraw(pk: int = check.pk, now: Any = now) -> PartnerCheck:
                return partner_checks.withdraw(check_id=pk, reason="A slip.", by=person("oliver"), now=now)

            only_one_succeeds(race(answer, withdraw))
            check.refresh_from_db()
            assert check.status == ("answered" if check.answer else "withdrawn")
            assert check.clocks.get().ended == ("done" if check.answer else "overtaken")

    def test_one_asks_while_another_decides(self, story: Story) -> None:
        """Whoever comes second hears of the first: nobody decides without an answer that they did not know of."""
        for number in range(TIMES):
            contact = received(story, number)
            now = story.later()
            story.now += timedelta(milliseconds=1) - timedelta(hours=1)

            def decide(contact: Contact = contact, now: Any = now) -> Decision:
                assert contact.recommendation is not None
                return decisions.decide(
                    contact_id=contact.pk, recommendation_id=contact.recommendation.pk, pathway="family_help",
                    level=3, rag="green", rationale="So it is, all in all.",
                    history="So it was before, too.", by=person("amina"), now=now,
                )  # fmt: skip

            asked, decided = race(partial(story.asked, contact), decide)
            contact.refresh_from_db()
            if isinstance(asked, PartnerCheck):
                assert isinstance(decided, InvalidInput), repr(decided)
                assert contact.status == "received"
                assert PartnerCheck.objects.get(contact=contact).status == "asked"
            else:
                assert isinstance(asked, ServiceError), repr(asked)
                assert isinstance(decided, Decision), repr(decided)
                assert not PartnerCheck.objects.filter(contact=contact).exists()


class TestClocksThatChange:
    def waiting_for_agreement(self, story: Story, number: int) -> Clock:
        """The clock of a contact whose family has been asked for its agreement."""
        contact = story.contact(agreement={"service": "not_sought"}, **family(number))
        return contact.clocks.get(kind="final_decision_green")

    def test_a_sweep_while_somebody_pauses(self, story: Story) -> None:
        """The warning goes out before the pause or not at all."""
        for number in range(TIMES):
            clock = self.waiting_for_agreement(story, number)
            now = story.now = clock.warn_at

            def pause(pk: int = clock.pk, now: Any = now) -> Clock:
                return clock_changes.pause(clock_id=pk, reason="Her father is asked.", by=person("amina"), now=now)

            paused, swept = race(pause, partial(sweep.sweep, now=now))
            assert isinstance(paused, Clock), repr(paused)
            assert isinstance(swept, int), repr(swept)
            sweep.sweep(now=clock.escalate_at + timedelta(days=30))
            clock.refresh_from_db()
            assert (clock.paused_at, clock.next_at) == (now, None)
            assert set(clock.reminders.values_list("step", flat=True)) <= {"warning"}

    def test_a_sweep_that_has_the_clock_while_somebody_pauses_it(self, story: Story) -> None:
        clock = self.waiting_for_agreement(story, 0)
        now = clock.warn_at
        paused, swept = interleaved(
            lambda: clock_changes.pause(clock_id=clock.pk, reason="Asked.", by=person("amina"), now=now),
            lambda: sweep.sweep(now=now),
            before='SELECT "casework_clock"."id"',
        )
        assert isinstance(paused, Clock), repr(paused)
        assert isinstance(swept, int), repr(swept)
        clock.refresh_from_db()
        assert clock.next_at is None

    def test_a_sweep_while_somebody_extends(self, story: Story) -> None:
        """The breach is reminded of, or the clock is not late any more."""
        for number in range(TIMES):
            clock = self.waiting_for_agreement(story, number)
            now = story.now = clock.due_at
            to = clock.due_at + timedelta(days=3)

            def extend(pk: int = clock.pk, now: Any = now, to: Any = to) -> Clock:
                return clock_changes.extend(clock_id=pk, to=to, reason="She is safe.", by=person("maya"), now=now)

            extended, swept = race(extend, partial(sweep.sweep, now=now))
            assert isinstance(extended, Clock), repr(extended)
            assert isinstance(swept, int), repr(swept)
            clock.refresh_from_db()
            said = list(clock.reminders.order_by("pk").values_list("step", flat=True))
            left = {"warning": clock.warn_at, "breach": clock.due_at, "escalation": clock.escalate_at}
            assert clock.due_at == to
            assert clock.next_at == next(moment for step, moment in left.items() if step not in said)

    def test_a_sweep_while_the_family_refuses(self, story: Story) -> None:
        """The rating changes, so its clock is replaced, while the sweep may have locked it."""
        clock = received(story, 0).clocks.get(kind="final_decision_green")
        now = clock.warn_at
        recorded, swept = interleaved(
            lambda: learning.record_agreement(
                contact_id=clock.contact_id or 0, service="refused", given_by="mother", on=now.date(),
                by=person("oliver"), now=now,
            ),
            lambda: sweep.sweep(now=now),
            before='UPDATE "casework_clock"',
        )  # fmt: skip
        assert isinstance(recorded, Contact), repr(recorded)
        assert isinstance(swept, int), repr(swept)
        clock.refresh_from_db()
        assert clock.ended == "replaced"

    def test_clocks_are_computed_again_while_somebody_decides(self, story: Story) -> None:
        """The clocks that the decision stopped stay stopped; those that still run have moved."""
        contact = received(story, 0)
        for number in range(1, 8):
            received(story, number)
        friday = CalendarDay(date=day("Fri 20 Nov 2026"), kind="bank_holiday", name="A royal wedding")
        calendar.change_day(day=friday, before=None, by=person("adele"), now=story.now)
        now = story.later()

        def decide() -> Decision:
            assert contact.recommendation is not None
            return decisions.decide(
                contact_id=contact.pk, recommendation_id=contact.recommendation.pk, pathway="family_help", level=3,
                rag="green", rationale="So it is, all in all.",
                history="So it was before, too.", by=person("amina"), now=now,
            )  # fmt: skip

        decided, *looked = race(decide, *[lambda: calendar_changes.recompute(clock=lambda: now)] * 2)
        assert isinstance(decided, Decision), repr(decided)
        assert all(isinstance(each, int) for each in looked), looked
        calendar_changes.recompute(clock=lambda: now)
        edit = CalendarEdit.objects.get()
        assert edit.finished_at == now
        assert ClockChange.objects.values("clock").distinct().count() == ClockChange.objects.count(), "moved twice"
        assert AuditEvent.objects.filter(event=Event.CLOCKS_RECOMPUTED).count() == 1
        for clock in Clock.objects.running().filter(kind="next_step_decision"):
            assert clock.due_at == local("Mon 23 Nov 2026 10:00")

    def test_a_day_is_changed_while_clocks_start(self, story: Story) -> None:
        """A contact received at that moment has clocks by the new calendar, or they are recomputed."""
        friday = CalendarDay(date=day("Fri 20 Nov 2026"), kind="bank_holiday", name="A royal wedding")
        now = story.now

        def change() -> None:
            calendar.change_day(day=friday, before=None, by=person("adele"), now=now)

        race(change, *[lambda number=number: received(story, number) for number in range(3)])
        calendar_changes.recompute(clock=lambda: now)
        dues = set(Clock.objects.filter(kind="next_step_decision").values_list("due_at", flat=True))
        assert dues == {local("Mon 23 Nov 2026 10:00")}


class TestSending:
    def parked(self, story: Story, number: int) -> OutboxMessage:
        """A message that is parked after its last attempt."""
        contact = received(story, number)
        message = OutboxMessage.objects.get(contact=contact, kind="acknowledgement")
        OutboxMessage.objects.filter(pk=message.pk).update(parked_at=story.now, attempts=delivery.MOST_ATTEMPTS)
        return message

    def test_somebody_retries_while_others_drain(self, story: Story) -> None:
        with mail_server() as sink:
            for number in range(TIMES):
                message = self.parked(story, number)
                now = story.later()

                def retry(pk: int = message.pk, now: Any = now) -> OutboxMessage:
                    return parked_messages.retry(message_id=pk, by=person("adele"), now=now)

                def drain(now: Any = now) -> int:
                    return sum(delivery.drain(clock=lambda: now, connect=sink.connect).sent for _ in range(5))

                retried, *sent = race(retry, drain, drain)
                assert isinstance(retried, OutboxMessage), repr(retried)
                assert sum(sent) <= 1, sent
                drain()
                message.refresh_from_db()
                assert message.sent_at == now
                assert len(sink.letters) == number + 1

    def test_one_retries_while_another_drops(self, story: Story) -> None:
        for number in range(TIMES):
            message = self.parked(story, number)
            now = story.later()

            def retry(pk: int = message.pk, now: Any = now) -> OutboxMessage:
                return parked_messages.retry(message_id=pk, by=person("adele"), now=now)

            def drop(pk: int = message.pk, now: Any = now) -> OutboxMessage:
                return parked_messages.drop(message_id=pk, reason="Rang them.", by=person("sam"), now=now)

            retried, dropped = race(retry, drop)
            only_one_succeeds([retried, dropped])
            message.refresh_from_db()
            assert (message.dropped_at is None) == isinstance(dropped, Exception)
            assert (message.parked_at is None) == isinstance(retried, OutboxMessage)
