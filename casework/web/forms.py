"""The forms on the pages of contacts and cases. They collect what was typed; the action checks it."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from django import forms
from django.db.models import Exists, Model, OuterRef, QuerySet, prefetch_related_objects
from django.http import QueryDict

from casework.actions.contact_owners import front_door_staff, to_suggest
from casework.actions.matches import ShowsAnAddress
from casework.models import Case, Contact, ContactAdult, ContactChild, HandoffKind, MilestoneKind
from casework.reading.team_work import Load
from casework.web.rendering import (
    Checkboxes,
    DatePartsField,
    Form,
    Radios,
    RadiosInARow,
    Select,
    Textarea,
    TextInput,
    moment_of,
    read_time,
)
from errors import InvalidInput
from localities.models import Agency, Membership, OtherAuthority, Team, TeamKind, User
from localities.working_time import local_day
from triage.ruleset import Rag

CHOOSE_A_TEAM = "Select a team that takes work"
YES_NO = [("yes", "Yes"), ("no", "No")]
UNKNOWN_YES_NO = [("", "Not known"), *YES_NO]
# In digits.
LONGEST_ID = 19


class ActionForm(Form):
    """
    A form whose fields have the names that its action uses in its faults.

    Most templates name each field of a form: a new field must be added there, too.
    """

    def fill_in(self, typed: QueryDict) -> None:
        """Fills in what somebody typed before. What is hidden stays as it is now."""
        for name, field in self.fields.items():
            key, widget = self.add_prefix(name), field.widget
            if not widget.is_hidden and not widget.value_omitted_from_data(typed, {}, key):
                self.initial[name] = widget.value_from_datadict(typed, {}, key)

    def add_faults(self, invalid: InvalidInput) -> None:
        """Adds an action's faults to their fields. A fault without a field is shown above the form."""
        for fault in invalid.faults:
            name = str(fault.path[0]) if fault.path else None
            self.add_error(name if name in self.fields else None, fault.message)


def id_of(chosen: Model | None) -> int | None:
    """The id of the choice; None if nothing was chosen, which the action then reports."""
    return None if chosen is None else chosen.pk


def is_id(sent: str) -> bool:
    """Whether a text can be an id, as a page writes it. Python reads no number of thousands of digits."""
    return sent.isascii() and sent.isdecimal() and len(sent) < LONGEST_ID


def choice_of(label: str, queryset: QuerySet[Any], hint: str = "", *, else_says: str) -> "forms.ModelChoiceField[Any]":
    """
    A row to choose from a list.

    :param else_says: what is said of anything that is not on the list.
    """
    return forms.ModelChoiceField(
        label=label, queryset=queryset, widget=Select, required=False, empty_label="Choose", help_text=hint,
        error_messages={"invalid_choice": else_says},
    )  # fmt: skip


def reason_field(label: str, hint: str = "", *, missing: str = "") -> forms.CharField:
    """
    A text area for a reason.

    :param missing: the error for an empty one, where the form checks it. Empty: the action checks it.
    """
    return forms.CharField(
        label=label, required=bool(missing), error_messages={"required": missing}, widget=Textarea({"rows": 3}),
        help_text=hint,
    )  # fmt: skip


def yes_or_no(label: str, hint: str = "") -> forms.ChoiceField:
    """A question that is answered with yes or no; `truth_of` reads the answer."""
    return forms.ChoiceField(label=label, widget=RadiosInARow, required=False, choices=YES_NO, help_text=hint)


def truth_of(answer: str) -> bool | None:
    """What was answered with yes or no; None if nothing was."""
    return {"yes": True, "no": False}.get(answer)


class OwnRecordsForm(ActionForm):
    """What our own records say about each child and their brothers and sisters."""

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
            "sibling_on_cp_plan": _to_choice(contact.sibling_on_cp_plan),
        }
        for child in self.children:
            initial[f"plan_{child.pk}"] = _to_choice(child.person.previous_cp_plan)
            initial[f"after_{child.pk}"] = _to_choice(child.person.previously_looked_after)
        super().__init__(*args, initial=initial, prefix="checks", **kwargs)
        for child in self.children:
            for name, asks in (("plan", "had a child protection plan before"), ("after", "was looked after before")):
                self.fields[f"{name}_{child.pk}"] = forms.ChoiceField(
                    label=f"{child.called}: {asks}?",
                    widget=RadiosInARow,
                    choices=UNKNOWN_YES_NO,
                    required=False,
                )

    def sibling(self) -> bool | None:
        return truth_of(self.cleaned_data["sibling_on_cp_plan"])

    def of_children(self) -> dict[int, tuple[bool | None, bool | None]]:
        said = self.cleaned_data
        return {
            child.pk: (truth_of(said[f"plan_{child.pk}"]), truth_of(said[f"after_{child.pk}"]))
            for child in self.children
        }


