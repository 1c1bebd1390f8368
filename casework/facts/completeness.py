"""What a contact leaves out that a good one says. What could not be read was said: a warning asks about it."""

from typing import Any

from casework.facts.contact_document import ChildEntry, ContactDocument
from casework.facts.typed import Read
from casework.models import ParentsTold
from casework.models.choices import Gap


def gaps_in(entry: ContactDocument) -> list[Gap]:
    """The gaps of a contact as it was sent, in the order of `Gap`."""
    children, concern = entry.children, entry.concern
    said = {
        Gap.BIRTH: all(
            _is_said(child.date_of_birth, child.age_years, child.expected_date_of_delivery) for child in children
        ),
        Gap.HOME: all(_has_home(child) or _is_unborn(child) for child in children),
        Gap.NUMBER: all(_is_said(child.nhs_number, child.upn) or _is_unborn(child) for child in children),
        Gap.ADULTS: any(_is_said(adult.first_name, adult.last_name) for adult in entry.adults),
        Gap.PARENTS_PHONE: any(_is_said(adult.phone) for adult in entry.adults),
        Gap.CALL_BACK: _is_said(entry.referrer.phone, entry.referrer.email),
        Gap.CHILDS_WORDS: _is_said(concern.childs_words) or all(_is_unborn(child) for child in children),
        Gap.WORKING_WELL: _is_said(concern.working_well),
        Gap.WANTED: _is_said(concern.wanted),
        Gap.TRIED: _is_said(entry.support_already_tried),
        Gap.INDICATORS: bool(entry.family_indicators) or any(child.indicators for child in children),
        Gap.LEVEL: entry.referrer_level is not None,
        Gap.AGREEMENT: entry.agreement.service is not None,
        Gap.PARENTS_TOLD: _is_said(entry.parents_told.answer)
        and entry.parents_told.answer.value != ParentsTold.NOT_KNOWN,
    }
    return [gap for gap in Gap if not said[gap]]


def _is_said(*details: Read[Any]) -> bool:
    return any(detail.value or detail.value == 0 or detail.check for detail in details)


def _has_home(child: ChildEntry) -> bool:
    return child.address is not None and _is_said(child.address.postcode, *child.address.lines)


def _is_unborn(child: ChildEntry) -> bool:
    return _is_said(child.expected_date_of_delivery) and not _is_said(child.date_of_birth)
