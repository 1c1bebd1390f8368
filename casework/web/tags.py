"""Template filters and tags: how times, ratings, codes and pathways are written on pages."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from casework.access import permissions
from casework.deadlines.titles import title_of
from casework.facts.typed import is_not_known
from casework.files import scanning
from casework.models import (
    Case,
    Contact,
    ContactChild,
    FamilyAgreement,
    File,
    Note,
    NumberStatus,
    Recommendation,
    Reminder,
    SafeToUse,
    Step,
)
from casework.reading.cautions import Cautions
from casework.web.draft_form import new_key
from casework.web.forms import ActionForm
from casework.web.hiding import HiddenWords, masked_text
from casework.web.signed_in import user_of
from casework.web.submitting import errors_of
from casework.web.unfinished import OpenForm, note_begins_at, opened, unfinished_on
from localities.codes import ETHNICITIES, SEXES
from localities.models import User
from localities.working_time import LONDON, local_day
from triage.published_rules import of_version, title_of_pathway
from triage.said_as import sentence_said, version_said

register = template.Library()
ROW = (
    '<div class="govuk-summary-list__row"><dt class="govuk-summary-list__key">{}</dt>'
    '<dd class="govuk-summary-list__value app-given">{}</dd></div>'
)
NOT_SAFE = SafeString('<strong class="govuk-tag govuk-tag--red">Not safe to use</strong>')
NO_FIXED_ABODE = re.compile(r"n\W?f\W?a\W?|(of )?no fixed (abode|address)\W?", re.IGNORECASE)
RAG_WORDS = {"red": "Red", "amber": "Amber", "green": "Green", "blue": "Blue"}


@register.filter
def errors(form: Any) -> list[tuple[str, str]]:
    """The errors of a form that another package's view shows, for `front_door/errors.html`; of no form, none."""
    return errors_of(form) if form else []


@register.filter
def rag_tag(rag: str) -> SafeString:
    """A rating as a coloured tag with its word, so that colour is never the only sign."""
    return format_html('<strong class="govuk-tag app-rag--{}">{}</strong>', rag, RAG_WORDS.get(rag, "Not rated"))


@register.filter
def is_wrong(attrs: dict[str, str]) -> bool:
    """Whether a widget's field has an error, from the attributes that Django gives it."""
    return attrs.get("aria-invalid") == "true"


@register.filter
def item(table: Mapping[str, str], key: str) -> str:
    """The entry of a table for a key; the key as words if the table has none."""
    return table.get(key) or as_words(key)


@register.filter
def as_words(name: str) -> str:
    """A code as words: `next_step_decision` as "next step decision"."""
    return str(name).replace("_", " ")


@register.filter
def with_absence(person: User, absences: Iterable[Mapping[str, str | None]]) -> str:
    """A person's name; if they are away, until when, and who covers. `absences` is what `away_on` read."""
    for absence in absences or ():
        until = date.fromisoformat(str(absence["until"]))
        cover = f"covered by {absence['cover']}" if absence["cover"] else "nobody covers"
        return f"{person} (away until {until:%-d %B}, {cover})"
    return str(person)


@register.filter
def rules_called(name: str) -> str:
    """A version of the rules, or of the weights that compare records, in words."""
    return version_said(name)


@register.filter
def deadline(kind: str) -> str:
    """What a kind of clock asks for, in words."""
    return title_of(kind)


QUALIFIERS = {**dict(NumberStatus.choices), **dict(SafeToUse.choices)}


@register.filter
def detail_words(qualifier: str) -> str:
    """How sure a number is, or whether an address is safe to use, in words."""
    return str(QUALIFIERS.get(qualifier, qualifier))


@register.filter
def known(answer: bool | None) -> str:
    """Yes, No, or Not known for None."""
    return {True: "Yes", False: "No"}.get(answer, "Not known")  # type: ignore[arg-type]  # None is not among the keys