def _step(kind: HandoffKind) -> HandoffKind | None:
    return kind if kind.is_step else None


class OfferForm(ActionForm):
    """Offer a case to another team."""

    in_danger = yes_or_no(
        "Is a child in immediate danger?", "If so, call 999 first. Then telephone the team: do not wait for its answer."
    )
    to_team = choice_of("To which team?", Team.objects.filter(is_active=True).order_by("name"), else_says=CHOOSE_A_TEAM)
    rag = forms.ChoiceField(label="How urgent is it now?", widget=Radios, required=False)
    reason = reason_field("Why?", "What the family needs from this team, and what they have been told.")
    family_told = reason_field("What was the family told, and what did it say?", "The children's words first.")
    family_agrees = yes_or_no(
        "Does the family agree to the voluntary service, asked anew?", "What it agreed to before was another service."
    )
    despite = reason_field("If it does not go to those who know the family: why not?")
    lead_reason = reason_field("Why is it right for the children to change hands once more?")

    def __init__(
        self, *args: Any, sender: Team, step: HandoffKind | None, questioned: bool = False, is_known: bool = False,
        rag: str = "", due: Mapping[Rag, str] = MappingProxyType({}), keeps_red: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        """
        :param step: a step up or down; None for any other offer of the sender.
        :param rag: the rating of the case.
        :param due: of a step: the ratings that it can give the case, and when each asks for an answer, in words.
        :param keeps_red: whether the user may not lower the rating, because it is red.
        """
        super().__init__(*args, prefix="offer", **kwargs)
        self._sender, self._wanted = sender, step
        to_team = self.fields["to_team"]
        assert isinstance(to_team, forms.ModelChoiceField)
        kinds = [kind for kind in TeamKind if self.offers_to(Team(kind=kind))]
        to_team.queryset = Team.objects.filter(is_active=True, kind__in=kinds).exclude(pk=sender.pk).order_by("name")
        if step is None:
            del self.fields["family_told"], self.fields["rag"]
        else:
            self._ask_for_rating(step, rag, due, keeps_red=keeps_red)
        if step != HandoffKind.STEP_UP:
            del self.fields["in_danger"]
        if step != HandoffKind.STEP_DOWN:
            del self.fields["family_agrees"]
        if not questioned:
            del self.fields["lead_reason"]
        if not is_known:
            del self.fields["despite"]

    def _ask_for_rating(self, step: HandoffKind, rag: str, due: Mapping[Rag, str], *, keeps_red: bool) -> None:
        """Nothing is selected beforehand, unless there is one answer."""
        field = self.fields["rag"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(each.value, f"{each.capitalize()}: {says}") for each, says in due.items()]
        if len(due) == 1:
            field.initial = next(iter(due))
        if step == HandoffKind.STEP_UP:
            asks = "Red: a child suffers significant harm, or is likely to. A step up is never green or blue."
        elif keeps_red:
            asks = "Only whoever leads your team, or a service manager, can offer it with a lower rating."
        else:
            asks = "A lower rating holds from the moment the other team accepts."
        field.help_text = f"The case is {rag} now. {asks}"

    def offers_to(self, team: Team) -> bool:
        """Whether the case can be offered to a team of this kind here."""
        return _step(HandoffKind.between(self._sender, team)) == self._wanted


class HandoffReturnForm(ActionForm):
    """Return a case to the team that offered it. The reason is saved as `Handoff.answer_reason`."""

    reason = reason_field(
        "Why do you return it?",
        "What the family needs instead, and what they know. The team that offered it reads this first.",
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, prefix="return")


class ContactHandoverForm(ActionForm):
    """Hand a contact over between emergency duty and the day team."""

    note = reason_field(
        "What must the next team know?", "What was done, what comes next, and by when. The record goes with it."
    )


class AssignForm(ActionForm):
    """Assign a contact to somebody at the front door. `seen` is whose it was when the page was shown."""

    to = choice_of("Owner", User.objects.none(), else_says="Select somebody who works at the front door")
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, contact: Contact, now: datetime, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"to": contact.owner_id, "seen": contact.owner_id})
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        today = local_day(now)
        field.queryset = to_suggest(front_door_staff(today), today, also=contact.owner_id)
        field.empty_label = "Nobody"


class AskPartnerForm(ActionForm):
    """Ask a partner in its own system, or record that it is asked by telephone or e-mail."""

    agency = choice_of(
        "Which partner?", Agency.objects.filter(is_active=True), else_says="Select the partner that is asked"
    )
    in_system = forms.ChoiceField(
        label="How is it asked?",
        widget=Radios,
        required=False,
        choices=[("", "By telephone or e-mail, by me"), ("yes", "In its own system, which shows it the question")],
        help_text="Its own system also shows the names and dates of birth of the children, and when the answer is due.",
    )
    child_ids = forms.MultipleChoiceField(
        label="If in its own system: about which children?", widget=Checkboxes, required=False
    )
    question = reason_field("What do you ask, and why?", "Only what is needed to keep the children safe.")

    def __init__(
        self, *args: Any, children: Iterable[ContactChild] = (), but_not: Collection[int] = (), **kwargs: Any
    ) -> None:
        """:param but_not: the ids of the partners who are asked already, and have not answered."""
        super().__init__(*args, prefix="ask", **kwargs)
        field, about = self.fields["agency"], self.fields["child_ids"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Agency.objects.filter(is_active=True).exclude(pk__in=but_not)
        assert isinstance(about, forms.MultipleChoiceField)
        about.choices = [(str(child.pk), child.called) for child in children]

    def of_children(self) -> list[int]:
        """The ids of the children who are selected."""
        return [int(chosen) for chosen in self.cleaned_data["child_ids"]]


class PartnerAnswerForm(ActionForm):
    """Write down what a partner answered."""

    answer = reason_field("What did they say?", "That they know nothing is an answer too.")


class AnswerSenderForm(ActionForm):
    """Answer what the sender of a contact asks."""

    text = reason_field("What do you answer?", "The referrer reads this. Nothing that others told us belongs here.")


class TellPartnerForm(ActionForm):
    """Answer what a partner asked back in its own system."""

    text = reason_field("What should they know?", "They read it in their own system.")


class PartnerWithdrawForm(ActionForm):
    """Withdraw a request to a partner."""

    reason = reason_field("Why is the request withdrawn?")


class TellApartForm(ActionForm):
    """Say that two records are not of one person. Why is asked where that would show an address that is hidden."""

    reason = reason_field("Why are they not the same, and how do you know?")
    shows: Collection[Contact] = ()

    def add_faults(self, invalid: InvalidInput) -> None:
        """Keeps of which contacts an address would be shown, for the question."""
        if isinstance(invalid, ShowsAnAddress):
            self.shows = invalid.contacts
        super().add_faults(invalid)


class UndoMatchForm(ActionForm):
    """Undo what was said about a possible match."""

    reason = reason_field("Why is this undone?")


class _OfPersonForm(ActionForm):
    """Something about one of the people on a contact."""

    person = forms.TypedChoiceField(
        label="Whose address?", widget=Radios, coerce=int, error_messages={"required": "Select whose address"}
    )

    def __init__(self, people: Iterable[ContactChild | ContactAdult], data: QueryDict | None = None) -> None:
        super().__init__(data, prefix=self.prefix)
        person = self.fields["person"]
        assert isinstance(person, forms.ChoiceField)
        person.choices = [(each.person_id, each.called) for each in people]


class ProtectForm(_OfPersonForm):
    """Make somebody's address confidential."""

    prefix = "protect"
    reason = reason_field(
        "Who wants it to be confidential, and why?",
        "It is then hidden on every contact, also on those of other agencies, and a person picks the team.",
    )


def why_it_is_safe() -> forms.CharField:
    return reason_field(
        "Why is it safe to show, and who says so?",
        "It is then shown on every contact, to everybody who may read that contact, and so are former addresses. Where "
        "somebody else lives whose address is confidential, it stays hidden.",
    )


class LiftForm(_OfPersonForm):
    """Say that a hidden address is safe to show."""

    prefix = "lift"
    reason = why_it_is_safe()


def people_to_protect(contact: Contact) -> list[ContactChild | ContactAdult]:
    """The people on a contact whose address is not protected."""
    return [each for each in everybody_on(contact) if not each.person.address_is_protected]


def people_to_lift(contact: Contact) -> list[ContactChild | ContactAdult]:
    """The people on a contact whose address is hidden."""
    return [each for each in everybody_on(contact) if each.person.address_is_protected or each.address_is_confidential]


def everybody_on(contact: Contact) -> list[ContactChild | ContactAdult]:
    prefetch_related_objects([contact], "children__person", "adults__person", "adults__recorded_as")
    return [*contact.children.all(), *contact.adults.all()]


class SnoozeForm(ActionForm):
    """Put a reminder off one's own list."""

    until = forms.ChoiceField(
        label="Until when?", widget=RadiosInARow, required=False,
        choices=[("hour", "An hour"), ("half_day", "Four hours"), ("next_working_day", "The next working day")],
    )  # fmt: skip
    reason = reason_field("Why can it wait until then?")


class HandoffWithdrawForm(ActionForm):
    """Withdraw the offer of a case to a team."""

    reason = reason_field("Why do you withdraw the offer?")

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, prefix="withdraw")


