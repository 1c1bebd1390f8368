"""The codes that a contact may hold and an answer may name, each in words."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from casework.api.news import tag_of
from casework.facts.contact_document import PARENTAL_RESPONSIBILITY
from casework.models import ContactType, FamilyAgreement, FileKind, FileState, ParentsTold, SharingBasis, Source
from casework.models.choices import DASHES, HOW_IT_ARRIVED
from localities.codes import ETHNICITIES, SEXES, SOURCE_CODES
from triage.published_rules import of_version


@lru_cache(maxsize=4)
def reference_data(version_id: int) -> tuple[dict[str, Any], str]:
    """
    The code lists of this service and of a published version of the rules, and their ETag, which changes with them.

    An entry has `code` and `says`; an indicator besides `level`, `domain` and `area`.
    """
    rules = of_version(version_id).rule_set
    data: dict[str, Any] = {
        "ruleset": rules.name,
        "contact_types": _in_words(ContactType.choices),
        "source_codes": _in_words(SOURCE_CODES.items()),
        "ways_to_arrive": _in_words(HOW_IT_ARRIVED),
        "sexes": _in_words(SEXES.items()),
        "ethnicities": _in_words(ETHNICITIES.items()),
        "parental_responsibility": _in_words(PARENTAL_RESPONSIBILITY.items()),
        "dash": _in_words(DASHES),
        "agreement": _in_words(FamilyAgreement.choices),
        "parents_told": _in_words(ParentsTold.choices),
        "sharing_bases": _in_words(SharingBasis.choices),
        "sources_of_information": _in_words(Source.choices),
        "indicators": [
            {"code": entry.code, "says": entry.says, "level": entry.level, "domain": entry.domain, "area": entry.area}
            for entry in rules.catalogue.entries.values()
        ],
        "pathways": _in_words((pathway.id, pathway.called) for pathway in rules.pathways.values()),
        "file_kinds": _in_words(FileKind.choices),
        "file_states": _in_words(FileState.choices),
    }
    return data, tag_of(data)


def _in_words(choices: Iterable[tuple[Any, Any]]) -> list[dict[str, str]]:
    return [{"code": str(code), "says": str(says)} for code, says in choices]
