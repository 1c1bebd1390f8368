"""The small forms on the pages of contacts and cases. They collect; whether it is right is the action's to say."""

import re
from datetime import date, datetime
from typing import Any

from django import forms

from casework.families.routing import teams_to_pick_from
from casework.models import Contact, MilestoneKind, Outcome
from casework.models.choices import AGREEMENTS
from casework.web.rendering import DatePartsField, Form, Radios, RadiosInARow, Select, Textarea, TextInput
from errors import InvalidInput
from localities.models import Agency, OtherAuthority, Team, User
from localities.working_time import LONDON
from triage.ruleset import Rag, RuleSet

UNKNOWN_YES_NO = [("", "Not known"), ("yes", "Yes"), ("no", "No")]


class ActionForm(Form):
    """A form whose action names its faults by the form's own fields."""

    def take(self, invalid: InvalidInput) -> None:
        """Show an action's faults at their fields; what belongs to none stands above the form."""
        for fault in invalid.faults:
            name = str(fault.path[0]) if fault.path else None
            self.add_error(name if name in self.fields else None, fault.says)


def why(label: str, hint: str = "", *, missing: str = "") -> forms.CharField:
    """
    A box for a reason in one's own words.

    :param missing: what is said where it is empty, if the form must say it before the action can.
    """
    return forms.CharField(
        label=label, required=bool(missing), error_messages={"required": missing}, widget=Textarea({"rows": 3}),
        help_text=hint,
    )  # fmt: skip


class DecideForm(ActionForm):
    """Accept or override: the recommendation is filled in, the rationale never."""

    recommendation = forms.IntegerField(widget=forms.HiddenInput)
    pathway = forms.ChoiceField(label="What happens next?", widget=Radios, required=False)
    level = forms.TypedChoiceField(
        label="Level of need", widget=Radios, required=False, coerce=int, empty_value=None,
        choices=[(str(level), f"Level {level}") for level in (1, 2, 3, 4)],
    )  # fmt: skip
    rag = forms.ChoiceField(
        label="Rating", widget=Radios, required=False, choices=[(rag.value, rag.value.capitalize()) for rag in Rag]
    )
    rationale = why(
        "Your rationale",
        "In your own words: what you weighed, what the history means, and why this is right for the child. "
        "The child may read it one day.",
    )
    team = forms.TypedChoiceField(
        label="Team", widget=Select, required=False, coerce=int, empty_value=None,
        help_text="Where the route above cannot tell, or you know better.",
    )  # fmt: skip
    team_reason = why("Why this team?")

    def __init__(self, contact: Contact, rules: RuleSet, *args: Any, **kwargs: Any) -> None:
        recommendation = contact.recommendation
        assert recommendation is not None
        initial = {
            "recommendation": recommendation.pk,
            "pathway": recommendation.pathway,
            "level": str(recommendation.level),
            "rag": recommendation.rag,
        }
        super().__init__(*args, initial=initial, prefix="decide", **kwargs)
        pathway, team = self.fields["pathway"], self.fields["team"]
        assert isinstance(pathway, forms.ChoiceField)
        assert isinstance(team, forms.ChoiceField)
        pathway.choices = [(entry.id, entry.title) for entry in rules.pathways.values()]
        team.choices = [("", "Choose"), *((str(entry.pk), entry.name) for entry in teams_to_pick_from())]


class SignOffForm(ActionForm):
    """Agree or decline, with a rationale."""

    answer = forms.ChoiceField(
        label="Do you agree?", widget=Radios, choices=[("agree", "I agree"), ("decline", "I do not agree")],
        error_messages={"required": "Say whether you agree."},
    )  # fmt: skip
    rationale = why("Your rationale")


class AgreementForm(ActionForm):
    """What the family says to a voluntary service."""

    service = forms.ChoiceField(label="What does the family say?", widget=Radios, choices=AGREEMENTS, required=False)
    given_by = forms.CharField(label="Who answered?", required=False, widget=TextInput(20))
    on = DatePartsField(label="When?")

    def day(self) -> date | None:
        """The day that was typed; None if it was not, or is no real date."""
        try:
            return date.fromisoformat(self.cleaned_data.get("on") or "")
        except ValueError:
            return None


class ChecksForm(Form):
    """What our own records say of each child, and of brothers and sisters."""

    recommendation = forms.IntegerField(widget=forms.HiddenInput, required=False)
    sibling_on_cp_plan = forms.ChoiceField(
        label="Does a brother or sister have a child protection plan?",
        widget=RadiosInARow,
        choices=UNKNOWN_YES_NO,
        required=False,
    )

    def __init__(self, contact: Contact, *args: Any, **kwargs: Any) -> None:
        self.children = list(contact.children.all())
        initial: dict[str, object] = {
            "recommendation": contact.recommendation_id,
            "sibling_on_cp_plan": _said(contact.sibling_on_cp_plan),
        }
        for child in self.children:
            initial[f"plan_{child.pk}"] = _said(child.person.previous_cp_plan)
            initial[f"after_{child.pk}"] = _said(child.person.previously_looked_after)
        super().__init__(*args, initial=initial, prefix="checks", **kwargs)
        for child in self.children:
            for name, asks in (("plan", "had a child protection plan before"), ("after", "was looked after before")):
                self.fields[f"{name}_{child.pk}"] = forms.ChoiceField(
                    label=f"{child.person.full_name}: {asks}?",
                    widget=RadiosInARow,
                    choices=UNKNOWN_YES_NO,
                    required=False,
                )

    def sibling(self) -> bool | None:
        return _heard(self.cleaned_data["sibling_on_cp_plan"])

    def of_children(self) -> dict[int, tuple[bool | None, bool | None]]:
        said = self.cleaned_data
        return {
            child.pk: (_heard(said[f"plan_{child.pk}"]), _heard(said[f"after_{child.pk}"])) for child in self.children
        }