CODES = {"sex": SEXES, "ethnicity": ETHNICITIES}


AGREEMENT_WORDS = {
    FamilyAgreement.GIVEN: "The family agrees to a voluntary service",
    FamilyAgreement.REFUSED: "The family refuses a voluntary service",
    FamilyAgreement.WITHDRAWN: "The family has withdrawn its agreement to a voluntary service",
    FamilyAgreement.NOT_SOUGHT: "The family has not been asked whether it agrees",
    FamilyAgreement.NOT_KNOWN: "Nobody knows whether the family agrees",
}


@register.filter
def agreement_words(contact: Contact) -> str:
    """What the family says to a voluntary service, with who said it and when: "The family refuses …: mother, 2 May"."""
    says = AGREEMENT_WORDS.get(FamilyAgreement(contact.agreement)) if contact.agreement else "Nobody has said"
    day = f"{contact.agreement_on:%-d %B %Y}" if contact.agreement_on else ""
    said = ", ".join(filter(None, (contact.agreement_given_by, day)))
    return f"{says}: {said}" if said else str(says)


@register.filter
def of_code(code: str, table: str) -> str:
    """The text of a DfE code."""
    return CODES[table].get(code, code)


@register.filter
def age(born: date | None) -> str:
    """How old somebody is today: "7 years old"; months for the first two years."""
    if born is None:
        return ""
    old = relativedelta(local_day(timezone.now()), born)
    count, unit = (old.years, "year") if old.years >= 2 else (old.years * 12 + old.months, "month")
    return f"{count} {unit}{'' if count == 1 else 's'} old"


@register.filter
def how_old(child: ContactChild) -> str:
    """A child's age in a list: "7", "4 months", "about 15", "unborn"; empty where nothing is known."""
    if child.date_of_birth is None and child.expected_date_of_delivery is not None:
        # The name that is given for a child without one says it already.
        return "unborn" if child.full_name else ""
    if child.date_of_birth is None:
        return "" if child.age_years is None else f"about {child.age_years}" if child.age_years else "under 1"
    old = relativedelta(local_day(timezone.now()), child.date_of_birth)
    months = old.years * 12 + old.months
    said = str(old.years) if old.years >= 2 else f"{months} month{'' if months == 1 else 's'}"
    return f"about {said}" if child.date_of_birth_estimated else said


@register.filter
def with_age(child: ContactChild) -> str:
    """What a child is called, with the age where it is known: "Robin Ashworth (11)"."""
    old = how_old(child)
    return f"{child.called} ({old})" if old else child.called


@register.filter
def when_due(expected: date | None) -> str:
    """Of a child who is not born yet, as far as is known: "Unborn, due March 2027"."""
    if expected is None:
        return ""
    if expected < local_day(timezone.now()):
        return f"Was due {expected:%B %Y}, birth not recorded"
    return f"Unborn, due {expected:%B %Y}"


@register.filter
def unborn_tags(children: Iterable[ContactChild]) -> list[str]:
    """What tags say of those of these children who are not born yet; for twins, once."""
    expected = [child.expected_date_of_delivery for child in children if child.date_of_birth is None]
    return list(dict.fromkeys(filter(None, map(when_due, expected))))


@register.filter
def in_a_line(lines: Sequence[str] | None) -> str:
    """The lines of an address in one, with one comma between, whatever commas were typed."""
    return ", ".join(line for each in lines or () if (line := each.strip(" ,")))


@register.filter
def main_reason(recommendation: Recommendation | None, children: Sequence[ContactChild]) -> str:
    """The first reason of a recommendation, with the names of the children."""
    reasons = recommendation.result["reasons"] if recommendation else []
    return naming(reasons[0]["says"], [(child, None) for child in children]) if reasons else ""


@register.filter
def without(text: str, hidden: HiddenWords | None) -> str:
    """The text without the hidden addresses of a family, which somebody typed into a name."""
    return text if hidden is None else masked_text(hidden, text)


