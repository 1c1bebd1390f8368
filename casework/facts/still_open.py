"""What the agency that sent a contact could still put right in what it told us, by its own documents alone."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from casework.facts.contact_document import Path, own_refs
from casework.facts.information import names_of
from casework.facts.learned import GROUPS, InformationReading, flat, read_information
from casework.models import Contact
from errors import Fault, InvalidInput
from localities.working_time import local_day


def still_open(contact: Contact, *, indicators: Collection[str]) -> list[Fault]:
    """
    The details of a contact, and of what its agency added, that could not be read or were put right, and that the
    agency has not said anew since. Each stands at its place in the contact, where children and adults stand by number.

    What others told us, or somebody here settled, changes nothing of this: the agency must not learn of it.

    :param indicators: the codes that the rules of the contact know.
    """
    found = {tuple(detail.path): detail.warning for detail in contact.details_to_check.all()}
    refs = {group: own_refs(contact.document.get(group) or ()) for group in GROUPS}
    for information in contact.information.filter(by_agency=contact.agency_id).order_by("pk"):
        today = local_day(information.at)
        try:
            reading = read_information(information.document, by_staff=False, indicators=indicators, today=today)
        except InvalidInput:
            # An earlier version of the service took it in. Information that this version cannot read settles nothing.
            continue
        for at, place, said in _parts(reading, refs):
            found = {path: fault for path, fault in found.items() if _fact(path, place) not in said}
            for detail in reading.to_check:
                if _fact(detail.path, at) in said:
                    path = (*place, *detail.path[len(at) :])
                    found[path] = Fault(path, detail.check.sentence)
    return list(found.values())


def _parts(
    reading: InformationReading, refs: Mapping[str, list[str | None]]
) -> Iterator[tuple[Path, Path, Mapping[str, Any]]]:
    """
    The parts of what was added: the place of each there, its place in the contact, and the facts that it says.

    :param refs: the refs of the children and the adults that the agency sent. New ones are added.
    """
    yield (), (), flat(reading.document)
    for group in GROUPS:
        for position, said in enumerate(reading.document[group]):
            if said:
                yield (group, position), (group, _number(said, refs[group]) - 1), flat(said)


def _number(said: Mapping[str, Any], refs: list[str | None]) -> int:
    if "number" in said:
        return int(said["number"])
    if "ref" in said:
        return names_of(dict(enumerate(refs, start=1)))[said["ref"]][0]
    refs.append(None)
    return len(refs)


def _fact(path: Path, above: Path) -> str | None:
    """The fact at a place below this one, as `address.postcode`; None for what stands elsewhere."""
    if path[: len(above)] != above:
        return None
    return ".".join(step for step in path[len(above) :] if isinstance(step, str))