class LeadForm(ActionForm):
    """Name the lead practitioner."""

    lead = choice_of(
        "Lead practitioner", User.objects.none(), "The person whom the family knows and turns to.",
        else_says="Select somebody who works in the team responsible for the case",
    )  # fmt: skip

    def __init__(self, team: Team, on: date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="lead", **kwargs)
        field = self.fields["lead"]
        assert isinstance(field, forms.ModelChoiceField)
        works_here = Membership.objects.current(on).filter(team=team, user=OuterRef("pk"))
        field.queryset = to_suggest(User.objects.filter(Exists(works_here)).order_by("name"), on, also=None)


class AllocateForm(ActionForm):
    """
    Name the lead practitioner of a case that has none, beside other cases: who has least comes first, and who is away
    today last.
    """

    lead = forms.ChoiceField(
        label="Lead practitioner", widget=Select, required=False,
        error_messages={"invalid_choice": "Select somebody who works in the team responsible for the case"},
    )  # fmt: skip

    def __init__(self, case: Case, loads: Iterable[Load], data: QueryDict | None = None) -> None:
        super().__init__(data, prefix=str(case))
        self.case = case
        lead = self.fields["lead"]
        assert isinstance(lead, forms.ChoiceField)
        here_first = sorted(loads, key=lambda load: load.is_away)
        choices = [
            (str(load.user_id), f"{load.name} ({load.in_words}{', away today' if load.is_away else ''})")
            for load in here_first
        ]
        lead.choices = [("", "Choose"), *choices]


class MomentForm(ActionForm):
    """
    A day and a time of day.

    `moment_is` is the action's name for the two together, and `without_time` the time if only a day is given.
    """

    on = DatePartsField(label="On which day?")
    time = forms.CharField(label="At what time?", required=False, widget=TextInput(5), help_text="For example, 14:30")
    moment_is = "at"
    without_time = "00:00:00"

    def clean_time(self) -> str:
        return read_time(self.cleaned_data["time"])

    def add_faults(self, invalid: InvalidInput) -> None:
        for fault in invalid.faults:
            self.add_error("on" if fault.path == (self.moment_is,) else str(fault.path[0]), fault.message)

    def moment(self) -> datetime | None:
        """The moment that was typed; None if it was not, or is no real date."""
        day, time = self.cleaned_data.get("on"), self.cleaned_data.get("time")
        return moment_of(day, f"{time}:00" if time else self.without_time)


class MilestoneForm(MomentForm):
    """Record a milestone."""

    kind = forms.ChoiceField(
        label="What was done?", widget=Select, required=False, choices=[("", "Choose"), *MilestoneKind.choices]
    )
    field_order = ("kind", "on", "time")


class AuthorityForm(ActionForm):
    """Name the other authority."""

    authority = choice_of(
        "Which council answers for this family?", OtherAuthority.objects.all(),
        else_says="Select the council that answers for this family",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="authority", **kwargs)


def _to_choice(value: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[value]