@register.filter
def years(count: int | None) -> str:
    """A number of years: "1 year", "15 years", "Under 1 year"."""
    return "" if count is None else f"{count} year{'' if count == 1 else 's'}" if count else "Under 1 year"


@register.filter
def is_unborn(child: ContactChild, sent: object) -> bool:
    """
    Whether a child is not born yet, as far as is known.

    :param sent: the expected date as it was sent: one that cannot be read says so, too.
    """
    if child.date_of_birth is not None:
        return False
    is_expected = child.age_years is None and not is_not_known(str(sent or ""))
    return child.expected_date_of_delivery is not None or is_expected


@register.filter
def family_in(about: Contact | Case, families: Mapping[Contact | Case, str]) -> str:
    """What the family of a contact or case is called; empty where the reader may not see it."""
    return families.get(about, "")


@register.filter
def without_postcode(sent: object) -> str:
    """What stands in place of a postcode that is not known, from what was sent for it."""
    is_none = NO_FIXED_ABODE.fullmatch(str(sent or "").strip())
    return f"No fixed abode (sent as “{sent}”)" if is_none else "postcode not known"


@register.filter
def sent_as(sent: object, read: object) -> str:
    """
    What was sent, where it was read as something that looks different, or as nothing: "sent as “3/4/2015”". That
    somebody sent "not known" needs no words.
    """
    if sent in (None, "") or (read in (None, "") and is_not_known(str(sent))):
        return ""
    same = {str(read), *(table.get(str(read), "") for table in CODES.values())}
    if str(sent).strip().casefold() in {text.casefold() for text in same}:
        return ""
    return f"sent as “{sent}”"


@register.simple_tag
def row(key: str, *values: object) -> SafeString:
    """A row of a summary list; nothing if every value is empty."""
    said = format_html_join(", ", "{}", ((value,) for value in values if value not in (None, "")))
    return format_html(ROW, key, said) if said else said


@register.simple_tag
def row_read(key: str, shown: object, sent: object, read: object, *more: object) -> SafeString:
    """A row with what was read, what was sent where that looks different, or says nothing, and more."""
    as_sent = sent_as(sent, read)
    return row(key, shown or (as_sent and "Not known"), as_sent, *more)


@register.simple_tag
def rows(key: str, recommendation: Recommendation | None, codes: list[str]) -> SafeString:
    """A summary list row of indicators, one a line, in the words of the rule set that triaged the contact."""
    entries = of_version(recommendation.rule_set_id).rule_set.catalogue.entries if recommendation else {}
    return row(key, "\n".join(f"{entries[code].says} ({code})" if code in entries else code for code in codes))


@register.filter
def span(start: datetime | None, end: datetime | None = None) -> str:
    """The time from one moment to another, or to now: "2 days 3 hours"."""
    if start is None:
        return ""
    return duration((end or timezone.now()) - start)


@register.filter
def lasting(time: timedelta) -> str:
    """A length of time: "2 days 3 hours"."""
    return duration(time)


@register.filter
def when_it_was(note: Note, first: Note) -> str:
    """
    When what a note tells of happened, or when it was first written; the day alone where no time was said.

    :param first: the note as it was first written.
    """
    return moment_or_day(note.happened_at) if note.happened_at else date_format(first.written_at, "DATETIME_FORMAT")


@register.filter
def moment_or_day(at: datetime) -> str:
    """A moment; one at midnight is a day of which no time was said."""
    at = timezone.localtime(at, LONDON)
    return date_format(at, "DATE_FORMAT" if (at.hour, at.minute) == (0, 0) else "DATETIME_FORMAT")


@register.filter
def until(due: datetime | None) -> str:
    """The time until a moment, or since: "in 3 hours", "2 days late"."""
    if due is None:
        return ""
    left = due - timezone.now()
    return f"in {duration(left)}" if left > timedelta(0) else f"{duration(-left)} late"


@register.filter
def how_it_stands(reminder: Reminder) -> str:
    """The state of a reminder's clock now, which may have changed since the reminder was written."""
    if not is_late(reminder.clock.due_at):
        return "Soon due" if reminder.step == Step.WARNING else "Has more time"
    return str(reminder.get_step_display() if reminder.step == Step.ESCALATION else Step.BREACH.label)


@register.filter
def is_late(due: datetime | None) -> bool:
    """Whether a moment has passed."""
    return due is not None and due <= timezone.now()


def duration(time: timedelta) -> str:
    """Days and hours, hours and minutes, or minutes."""
    minutes = max(0, int(time.total_seconds() // 60))
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    shown = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count][:2]
    return " ".join(shown) or "less than a minute"


ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@register.inclusion_tag("front_door/hidden_address.html", takes_context=True)
def hidden_address(context: Context) -> dict[str, bool]:
    """In place of a hidden address: whom to ask, or that the reader can have it shown."""
    may_lift = permissions.check_can_lift_protection
    return {"lifts": permissions.allows(may_lift, user_of(context["request"]), local_day(timezone.now()))}


@register.filter
def died(person: int, cautions: Cautions) -> date | None:
    """The day on which a person died, given by the id of the record that stands for them."""
    return cautions.died.get(person)


@register.filter
def not_safe(person: int, cautions: Cautions) -> str:
    """What of a person is not safe to use: "Telephone, Email"."""
    return ", ".join(cautions.not_safe.get(person, ()))


@register.filter
def caution(written: object, cautions: Cautions) -> SafeString:
    """A tag beside a telephone number or an email address that is not safe to use; else nothing."""
    return NOT_SAFE if cautions.is_unsafe(written) else SafeString("")


@register.filter
def naming(says: str, children: Sequence[tuple[ContactChild, Any]]) -> str:
    """
    A sentence of the rules in today's words, with the names of the children. The rules know no names: they say "child
    c1", by the ref.

    :param children: those of the contact, each with the facts of the child, as `story_of` gives them.
    """
    says = sentence_said(says)
    names = {
        child.ref: child.full_name or f"the {_ordinal(child.position)} child" for child, _ in children if child.ref
    }
    if not names:
        return says
    # The longest first, so that c1 is not found in c10. "Child protection plan" is no child called "protection".
    refs = "|".join(re.escape(ref) for ref in sorted(names, key=len, reverse=True))

    def name(match: re.Match[str]) -> str:
        found = names[match[2]]
        return f"{found[0].upper()}{found[1:]}" if match[1] == "C" else found

    return re.sub(rf"\b([Cc])hild ({refs})(?!\w| plan)", name, says)


def _ordinal(position: int) -> str:
    return ORDINALS[position] if position < len(ORDINALS) else f"{position + 1}th"


register.simple_tag(new_key)
register.simple_tag(unfinished_on)
register.simple_tag(note_begins_at)


@register.simple_tag(takes_context=True)
def unfinished_form(context: Context, record: Contact | Case, address: str, form: ActionForm | None = None) -> OpenForm:
    """A form of a record's page as it is open: `unfinished.opened`."""
    return opened(context["request"], record, address, form)


@register.simple_tag
def pathway_title(recommendation: Recommendation | None, pathway: str) -> str:
    """A pathway's title in the rule set that the contact was triaged by."""
    return title_of_pathway(recommendation.rule_set_id if recommendation else None, pathway)


@register.filter
def waits_its_turn(file: File) -> bool:
    """Whether a file came before there was a virus scanner, which has not come to it yet. It can be opened."""
    return file.is_unchecked and scanning.is_there_one()


@register.filter
def page_of_file(file: File) -> str:
    """The address of the page of a file on a contact or a case."""
    record = file.contact or file.case
    assert record is not None, "files of drafts have no page of their own"
    kind = "case" if isinstance(record, Case) else "contact"
    return reverse(f"{kind}-file", args=[record.reference, file.key])