class OfferForm(ActionForm):
    """Offer a case to another team."""

    to_team = forms.TypedChoiceField(
        label="To which team?", widget=Select, required=False, coerce=int, empty_value=None
    )
    reason = why("Why?", "What the family needs from this team, and what they have been told.")
    despite = why("If it does not go to those who know the family: why not?")
    lead_reason = why("Why is it right for the children to change hands once more?")

    def __init__(self, *args: Any, questioned: bool = False, is_known: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, prefix="offer", **kwargs)
        if not questioned:
            del self.fields["lead_reason"]
        if not is_known:
            del self.fields["despite"]
        field = self.fields["to_team"]
        assert isinstance(field, forms.ChoiceField)
        teams = Team.objects.filter(is_active=True).order_by("name")
        field.choices = [("", "Choose"), *((str(team.pk), team.name) for team in teams)]


class AnswerForm(ActionForm):
    """Accept a handoff, or return it with a reason."""

    reason = why("If you return it: why?", "So that the sender can do better. Nothing of the story is lost.")


class HandoverForm(ActionForm):
    """Pass a contact between emergency duty and the day team."""

    note = why("What must the next team know?", "What was done, what comes next, and by when. The record goes with it.")


class AskPartnerForm(ActionForm):
    """Ask a partner what it knows."""

    agency = forms.TypedChoiceField(label="Which partner?", widget=Select, required=False, coerce=int, empty_value=None)
    question = why("What do you ask, and why?", "Only what is needed to keep the children safe.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="ask", **kwargs)
        field = self.fields["agency"]
        assert isinstance(field, forms.ChoiceField)
        agencies = Agency.objects.filter(is_active=True)
        field.choices = [("", "Choose"), *((str(agency.pk), agency.name) for agency in agencies)]


class PartnerAnswerForm(ActionForm):
    """What a partner answered, or why it is asked no more."""

    answer = why("What did they say?", "That they know nothing is an answer too.")


class PartnerWithdrawForm(ActionForm):
    """Ask no more."""

    reason = why("Why is the question withdrawn?")


class SnoozeForm(ActionForm):
    """Put a reminder off one's own list."""

    until = forms.ChoiceField(
        label="Until when?", widget=RadiosInARow, required=False,
        choices=[("hour", "An hour"), ("half_day", "Four hours"), ("next_working_day", "The next working day")],
    )  # fmt: skip
    reason = why("Why can it wait until then?")


class WithdrawForm(ActionForm):
    """Take an offer back."""

    reason = why("Why do you withdraw the offer?")


class LeadForm(ActionForm):
    """Name the lead practitioner."""

    lead = forms.TypedChoiceField(
        label="Lead practitioner", widget=Select, required=False, coerce=int, empty_value=None,
        help_text="The person whom the family knows and turns to.",
    )  # fmt: skip

    def __init__(self, team: Team, on: date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="lead", **kwargs)
        field = self.fields["lead"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose"), *((str(user.pk), user.name) for user in _members(team, on))]


class MomentForm(ActionForm):
    """A day and a time of day. `moment_is` is what the action calls them; `without_time` what a day alone means."""

    on = DatePartsField(label="On which day?")
    time = forms.CharField(label="At what time?", required=False, widget=TextInput(5), help_text="For example, 14:30")
    moment_is = "at"
    without_time = "00:00:00"

    def clean_time(self) -> str:
        time: str = self.cleaned_data["time"].strip()
        if time and not re.fullmatch("([01]?[0-9]|2[0-3]):[0-5][0-9]", time):
            raise forms.ValidationError("Enter a time of day in hours and minutes, as 14:30.")
        return time

    def take(self, invalid: InvalidInput) -> None:
        for fault in invalid.faults:
            self.add_error("on" if fault.path == (self.moment_is,) else str(fault.path[0]), fault.says)

    def moment(self) -> datetime | None:
        """The moment that was typed; None if it was not, or is no real date."""
        day, time = self.cleaned_data.get("on"), self.cleaned_data.get("time")
        time = f"{time}:00" if time else self.without_time
        try:
            return datetime.strptime(f"{day} {time}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=LONDON)
        except ValueError:
            return None


class MilestoneForm(MomentForm):
    """Something promised that was done."""

    kind = forms.ChoiceField(
        label="What was done?", widget=Select, required=False, choices=[("", "Choose"), *MilestoneKind.choices]
    )
    field_order = ("kind", "on", "time")


class AuthorityForm(ActionForm):
    """Name the other authority."""

    authority = forms.TypedChoiceField(
        label="Which council answers for this family?", widget=Select, required=False, coerce=int, empty_value=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="authority", **kwargs)
        field = self.fields["authority"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose"), *((str(entry.pk), entry.name) for entry in OtherAuthority.objects.all())]


class CloseForm(ActionForm):
    """End the work."""

    outcome = forms.ChoiceField(label="How did the work end?", widget=Radios, required=False, choices=Outcome.choices)
    summary = why("What was achieved, and what stays open for the family?")


def _members(team: Team, on: date) -> list[User]:
    memberships = team.memberships.current(on).select_related("user").order_by("user__name")
    return list({membership.user_id: membership.user for membership in memberships}.values())


def _said(value: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[value]


def _heard(value: str) -> bool | None:
    return {"yes": True, "no": False}.get(value)
