"""What the teams do: handoffs and work with families."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from casework.actions import cases, closing, handoffs
from casework.models import Message, MilestoneKind, OutboxMessage
from localities.models import OtherAuthority, Team
from tests.random_actions.deciding import Deciding
from tests.random_actions.ledger import CAST, FRONT, has, works_in
from tests.random_actions.stage import SECOND, TEAMS, WHICH, WHO, WORDS, choose_person, not_blank, pick
from tests.stage.story import how_it_ended, person


def is_step(sender: str, receiver: str) -> bool:
    """Whether the family would get more or less help than before: social work, or a voluntary service."""
    if receiver == "child-protection":
        return sender not in FRONT and sender != receiver
    return sender == "child-protection" and receiver not in FRONT and receiver != "out-of-area"


class Teams(Deciding):
    """Cases are offered, accepted, returned and withdrawn; led, worked on and closed."""

    @precondition(lambda self: self.ledger.to_offer)
    @rule(
        told=st.sampled_from([True, True, False]),
        which=WHICH,
        who=WHO,
        to=TEAMS,
        reason=WORDS,
        lead_reason=WORDS,
        despite=WORDS,
    )
    def offer(
        self, which: int, who: int | str, to: str, reason: str, lead_reason: str, despite: str, told: bool
    ) -> None:
        case = pick(which, self.ledger.to_offer, list(self.ledger.cases.values()))
        is_third = case.counted >= 2
        lead_offers = is_third and not (to == "child-protection" and is_step(case.team, to))
        right = {
            each
            for each in CAST
            if has(each, "service_manager")
            or (
                has(each, "team_lead", "front_door_manager", team=case.team)
                if lead_offers
                else works_in(each, case.team)
            )
        }
        by = choose_person(who, right)
        may: bool | None = (
            by in right and case in self.ledger.to_offer and to != case.team and not_blank(reason)
            and (not is_third or not_blank(lead_reason)) and (told or not is_step(case.team, to))
        )  # fmt: skip
        if may and not not_blank(despite):
            may = None  # Whether somebody knows the family is for tests/families/test_continuity.py.
        now, rag = self.now, case.rated_with(to)
        handoff = self.attempt(
            may, handoffs.offer, case_id=case.pk, to_team_id=Team.objects.get(code=to).pk, reason=reason,
            lead_reason=lead_reason, despite=despite, family_told="They know." if told else "", family_agrees=told,
            in_danger=False, rag=rag, by=person(by), now=now,
        )  # fmt: skip
        if handoff is not None:
            if handoff.kind == "step_up":
                case.rag = rag
            self.is_offered(case, handoff, to=to, now=now)

    @precondition(lambda self: self.ledger.on_offer)
    @rule(which=WHICH, who=WHO, how=st.sampled_from(["accept", "accept", "return", "return", "withdraw"]), reason=WORDS)
    def answer_an_offer(self, which: int, who: int | str, how: str, reason: str) -> None:
        open_ones = [case.offer.pk for case in self.ledger.on_offer if case.offer]
        self.answered(pick(which, open_ones, list(self.ledger.handoffs)), who, how, reason)

    def answered(self, pk: int, who: int | str, how: str, reason: str) -> None:
        case = self.ledger.cases[self.ledger.handoffs[pk]]
        offer = case.offer if case.offer and case.offer.pk == pk else None
        side = (offer.from_team if how == "withdraw" else offer.to_team) if offer else case.team
        right = [each for each in CAST if works_in(each, side) or (how == "withdraw" and has(each, "service_manager"))]
        by = choose_person(who, right)
        may = offer is not None and by in right and (how == "accept" or not_blank(reason))
        now = self.now
        match how:
            case "accept":
                answered = self.attempt(may, handoffs.accept, handoff_id=pk, by=person(by), now=now)
            case "return":
                answered = self.attempt(
                    may, handoffs.return_to_sender, handoff_id=pk, reason=reason, by=person(by), now=now
                )
            case _:
                answered = self.attempt(may, handoffs.withdraw, handoff_id=pk, reason=reason, by=person(by), now=now)
        if answered is None or offer is None:
            return
        if how != "accept":
            case.is_not_accepted(withdrawn=how == "withdraw")
            return
        case.is_accepted(now)
        bounces = OutboxMessage.objects.filter(
            kind=Message.CASE_BOUNCED, idempotency_key__startswith=f"case_bounced:{pk}:"
        )
        assert bounces.exists() == offer.is_bounce

    @rule(
        family=st.integers(0, 3), need=st.sampled_from(["harm", "strong", "three"]), who=st.integers(0, 5),
        how=st.sampled_from(["accept", "accept", "return"]),
    )  # fmt: skip
    def a_team_takes_a_family_on(self, family: int, need: str, who: int, how: str) -> None:
        """Receives, decides and accepts in one step, so that there are cases to hand on; or the case is returned."""
        contact = self.received(self.about(family, need))
        assert contact is not None
        self.decided(contact, who)
        if contact.case and contact.case.offer:
            self.answered(contact.case.offer.pk, who, how, "So it is.")

    @precondition(lambda self: self.ledger.cases)
    @rule(which=WHICH, who=WHO, lead=WHO)
    def name_a_lead(self, which: int, who: int | str, lead: int | str) -> None:
        case = pick(which, self.ledger.open_cases, list(self.ledger.cases.values()))
        here = [each for each in CAST if works_in(each, case.team)]
        by, named = choose_person(who, here), choose_person(lead, here)
        may = case.is_open and by in here and named in here
        if self.attempt(may, cases.name_lead, case_id=case.pk, lead_id=person(named).pk, by=person(by), now=self.now):
            case.names(named)

    @precondition(lambda self: self.ledger.cases)
    @rule(
        which=WHICH, who=WHO, kind=st.sampled_from([*MilestoneKind.values, "party"]),
        ago=st.sampled_from([0, 0, 0, 60, 86_400, 86_400_000, -60]),
    )  # fmt: skip
    def record_a_milestone(self, which: int, who: int | str, kind: str, ago: int) -> None:
        case = pick(which, self.ledger.open_cases, list(self.ledger.cases.values()))
        here = [each for each in CAST if works_in(each, case.team)]
        by, happened = choose_person(who, here), self.now - ago * SECOND
        may = case.is_open and by in here and kind != "party" and case.received_at <= happened <= self.now
        if self.attempt(
            may, cases.record_milestone, case_id=case.pk, kind=kind, at=happened, by=person(by), now=self.now
        ):
            case.records(kind)

    @precondition(lambda self: self.ledger.cases)
    @rule(which=WHICH, who=WHO, known=st.sampled_from([True, True, False]))
    def name_the_other_authority(self, which: int, who: int | str, known: bool) -> None:
        case = pick(which, self.ledger.open_cases, list(self.ledger.cases.values()))
        here = [each for each in CAST if works_in(each, case.team)]
        by = choose_person(who, here)
        authority = OtherAuthority.objects.earliest("pk").pk if known else None
        if self.attempt(
            case.is_open and by in here and known, cases.name_other_authority, case_id=case.pk, authority_id=authority,
            by=person(by), now=self.now,
        ):  # fmt: skip
            case.other_authority = True

    @precondition(lambda self: self.ledger.worked_on)
    @rule(
        which=WHICH, who=WHO, summary=WORDS, seen=st.booleans(),
        outcome=st.sampled_from(["needs_met", "needs_met", "no_progress", "other_authority", "bliss"]),
    )  # fmt: skip
    def close(self, which: int, who: int | str, summary: str, seen: bool, outcome: str) -> None:
        case = pick(which, self.ledger.worked_on, list(self.ledger.cases.values()))
        here = [each for each in CAST if works_in(each, case.team)]
        by, now = choose_person(who, here), self.now
        may = (
            case.is_open and case.team not in FRONT and not case.offer and not_blank(summary)
            and outcome != "bliss" and (outcome != "other_authority" or case.other_authority)
            and "strategy_discussion" not in case.running
        )  # fmt: skip
        # With as many words as it needs, where there are any.
        ended = how_it_ended(
            outcome=outcome, summary=f"{summary}, as they say now" if not_blank(summary) else summary,
            children_seen=seen, adults_seen=False, lead_reason="They moved away, and nobody answered.",
        )  # fmt: skip
        without_contact = not seen and not case.contacted and case.pathway != "other_authority"
        # Two people close such a case, and nobody asks here.
        may = may and not without_contact and by in here
        if self.attempt(may, closing.close, case_id=case.pk, ended=ended, by=person(by), now=now):
            case.closes(now)
