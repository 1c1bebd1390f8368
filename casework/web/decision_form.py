"""The forms of a decision: what the decider chooses and types, and the second person's answer."""

from collections.abc import Iterator, Sequence

from django import forms
from django.http import QueryDict

from casework.families.routing import teams_to_pick_from
from casework.models import Contact, PartnerCheck
from casework.reading.decided import CaseToChoose
from casework.web.forms import CHOOSE_A_TEAM, ActionForm, choice_of, reason_field
from casework.web.rendering import Radios, RadiosInARow
from errors import InvalidInput
from triage.ruleset import PathwayTeam, Rag, RuleSet

WITHDRAWN, FOLLOWS = "withdraw", "follow"


class DecideForm(ActionForm):
    """
    Accept the recommendation or override it. Nothing is filled in: a person decides, with the recommendation beside.
    """

    recommendation = forms.IntegerField(widget=forms.HiddenInput)
    pathway = forms.ChoiceField(label="What happens next?", widget=Radios, required=False)
    case = forms.TypedChoiceField(
        label="Which of their open cases does it belong to?", widget=Radios, required=False, coerce=int,
        empty_value=None,
    )  # fmt: skip
    level = forms.TypedChoiceField(
        label="Level of need", widget=RadiosInARow, required=False, coerce=int, empty_value=None,
        choices=[(str(level), f"Level {level}") for level in (1, 2, 3, 4)],
    )  # fmt: skip
    rag = forms.ChoiceField(
        label="Rating",
        widget=RadiosInARow,
        required=False,
        choices=[(rag.value, rag.value.capitalize()) for rag in Rag],
    )
    history = reason_field(
        "History considered, and what it means", "Which earlier contacts and work you read, and what they say together."
    )
    rationale = reason_field(
        "Why?", "In your own words: what you weighed, and why this is right for the child. They may read it one day."
    )
    team = choice_of("Team", teams_to_pick_from(), else_says=CHOOSE_A_TEAM)
    team_reason = reason_field("Why this team?")

    def __init__(
        self,
        contact: Contact,
        rules: RuleSet,
        unanswered: Sequence[PartnerCheck],
        cases: Sequence[CaseToChoose],
        data: QueryDict | None = None,
    ) -> None:
        """
        :param unanswered: the requests to partners: what becomes of each is asked.
        :param cases: the open cases of the family. Where there are several, the form asks which.
        """
        super().__init__(data, initial={"recommendation": contact.recommendation_id}, prefix="decide")
        self.unanswered = unanswered
        _choices(self, "pathway", [(entry.id, entry.called) for entry in rules.pathways.values()])
        if len(cases) > 1:
            _choices(self, "case", [(case.pk, case.says) for case in cases])
            titles = [entry.called for entry in rules.pathways.values() if entry.team == PathwayTeam.SAME_TEAM]
            self.fields["case"].help_text = f"Only for “{', '.join(titles)}”. The team that has it is told at once."
        else:
            del self.fields["case"]
        for check in unanswered:
            self.fields[_field_of(check.pk)] = forms.ChoiceField(
                label=f"{check.agency} has not answered. What becomes of the request?", widget=Radios, required=False,
                help_text=check.question,
                choices=[
                    (WITHDRAWN, "Withdraw it: the answer is no longer needed"),
                    (FOLLOWS, "Do not wait: the answer goes to the team that has the case, or else to the front door"),
                ],
            )  # fmt: skip

    def of_checks(self) -> Iterator[forms.BoundField]:
        """The field of each unanswered request to a partner."""
        return (self[_field_of(check.pk)] for check in self.unanswered)

    def checks_that(self, answer: str) -> list[int]:
        """The ids of the requests to partners that are `WITHDRAWN`, or whose answer `FOLLOWS`."""
        return [
            check.pk for check in self.unanswered if self.cleaned_data.get(_field_of(check.pk)) == answer
        ]  # fmt: skip

    def add_faults(self, invalid: InvalidInput) -> None:
        """Adds a fault of a request to a partner to the field of that request."""
        for fault in invalid.faults:
            name = str(fault.path[0])
            if name == "without_answers":
                name = _field_of(int(fault.path[1]))
            self.add_error(name if name in self.fields else None, fault.message)


class SignOffForm(ActionForm):
    """
    Agree or decline, with a rationale. The form itself checks for a missing rationale: without an answer, no action
    runs that could check it, and every fault is shown at once.
    """

    answer = forms.ChoiceField(
        label="Do you agree?", widget=Radios,
        choices=[("agree", "I agree: it takes effect now"), ("decline", "I do not agree: it returns to the decider")],
        error_messages={"required": "Select whether you agree"},
    )  # fmt: skip
    rationale = reason_field(
        "Why do you agree or decline?", "If you decline, the decider reads this: what should they look at again?",
        missing="Enter why you agree or decline",
    )  # fmt: skip


def _field_of(check: int) -> str:
    return f"check_{check}"


def _choices(form: forms.Form, name: str, choices: list[tuple[object, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices
