"""Deciding, alone and with a second person, and what follows from it."""

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from casework.actions import decisions, viewing
from casework.families.household import household
from casework.jobs import stale_recommendations
from casework.models import Case, Contact, Decision, Handoff
from localities.models import Team
from tests.random_actions.contacts import Contacts
from tests.random_actions.ledger import CAST, FRONT, CaseEntry, ContactEntry, OfferEntry, has, is_front_door
from tests.random_actions.stage import SECOND, TEAMS, WHICH, WHO, WORDS, choose_person, not_blank, pick
from tests.stage.story import person

# Overrides of the recommendation. Nobody can decide the last two; the first needs a second person.
PATHWAYS = [
    ("advice", 3, "green"), ("family_help", 3, "green"), ("early_help", 2, "green"),
    ("social_work_assessment", 4, "amber"), ("social_worker_review", 3, "amber"), ("strategy_discussion", 4, "red"),
    ("no_further_action", 1, "blue"), ("other_authority", 2, "green"), ("link_to_open_work", 2, "green"),
    ("strategy_discussion", 2, "green"), ("prison", 9, "purple"),
]  # fmt: skip


class Deciding(Contacts):
    """A named person decides. When the decision takes effect, the case opens in the same instant."""

    @precondition(lambda self: self.ledger.contacts)
    @rule(
        which=WHICH, who=WHO, looks=st.sampled_from([True, True, False]), rationale=WORDS,
        how=st.one_of(st.none(), st.none(), st.sampled_from(PATHWAYS)), stale=st.sampled_from([False] * 5 + [True]),
        team=st.one_of(st.none(), st.none(), TEAMS), without_answers=st.sampled_from([True, True, False]),
    )  # fmt: skip
    def decide(
        self, which: int, who: int | str, looks: bool, rationale: str, how: tuple[str, int, str] | None, stale: bool,
        team: str | None, without_answers: bool,
    ) -> None:  # fmt: skip
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        self.decided(
            contact, who, looks=looks, rationale=rationale, how=how, stale=stale, team=team,
            without_answers=without_answers,
        )  # fmt: skip

    def decided(
        self, contact: ContactEntry, who: int | str, *, looks: bool = True, rationale: str = "So it is, all in all.",
        how: tuple[str, int, str] | None = None, stale: bool = False, team: str | None = None,
        without_answers: bool = True,
    ) -> None:  # fmt: skip
        if looks:
            self.attempt(True, viewing.view_contact, reference=contact.reference, by=person("amina"), now=self.now)
            stale_recommendations.renew(now=self.now)
            self.follow_ratings()
        row = Contact.objects.get(pk=contact.pk)
        recommended = row.recommendation
        assert recommended is not None
        pathway, level, rag = how or (recommended.pathway, recommended.level, recommended.rag)
        hard_stop = any(reason["rule"] == "hard_stop" for reason in recommended.result["reasons"])
        managers_only = hard_stop or recommended.hold == "manager"
        roles = ["front_door_manager"] if managers_only else ["front_door_manager", "social_worker"]
        right = [each for each in CAST if is_front_door(each, *roles)]
        by = choose_person(who, right)
        seen = row.recommendations.earliest("pk").pk if stale else recommended.pk
        may = (
            contact.status == "received" and by in right and seen == recommended.pk and not_blank(rationale)
            and (contact.screened or recommended.hold != "screening")
            and pathway != "prison" and (pathway != "strategy_discussion" or (level, rag) == (4, "red"))
            and not (pathway in ("family_help", "early_help") and row.agreement == "not_sought")
            and not self.opened_since(row, recommended.made_at) and (without_answers or not contact.asked)
        )  # fmt: skip
        chosen = where = None
        if pathway != "prison":
            where = decisions.preview(row, pathway, household(row), now=self.now)
            team = team or ("aylesbury" if where.pick else None)
            chosen = Team.objects.get(code=team) if team else None
            may &= chosen is None or not (where.ends_here or where.link_to or where.choose_from or team in FRONT)
        decision = self.attempt(
            may, decisions.decide, contact_id=contact.pk, recommendation_id=seen, pathway=pathway, level=level, rag=rag,
            rationale=rationale,
            history="So it was before, too.", chosen_team_id=chosen and chosen.pk, chosen_team_reason="They know them.",
            chosen_case_id=where.choose_from[-1].pk if where and where.choose_from else None,
            without_answers=list(contact.asked) if without_answers else [], by=person(by), now=self.now,
        )  # fmt: skip
        if decision is None:
            return
        contact.decider = by
        if decision.needs_sign_off:
            contact.status, contact.overtaken = "sign_off", False
        else:
            self.takes_effect(contact, decision)
            if contact.case and contact.case.offer and where and not where.link_to:
                goes_to = chosen or where.team
                assert goes_to is not None
                assert contact.case.offer.to_team == goes_to.code

    @staticmethod
    def opened_since(row: Contact, moment: datetime) -> bool:
        """Whether a case of one of the children has opened since then and is still open."""
        children = row.children.values("person")
        opened = Case.objects.filter(casechild__person__in=children, opened_at__gt=moment, status="open")
        return opened.exclude(pathway="other_authority").exists()

    def takes_effect(self, contact: ContactEntry, decision: Decision) -> None:
        """Enters in the ledger what follows from a decision that takes effect."""
        since = self.now - SECOND
        contact.takes_effect()
        row = Contact.objects.select_related("case").get(pk=contact.pk)
        if row.case is None:
            return
        if row.case.opened_by_decision_id != decision.pk:
            contact.case = self.ledger.cases[row.case.pk]
            assert contact.case.is_open
            return
        case = contact.case = self.ledger.cases[row.case.pk] = CaseEntry(
            pk=row.case.pk, pathway=decision.pathway, rag=decision.rag, received_at=contact.received_at,
            responsibilities=[(contact.team, since, None)],
        )  # fmt: skip
        case.opens()
        handoff = Handoff.objects.select_related("from_team", "to_team").filter(case=row.case).first()
        if handoff is None:
            case.waits_for_a_team()
        else:
            self.is_offered(case, handoff, to=handoff.to_team.code, now=since)

    def is_offered(self, case: CaseEntry, handoff: Handoff, *, to: str, now: datetime) -> None:
        offer = OfferEntry(
            pk=handoff.pk, from_team=case.team, to_team=to, ordinal=case.counted + 1,
            is_bounce=case.would_bounce(to, now), is_step_up=handoff.kind == "step_up", offered_at=now,
        )  # fmt: skip
        assert (handoff.from_team.code, handoff.to_team.code) == (offer.from_team, offer.to_team)
        assert (handoff.ordinal, handoff.is_bounce) == (offer.ordinal, offer.is_bounce)
        case.is_offered(offer)
        self.ledger.handoffs[handoff.pk] = case.pk

    @precondition(lambda self: self.ledger.for_a_second_person)
    @rule(which=WHICH, who=WHO, agreed=st.sampled_from([True, True, False]), rationale=WORDS)
    def sign_off(self, which: int, who: int | str, agreed: bool, rationale: str) -> None:
        contact = pick(which, self.ledger.for_a_second_person, list(self.ledger.contacts.values()))
        row = Contact.objects.get(pk=contact.pk)
        right = {each for each in CAST if is_front_door(each, "front_door_manager") or has(each, "service_manager")}
        by = choose_person(who, right - {contact.decider})
        may = by in right - {contact.decider} and contact.status == "sign_off" and not_blank(rationale)
        if may and agreed:
            seen = row.decisions.latest("pk").recommendation
            may = not self.opened_since(row, seen.made_at) and not contact.overtaken
        decision = self.attempt(
            may, decisions.sign_off, contact_id=contact.pk, agreed=agreed, rationale=rationale, by=person(by),
            now=self.now,
        )  # fmt: skip
        if decision is not None and agreed:
            self.takes_effect(contact, decision)
        elif decision is not None:
            contact.status = "received"
