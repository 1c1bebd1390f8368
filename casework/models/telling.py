"""
Triggers that note what an agency is told of a contact that it sent. Models declare them beside their refusals.

They are triggers because what the agency calls the status follows from several tables, which many actions write: none
of them can forget it, and what is noted is committed with the change, or not at all.
"""

from typing import Any

import pgtrigger

# It has no types.
_UPDATE_OF: Any = pgtrigger.UpdateOf

# What was received earlier is no news: an older contact may be brought here from another system.
NEWS_FOR = "90 days"
STATUS_KINDS = (
    "contact.received",
    "contact.being_looked_at",
    "contact.waiting_for_your_information",
    "contact.decided",
)


def note_status(contact: str) -> str:
    """
    SQL that notes the status of a contact as `actions.viewing` tells it, where that is not what was noted last.

    :param contact: the SQL of its id.
    """
    kinds = ", ".join(f"'{kind}'" for kind in STATUS_KINDS)
    return f"""
    INSERT INTO public.casework_agencyevent (agency_id, contact_id, kind, at)
    SELECT sent.agency_id, sent.id, told.kind, now()
    FROM public.casework_contact sent
    CROSS JOIN LATERAL (SELECT CASE
        WHEN sent.status = 'decided' THEN 'contact.decided'
        WHEN EXISTS (SELECT FROM public.casework_partnercheck asked WHERE asked.contact_id = sent.id
                     AND asked.agency_id = sent.agency_id AND asked.status = 'asked')
            THEN 'contact.waiting_for_your_information'
        WHEN sent.status <> 'received' OR sent.owner_id IS NOT NULL OR sent.screened_at IS NOT NULL
            OR EXISTS (SELECT FROM public.casework_partnercheck asked WHERE asked.contact_id = sent.id)
            THEN 'contact.being_looked_at'
        ELSE 'contact.received'
    END AS kind) told
    WHERE sent.id = {contact} AND sent.agency_id IS NOT NULL
      AND told.kind IS DISTINCT FROM (
          SELECT kind FROM public.casework_agencyevent WHERE contact_id = sent.id AND kind IN ({kinds})
          ORDER BY id DESC LIMIT 1);
    """  # noqa: S608  # our own words


def note(kind: str) -> str:
    """SQL that notes something else about the contact NEW."""
    return f"""
    INSERT INTO public.casework_agencyevent (agency_id, contact_id, kind, at)
    VALUES (NEW.agency_id, NEW.id, '{kind}', now());
    """  # noqa: S608  # our own words


TELL_OF_A_NEW_CONTACT = pgtrigger.Trigger(
    name="an_agency_is_told_of_its_contact",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition(f"NEW.agency_id IS NOT NULL AND NEW.received_at > now() - interval '{NEWS_FOR}'"),
    func=note("contact.received") + "RETURN NULL;",
)
TELL_OF_A_CHANGED_CONTACT = pgtrigger.Trigger(
    name="an_agency_is_told_of_a_change",
    when=pgtrigger.After,
    operation=_UPDATE_OF("status", "owner_id", "screened_at", "feedback_given_at"),
    condition=pgtrigger.Condition("NEW.agency_id IS NOT NULL"),
    func=note_status("NEW.id")
    + "IF NEW.feedback_given_at IS NOT NULL AND OLD.feedback_given_at IS NULL THEN"
    + note("contact.feedback_given")
    + "END IF; RETURN NULL;",
)
TELL_OF_A_QUESTION = pgtrigger.Trigger(
    name="an_agency_is_told_that_we_wait",
    when=pgtrigger.After,
    operation=pgtrigger.Insert | _UPDATE_OF("status"),
    func=note_status("NEW.contact_id") + "RETURN NULL;",
)
TELL_OF_A_FILE = pgtrigger.Trigger(
    name="an_agency_is_told_of_its_file",
    when=pgtrigger.After,
    operation=_UPDATE_OF("check_after", "found", "removed_at"),
    condition=pgtrigger.Condition(
        "NEW.by_agency_id IS NOT NULL AND NEW.contact_id IS NOT NULL AND "
        "(NEW.check_after IS NULL, NEW.found <> '', NEW.removed_at IS NULL) IS DISTINCT FROM "
        "(OLD.check_after IS NULL, OLD.found <> '', OLD.removed_at IS NULL)"
    ),
    func="""
    INSERT INTO public.casework_agencyevent (agency_id, contact_id, kind, at)
    VALUES (NEW.by_agency_id, NEW.contact_id, 'contact.file_changed', now());
    RETURN NULL;
    """,
)
