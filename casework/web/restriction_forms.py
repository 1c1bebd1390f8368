"""The forms for restricting records, opening them with a reason, and declaring a conflict of interest."""

from collections.abc import Iterable
from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict

from casework.access.permissions import RESTRICTION_OWNERS
from casework.models import ContactAdult, ContactChild, Restriction, RestrictionKind
from casework.web.forms import ActionForm, choice_of, reason_field
from casework.web.rendering import Checkboxes, Radios, RadiosInARow, TextInput
from errors import InvalidInput
from localities.models import Membership, User

SOMEBODY_HERE = "Select somebody who works here"
NAME_NOBODY = "Name nobody on the record: whoever reads this may not open it."
AN_OWNER = "Select a service manager or an information-governance officer"


class RestrictForm(ActionForm):
    """Restrict the record of a person on a contact."""

    person = forms.TypedChoiceField(
        label="Whose record?", widget=Radios, required=False, coerce=int, empty_value=None,
        help_text="A parent’s children are restricted with the parent. With a child, no parent is.",
    )  # fmt: skip
    kind = forms.ChoiceField(
        label="Why may few open it?", widget=Radios, required=False, choices=RestrictionKind.choices
    )
    reason = reason_field("Say more", "Only those who may open the record can read this.")
    owner = choice_of(
        "Who owns the restriction?", User.objects.none(), "They can always open the record, and are asked by others.",
        else_says=AN_OWNER,
    )  # fmt: skip
    readers = forms.ModelMultipleChoiceField(
        label="Who else may open it?", queryset=User.objects.none(), widget=Checkboxes, required=False,
        help_text="As far as their role shows it to them.", error_messages={"invalid_choice": SOMEBODY_HERE},
    )  # fmt: skip

    without_readers = forms.ChoiceField(widget=RadiosInARow, required=False)

    def __init__(
        self, people: Iterable[ContactChild | ContactAdult], by: User, on: date, data: QueryDict | None = None
    ) -> None:
        super().__init__(data, prefix="restrict")
        self._by = by
        self._without_readers = self.fields.pop("without_readers")
        _choices(self, "person", [(str(each.person_id), each.called) for each in people])
        _users(self, "owner", owners(on))
        _users(self, "readers", staff(on))

    def has_confirmed(self) -> bool:
        """Whether they said that nobody but this owner is to open the record: a yes to one owner is none to another."""
        owner = self.data.get(self.add_prefix("owner"))
        return bool(owner) and self.data.get(self.add_prefix("without_readers")) == owner

    def add_faults(self, invalid: InvalidInput) -> None:
        """Asks whether it is meant that nobody else can open the record, where the action says that nobody can."""
        if any(fault.path == ("without_readers",) for fault in invalid.faults):
            self._ask_whether_nobody_else(self.cleaned_data["owner"])
        super().add_faults(invalid)

    def _ask_whether_nobody_else(self, owner: User) -> None:
        who, nor = ("you", "") if owner == self._by else (str(owner), ", nor you")
        field = self.fields["without_readers"] = self._without_readers
        field.label = f"Nobody but {who} will be able to open these contacts and cases. Is that right?"
        field.help_text = (
            f"Neither the front door, nor a team that works with the family{nor}. What comes about this person reaches "
            f"{who} alone. You have named nobody whose role shows it to them."
        )
        _choices(self, "without_readers", [(str(owner.pk), "Yes, nobody else"), ("no", "No, I name others")])


class NameReaderForm(ActionForm):
    """Name somebody who may open a restricted record."""

    user = choice_of("Whom?", User.objects.none(), else_says=SOMEBODY_HERE)
    reason = reason_field("Why must they open it?", NAME_NOBODY)

    def __init__(self, restriction: Restriction, on: date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="reader", **kwargs)
        readers = restriction.access.filter(until=None).values("user")
        _users(self, "user", staff(on).exclude(pk__in=readers).exclude(pk=restriction.owner_id))


class PassOnForm(ActionForm):
    """Pass a restriction to another owner."""

    owner = choice_of("To whom?", User.objects.none(), else_says=AN_OWNER)

    def __init__(self, restriction: Restriction, on: date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="owner", **kwargs)
        _users(self, "owner", owners(on).exclude(pk=restriction.owner_id))


class LiftForm(ActionForm):
    """Lift a restriction."""

    reason = reason_field("Why may everybody open it again?")


class BreakGlassForm(ActionForm):
    """Open a restricted record with a reason."""

    reference = forms.CharField(
        label="Reference", required=False, widget=TextInput(20), max_length=40,
        help_text="Of the contact, the case or the restriction. For example, CON-7K4M-9QXT",
    )  # fmt: skip
    reason = reason_field(
        "Why must you open it now?", f"What could happen to the child if you waited for an answer. {NAME_NOBODY}"
    )


class ReviewForm(ActionForm):
    """Review a broken glass."""

    says = reason_field("Was it right, and what follows?")


class ConflictForm(ActionForm):
    """
    Declare a conflict of interest.

    :param colleagues: those whose conflict the reader may declare as well; None for the reader's own only.
    """

    user = choice_of(
        "Whose conflict of interest is it?", User.objects.none(), "You may declare it for a colleague.",
        else_says=SOMEBODY_HERE,
    )  # fmt: skip
    reason = reason_field("What is the conflict of interest?", "For example: the child's aunt.")

    def __init__(self, colleagues: QuerySet[User] | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="conflict", **kwargs)
        if colleagues is not None:
            _users(self, "user", colleagues)
            cast("forms.ModelChoiceField[User]", self.fields["user"]).empty_label = "My own"
        else:
            del self.fields["user"]


class EndConflictForm(ActionForm):
    """End a colleague's conflict of interest."""

    reason = reason_field("Why is there no conflict of interest any more?")


def staff(on: date) -> QuerySet[User]:
    """Everybody who has a role today."""
    return User.objects.filter(Exists(Membership.objects.current(on).filter(user=OuterRef("pk")))).order_by("name")


def owners(on: date) -> QuerySet[User]:
    """Everybody who may own a restriction."""
    roles = Membership.objects.current(on).filter(user=OuterRef("pk"), role__in=RESTRICTION_OWNERS)
    return User.objects.filter(Exists(roles)).order_by("name")


def _users(form: forms.Form, name: str, users: QuerySet[User]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = users


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices
