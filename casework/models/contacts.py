"""
Contacts and the people in them.

`document` keeps what the referrer sent and never changes. The other columns are for queries, or change with the work.
"""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from casework.models.cases import Case
from casework.models.choices import DASHES, RAGS, Gap
from casework.models.indexes import is_among
from casework.models.people import Person, without_name
from casework.models.refusals import NOT_BLANK, append_only, lacks_sign_off, never_deleted, never_emptied, refuse_if
from casework.models.telling import TELL_OF_A_CHANGED_CONTACT, TELL_OF_A_NEW_CONTACT, TELL_OF_A_QUESTION
from casework.models.visibility import CLOSES_AT_LEAST, is_open_contact, sees_contact
from casework.references import new_contact_reference
from casework.statuses import ContactStatus, MatchStatus, PartnerCheckStatus
from localities.codes import ETHNICITIES, SEXES, SOURCE_CODES
from localities.models import Agency, Team, User


class Channel(models.TextChoices):
    """How a contact arrived."""

    API = "api", "A partner's system"
    WEB = "web", "Typed at the front door"


class ContactType(models.TextChoices):
    """What the referrer asks for."""

    SAFEGUARDING_CONCERN = "safeguarding_concern", "A safeguarding concern"
    REQUEST_FOR_HELP = "request_for_help", "A request for early help or family help"
    NOTIFICATION = "notification", "A notification or information"
    REQUEST_FOR_INFORMATION = "request_for_information", "A request for information"


class FamilyAgreement(models.TextChoices):
    """
    Whether the family agrees to a voluntary service. Empty where nobody has said anything.

    The rules know the first four. To them, what nobody knows or has said is not sought: it is no yes, and no refusal.
    """

    GIVEN = "given", "Given"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    NOT_SOUGHT = "not_sought", "Not sought"
    NOT_KNOWN = "not_known", "Not known"


# The family has said something.
ANSWERED = frozenset({FamilyAgreement.GIVEN, FamilyAgreement.REFUSED, FamilyAgreement.WITHDRAWN})


class ParentsTold(models.TextChoices):
    """Whether the parents know of the contact. This is neither agreement nor a basis for sharing."""

    YES = "yes", "Yes"
    NO = "no", "No"
    UNSAFE = "unsafe", "No: it would not be safe"
    NOT_KNOWN = "not_known", "Not known"


class SharingBasis(models.TextChoices):
    """The legal basis on which the referrer shares information. Consent is not usually the right one."""

    PUBLIC_TASK = "public_task", "Public task"
    LEGAL_OBLIGATION = "legal_obligation", "Legal obligation"
    VITAL_INTERESTS = "vital_interests", "Vital interests"
    CONSENT = "consent", "Consent"
    OTHER = "other", "Another basis"


class ContactQuerySet(models.QuerySet["Contact"]):
    def visible_to(self, user: User, now: datetime) -> ContactQuerySet:
        """
        The contacts that this user may see at this moment.

        Front-door staff and those who oversee practice see all. A team sees the contacts of the cases that it may see.
        Nobody sees what is closed to them.
        """
        return self.in_scope_of(user, now).open_to(user, now)

    def in_scope_of(self, user: User, now: datetime) -> ContactQuerySet:
        """The contacts that this user's roles would show them, were none restricted."""
        return self.filter(sees_contact(user, now))

    def open_to(self, user: User, now: datetime) -> ContactQuerySet:
        """
        Without the contacts that are closed to a user: somebody on them is restricted, or the user has a conflict of
        interest in them.
        """
        return self.filter(is_open_contact(user, now, F("pk")))

    def undecided(self) -> ContactQuerySet:
        """The contacts that await a decision or a second person."""
        return self.exclude(status=ContactStatus.DECIDED)

    def with_people(self, people: Any) -> ContactQuerySet:
        """
        The contacts that one of these people is on, as a child or an adult.

        :param people: the ids of records that stand for people, or a query for them.
        """
        # For two conditions joined by OR, PostgreSQL would read everybody on every contact.
        on = ContactChild.objects.filter(person__in=people).order_by().values("contact")
        return self.filter(pk__in=on.union(ContactAdult.objects.filter(person__in=people).order_by().values("contact")))

    def locked(self, *, skip_locked: bool = False) -> ContactQuerySet:
        """
        Locks the rows until the transaction ends. Before there is a case, every action locks the contact's row.

        :param skip_locked: whether to leave out rows that another transaction has locked, and not wait for it.
        """
        return self.select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)


class Contact(models.Model):
    """A contact: somebody told the front door something about children. `document` is what they sent."""

    reference = models.CharField(max_length=13, unique=True, default=new_contact_reference, editable=False)
    channel = models.CharField(max_length=3, choices=Channel)
    received_at = models.DateTimeField()
    arrived_at = models.DateTimeField(
        null=True, help_text="When it arrived at the front door, where it was taken in later. Its deadlines start then."
    )
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, related_name="contacts", db_index=False)
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  # unique where given
    digest = models.CharField("SHA-256 of the document", max_length=64)
    said_digest = models.CharField(
        "SHA-256 of what the document says, however it is typed", max_length=64, default="", db_default=""
    )
    document = models.JSONField()
    agency_reference = models.CharField(
        "the sender's own reference", max_length=100, blank=True, default="", db_default=""
    )
    resend_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="resends",
        db_index=False,
        help_text="The contact that this one repeats. It does not count as another.",
    )

    type = models.CharField(max_length=30, choices=ContactType)
    source_code = models.CharField(max_length=2, choices=SOURCE_CODES)
    received_by_phone = models.BooleanField()
    immediate_danger = models.BooleanField(null=True)
    referrer_level = models.PositiveSmallIntegerField(null=True)
    referrer_email = models.EmailField(blank=True)
    family_indicators = ArrayField(models.CharField(max_length=10), default=list)
    dash = models.CharField(max_length=10, choices=DASHES, blank=True)
    marac = models.BooleanField(null=True)
    sibling_on_cp_plan = models.BooleanField(null=True)
    agreement = models.CharField("agreement to a voluntary service", max_length=10, choices=FamilyAgreement, blank=True)
    agreement_given_by = models.CharField(max_length=100, blank=True)
    agreement_on = models.DateField(null=True)
    parents_told = models.CharField(max_length=10, choices=ParentsTold)
    parents_told_reason = models.TextField(blank=True)
    sharing_basis = models.CharField(max_length=20, choices=SharingBasis, blank=True)

    # What the front door says, beside what the referrer said. The rules look at both.
    screened_at = models.DateTimeField(null=True)
    screened_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    screened_family_indicators = ArrayField(models.CharField(max_length=10), default=list, db_default=[])
    has_unknown_indicators = models.BooleanField(
        "the referrer chose indicators that the rules do not know", default=False, db_default=False
    )
    corrected_family_indicators = ArrayField(
        models.CharField(max_length=10), null=True, help_text="What the referrer says today; null if as it was sent."
    )

    gaps = ArrayField(
        models.CharField(max_length=20, choices=Gap),
        verbose_name="what it left out when it was sent",
        null=True,
        help_text="Null where it was received before this was looked at, in December 2026.",
    )

    status = models.CharField(max_length=10, choices=ContactStatus, default=ContactStatus.RECEIVED)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="contacts")
    owner = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Who at the front door sees to it. Deciding is open to others too.",
    )
    recommendation = models.OneToOneField(
        "casework.Recommendation", on_delete=models.PROTECT, null=True, related_name="+", help_text="The latest."
    )
    rag = models.CharField(max_length=5, choices=RAGS, blank=True)
    decision_in_effect = models.OneToOneField(
        "casework.Decision", on_delete=models.PROTECT, null=True, related_name="+"
    )
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="contacts")
    acknowledged_at = models.DateTimeField(null=True)
    confirmed_in_writing_at = models.DateTimeField(null=True)
    feedback_given_at = models.DateTimeField(null=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-received_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["agency", "idempotency_key"], name="an_agency_uses_an_idempotency_key_once"
            ),
            models.UniqueConstraint(fields=["entered_by", "idempotency_key"], name="a_form_is_sent_in_once"),
            models.CheckConstraint(
                condition=Q(channel=Channel.API, agency__isnull=False)
                | Q(channel=Channel.WEB, entered_by__isnull=False),
                name="a_contact_says_who_brought_it_in",
            ),
            models.CheckConstraint(
                condition=Q(arrived_at__isnull=True) | Q(arrived_at__lt=F("received_at")),
                name="what_is_taken_in_later_arrived_before",
            ),
            models.CheckConstraint(
                condition=Q(resend_of__isnull=True) | Q(resend_of__lt=F("id")),
                name="a_resend_repeats_an_earlier_contact",
            ),
            models.CheckConstraint(condition=Q(status__in=ContactStatus.values), name="a_contact_has_a_known_status"),
            models.CheckConstraint(
                condition=Q(status=ContactStatus.DECIDED, decision_in_effect__isnull=False)
                | (~Q(status=ContactStatus.DECIDED) & Q(decision_in_effect__isnull=True)),
                name="a_decided_contact_and_no_other_has_a_decision_in_effect",
            ),
            models.CheckConstraint(
                condition=Q(screened_at__isnull=True, screened_by__isnull=True, screened_family_indicators=[])
                | Q(screened_at__isnull=False, screened_by__isnull=False),
                name="a_screened_contact_says_who_and_when",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["team", "received_at"], name="contact_waiting", condition=~Q(status=ContactStatus.DECIDED)
            ),
            models.Index(fields=["received_at"], name="contact_by_receipt"),
            models.Index(
                fields=["agency", "-received_at", "-id"], name="contact_of_agency", condition=Q(agency__isnull=False)
            ),
            models.Index(fields=["said_digest"], name="contact_by_said_digest"),
            models.Index(
                fields=["agency", "agency_reference"],
                name="contact_by_own_reference",
                condition=~Q(agency_reference=""),
            ),
            models.Index(fields=["resend_of"], name="contact_by_resend", condition=Q(resend_of__isnull=False)),
        ]
        triggers: ClassVar = [
            TELL_OF_A_NEW_CONTACT,
            TELL_OF_A_CHANGED_CONTACT,
            refuse_if(
                """OLD.decision_in_effect_id IS NOT NULL
                   AND NEW.decision_in_effect_id IS DISTINCT FROM OLD.decision_in_effect_id""",
                on=pgtrigger.Update,
                name="a_decision_in_effect_stays",
                message="A decision that took effect stays.",
            ),
            refuse_if(
                """NOT EXISTS (
                       SELECT FROM public.casework_decision WHERE id = NEW.decision_in_effect_id AND contact_id = NEW.id
                   )""",
                where="NEW.decision_in_effect_id IS NOT NULL",
                on=pgtrigger.Insert | pgtrigger.Update,
                name="a_decision_is_about_its_own_contact",
                message="The decision is about another contact.",
            ),
            refuse_if(
                """NEW.recommendation_id IS NOT NULL AND NOT EXISTS (
                       SELECT FROM public.casework_recommendation
                       WHERE id = NEW.recommendation_id AND contact_id = NEW.id
                   )""",
                on=pgtrigger.Insert | pgtrigger.Update,
                name="a_recommendation_is_about_its_own_contact",
                message="The recommendation is about another contact.",
            ),
            refuse_if(
                lacks_sign_off("NEW.decision_in_effect_id"),
                where="NEW.decision_in_effect_id IS NOT NULL",
                on=pgtrigger.Insert | pgtrigger.Update,
                name="a_decision_needs_its_sign_off_to_take_effect",
                message="This decision takes effect only when a second person agrees.",
            ),
            refuse_if(
                """TG_OP = 'DELETE' OR (
                       NEW.reference, NEW.document, NEW.received_at, NEW.agency_id, NEW.entered_by_id, NEW.channel,
                       NEW.idempotency_key, NEW.digest, NEW.family_indicators, NEW.type, NEW.source_code,
                       NEW.received_by_phone, NEW.agency_reference, NEW.said_digest, NEW.arrived_at,
                       NEW.gaps
                   ) IS DISTINCT FROM (
                       OLD.reference, OLD.document, OLD.received_at, OLD.agency_id, OLD.entered_by_id, OLD.channel,
                       OLD.idempotency_key, OLD.digest, OLD.family_indicators, OLD.type, OLD.source_code,
                       OLD.received_by_phone, OLD.agency_reference, OLD.said_digest, OLD.arrived_at,
                       OLD.gaps
                   )""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="what_was_sent_stays_as_it_was_sent",
                message="What was sent stays as it was sent, and a contact is never deleted.",
            ),
            refuse_if(
                "OLD.screened_at IS NOT NULL AND NEW.screened_at IS NULL",
                on=pgtrigger.Update,
                name="a_screened_contact_stays_screened",
                message="A contact that somebody screened stays screened. Screen it again instead.",
            ),
            never_emptied("contacts_are_never_emptied", "Contacts are never deleted."),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def counts_from(self) -> datetime:
        """The moment from which its deadlines count: when it arrived, also where it was typed in later."""
        return self.arrived_at or self.received_at

    @property
    def family(self) -> list[ContactChild]:
        """The children on the contact who belong to the family."""
        return [child for child in self.children.all() if child.in_family]

    @property
    def hides_area(self) -> bool:
        """Whether a postcode is hidden: then it is not among the facts of the rules."""
        return any(child.address_is_confidential and child.postcode for child in self.children.all())

    @property
    def family_has_answered(self) -> bool:
        """Whether the family has agreed to a voluntary service, or refused it."""
        return self.agreement in ANSWERED

    @property
    def is_unsafe_to_ask(self) -> bool:
        """Nobody knows whether the family agrees, and it is not safe to tell the parents: they cannot just be asked."""
        return not self.family_has_answered and self.parents_told == ParentsTold.UNSAFE

    @property
    def all_family_indicators(self) -> list[str]:
        """What the referrer says today, then what was chosen at screening."""
        return _both(self.reported_family_indicators, self.screened_family_indicators)

    @property
    def reported_family_indicators(self) -> list[str]:
        """What the referrer chose, as corrected since."""
        told = self.corrected_family_indicators
        return self.family_indicators if told is None else told


def _own_record_stays(name: str) -> pgtrigger.Trigger:
    return refuse_if(
        """(NEW.contact_id, NEW.position, NEW.recorded_as_id)
           IS DISTINCT FROM (OLD.contact_id, OLD.position, OLD.recorded_as_id)""",
        on=pgtrigger.Update,
        name=name,
        message="Somebody on a contact keeps their place on it, and the record that was made for them.",
    )


class ContactChild(models.Model):
    """
    A child on a contact, as the referrer described it.

    `recorded_as` is the record that was made for this row, and never changes. `person` is the record that stands for
    the same person today: it may be of a contact that is closed to whoever reads this one, and so names nobody here.
    """

    named_elsewhere = ""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="children", db_index=False)
    position = models.PositiveSmallIntegerField()
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="contact_children")
    recorded_as = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    ref = models.CharField(max_length=50)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    also_known_as = ArrayField(models.CharField(max_length=100), default=list)
    date_of_birth = models.DateField(null=True)
    date_of_birth_estimated = models.BooleanField(default=False, db_default=False)
    age_years = models.PositiveSmallIntegerField("age in years when the contact came", null=True)
    expected_date_of_delivery = models.DateField(null=True)
    sex = models.CharField(max_length=1, choices=SEXES, default="U")
    ethnicity = models.CharField(max_length=4, choices=ETHNICITIES, blank=True)
    disabled = models.BooleanField(null=True)
    non_verbal = models.BooleanField(null=True)
    nhs_number = models.CharField("NHS number", max_length=10, blank=True)
    postcode = models.CharField(max_length=8, blank=True)
    address_is_confidential = models.BooleanField(
        default=False, help_text="Today, whoever said so. `families/confidentiality.py` keeps it up to date."
    )
    indicators = ArrayField(models.CharField(max_length=10), default=list)
    screened_indicators = ArrayField(models.CharField(max_length=10), default=list, db_default=[])
    corrected_indicators = ArrayField(
        models.CharField(max_length=10), null=True, help_text="What the referrer says today; null if as it was sent."
    )
    in_family = models.BooleanField("belongs to this family", default=True, db_default=True)

    class Meta:
        ordering: ClassVar = ["position"]
        verbose_name_plural = "contact children"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contact", "position"], name="children_of_a_contact_have_their_places"),
            models.UniqueConstraint(fields=["contact", "person"], name="a_person_is_one_child_of_a_contact"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expected_date_of_delivery"],
                name="child_unborn",
                condition=Q(expected_date_of_delivery__isnull=False, date_of_birth__isnull=True),
            ),
            # Each contact that arrives asks whether somebody of the same name is hidden at the same postcode.
            models.Index(fields=["postcode"], name="child_in_hiding", condition=Q(address_is_confidential=True)),
        ]
        triggers: ClassVar = [
            *never_deleted("a_child_of_a_contact_stays", "A child on a contact stays on it."),
            refuse_if(
                "NEW.indicators IS DISTINCT FROM OLD.indicators",
                on=pgtrigger.Update,
                name="what_a_referrer_chose_for_a_child_stays",
                message="What the referrer chose for a child stays. Screening stands beside it.",
            ),
            _own_record_stays("a_childs_own_record_stays"),
        ]

    def __str__(self) -> str:
        return f"{self.contact} {self.ref}"

    @property
    def described_name(self) -> str:
        """The name by which the contact calls the child."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def full_name(self) -> str:
        """
        The name that staff recorded as today's, or the one on this contact; empty if nobody knows one. Where it gives
        no first name, another contact's that the reader may see (`families/naming.py`).
        """
        return self.person.current_name or self.named_elsewhere or self.described_name

    @property
    def called(self) -> str:
        """The full name, or what is said in place of it."""
        return self.full_name or without_name(self.expected_date_of_delivery, self.date_of_birth)

    @property
    def all_indicators(self) -> list[str]:
        """What the referrer says today, then what was chosen at screening."""
        return _both(self.reported_indicators, self.screened_indicators)

    @property
    def reported_indicators(self) -> list[str]:
        """What the referrer chose, as corrected since."""
        return self.indicators if self.corrected_indicators is None else self.corrected_indicators


class ContactAdult(models.Model):
    """An adult on a contact, as the referrer described it. See `ContactChild` for `recorded_as` and `person`."""

    named_elsewhere = ""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="adults", db_index=False)
    position = models.PositiveSmallIntegerField()
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="contact_adults")
    recorded_as = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    relationship = models.CharField(max_length=100, blank=True)
    same_address = models.BooleanField(null=True)
    postcode = models.CharField(
        max_length=8, blank=True, default="", db_default="", help_text="Of an address of their own."
    )
    address_is_confidential = models.BooleanField(
        default=False, db_default=False, help_text="Of an address of their own: see `ContactChild`."
    )
    in_family = models.BooleanField("belongs to this family", default=True, db_default=True)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contact", "position"], name="adults_of_a_contact_have_their_places")
        ]
        indexes: ClassVar = [
            # As of a child in hiding.
            models.Index(fields=["postcode"], name="adult_in_hiding", condition=Q(address_is_confidential=True)),
        ]
        triggers: ClassVar = [
            *never_deleted("an_adult_of_a_contact_stays", "An adult on a contact stays on it."),
            _own_record_stays("an_adults_own_record_stays"),
        ]

    def __str__(self) -> str:
        return f"{self.contact} adult {self.position + 1}"

    @property
    def called(self) -> str:
        """See `ContactChild.full_name`."""
        return self.person.current_name or self.named_elsewhere or self.recorded_as.own_name


class PersonMatchQuerySet(models.QuerySet["PersonMatch"]):
    def of_contact(self, contact: Contact) -> PersonMatchQuerySet:
        """The matches of everybody on this contact."""
        # For two conditions joined by OR, PostgreSQL would read every adult on record.
        matches = PersonMatch.objects.order_by().values("pk")
        of_children, of_adults = matches.filter(child__contact=contact), matches.filter(adult__contact=contact)
        return self.filter(is_among(of_children.union(of_adults), "pk"))


class PersonMatch(models.Model):
    """
    Somebody on a contact may be a person on record: `record` is the row's own (`recorded_as`), `person` the other.

    A match that is certain or confirmed joins the two records, until somebody undoes it. One that was rejected keeps
    them apart.

    `is_of_two_identities`: see `families/sameness.py`, which says so of those that wait for somebody.
    """

    is_of_two_identities = False

    child = models.ForeignKey(ContactChild, on_delete=models.PROTECT, null=True, related_name="matches")
    adult = models.ForeignKey(ContactAdult, on_delete=models.PROTECT, null=True, related_name="matches")
    record = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    score = models.FloatField(help_text="How likely they are the same, from 0 to 1.")
    reasons = ArrayField(models.CharField(max_length=200), default=list, db_default=[])
    weights = models.CharField("version of the weights", max_length=50, blank=True, default="", db_default="")
    status = models.CharField(max_length=10, choices=MatchStatus, default=MatchStatus.PROPOSED)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)

    objects = PersonMatchQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-score", "id"]
        verbose_name_plural = "person matches"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["record", "person"], name="a_likeness_is_proposed_once"),
            models.CheckConstraint(
                condition=Q(child__isnull=False, adult__isnull=True) | Q(child__isnull=True, adult__isnull=False),
                name="a_likeness_is_of_a_child_or_an_adult",
            ),
            models.CheckConstraint(condition=~Q(record=F("person")), name="a_likeness_is_of_two_records"),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="a_likeness_is_from_0_to_1"),
            models.CheckConstraint(
                condition=Q(status=MatchStatus.PROPOSED, settled_by__isnull=True, settled_at__isnull=True)
                | Q(status=MatchStatus.CERTAIN, settled_by__isnull=True, settled_at__isnull=False)
                | Q(
                    status__in=[MatchStatus.CONFIRMED, MatchStatus.REJECTED],
                    settled_by__isnull=False,
                    settled_at__isnull=False,
                ),
                name="a_settled_likeness_says_who_and_when",
            ),
        ]
        # Of those that may close a record: they are few, so that hardly any insert pays for them.
        indexes: ClassVar = [
            models.Index(
                fields=[column],
                name=f"open_likeness_of_{column}",
                condition=Q(status=MatchStatus.PROPOSED, score__gte=CLOSES_AT_LEAST),
            )
            for column in ("record", "person")
        ]
        triggers: ClassVar = [
            *never_deleted("a_likeness_stays", "A likeness is settled, never taken away."),
            refuse_if(
                """(NEW.child_id, NEW.adult_id, NEW.record_id, NEW.person_id)
                   IS DISTINCT FROM (OLD.child_id, OLD.adult_id, OLD.record_id, OLD.person_id)""",
                on=pgtrigger.Update,
                name="a_likeness_stays_between_the_same_two",
                message="A likeness is between the same two records for ever.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.row}: {self.percent} %"

    @property
    def row(self) -> ContactChild | ContactAdult:
        """Whom on the contact it is about."""
        row = self.child or self.adult
        assert row is not None
        return row

    @property
    def who(self) -> str:
        """What the two are called in a question: "Same child?"."""
        return "child" if self.child_id else "person"

    @property
    def name(self) -> str:
        """What somebody on the contact is called. Two who are joined are told apart by what their own contacts say."""
        return self.record.own_name if self.joins else self.row.person.current_name or self.record.own_name

    @property
    def known_name(self) -> str:
        """What the other is called: see `name`."""
        return self.person.own_name if self.joins else self.known.current_name or self.person.own_name

    @property
    def joins(self) -> bool:
        """Whether the two are one person by this."""
        return self.status in {MatchStatus.CERTAIN, MatchStatus.CONFIRMED}

    @property
    def known(self) -> Person:
        """The record that stands for the person on record."""
        return self.person.same_as or self.person

    @property
    def percent(self) -> int:
        """The score in percent. Nothing is 100 %."""
        return int(self.score * 100)


def new_check_key() -> str:
    """What a question is called in its address: nobody guesses it."""
    return token_hex(16)


class PartnerCheckQuerySet(models.QuerySet["PartnerCheck"]):
    def own(self, agency: Agency) -> PartnerCheckQuerySet:
        """The questions that this agency reads in its own system."""
        return self.filter(agency=agency, key__isnull=False)


class PartnerCheck(models.Model):
    """
    A question to a partner agency about the children of a contact, and its answer.

    With a `key` the agency reads it in its own system, with the names of these children, and answers there: `ended_by`
    is null then. Without one, whoever asks telephones or writes, and records the answer.
    """

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="partner_checks")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="partner_checks")
    key = models.CharField(max_length=32, unique=True, null=True, editable=False)  # noqa: DJ001  # unique where given
    child_ids = ArrayField(
        models.BigIntegerField(), default=list, db_default=[], help_text="The children whom the agency reads of there."
    )
    question = models.TextField()
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    told_late_at = models.DateTimeField(
        null=True, help_text="When the agency was told that its answer is late, where it has an address for that."
    )
    status = models.CharField(max_length=10, choices=PartnerCheckStatus, default=PartnerCheckStatus.ASKED)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    answer = models.TextField(blank=True)

    objects = PartnerCheckQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contact", "agency"],
                condition=Q(status=PartnerCheckStatus.ASKED),
                name="a_partner_is_asked_once_at_a_time",
            ),
            models.CheckConstraint(condition=Q(question__regex=NOT_BLANK), name="a_partner_check_asks_something"),
            models.CheckConstraint(
                condition=Q(status=PartnerCheckStatus.ASKED, ended_at__isnull=True, ended_by__isnull=True, answer="")
                | Q(
                    Q(ended_by__isnull=False) | Q(key__isnull=False),
                    status=PartnerCheckStatus.ANSWERED,
                    ended_at__isnull=False,
                    answer__regex=NOT_BLANK,
                )
                | Q(status=PartnerCheckStatus.WITHDRAWN, ended_at__isnull=False, ended_by__isnull=False, answer=""),
                name="a_partner_check_that_ended_says_how_when_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("asked_at")),
                name="a_partner_check_ends_after_it_is_asked",
            ),
        ]
        triggers: ClassVar = [
            refuse_if(
                """TG_OP = 'DELETE' OR OLD.status <> 'asked'
                   OR (NEW.contact_id, NEW.agency_id, NEW.key, NEW.child_ids, NEW.question, NEW.asked_at,
                       NEW.asked_by_id) IS DISTINCT FROM
                      (OLD.contact_id, OLD.agency_id, OLD.key, OLD.child_ids, OLD.question, OLD.asked_at,
                       OLD.asked_by_id)""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_partner_check_ends_once",
                message="A question to a partner ends once, and stays as it was asked.",
            ),
            TELL_OF_A_QUESTION,
            never_emptied("partner_checks_are_never_emptied", "Questions to partners are never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.contact}: {self.agency}"


LONGEST_REPLY = 20_000


class ReplyKind(models.TextChoices):
    """What is said about a question to a partner after it was asked."""

    ANSWER = "answer", "Answer"
    NOTHING_KNOWN = "nothing_known", "Nothing is known"
    ASKS_BACK = "asks_back", "Asks back"
    TOLD = "told", "Told by the front door"


class PartnerReply(models.Model):
    """
    Something that an agency said in its system about a question to it, or the front door in return. What it says after
    the question has ended is kept, too.
    """

    partner_check = models.ForeignKey(PartnerCheck, on_delete=models.PROTECT, related_name="replies")
    at = models.DateTimeField()
    by_agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    by_user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=15, choices=ReplyKind)
    text = models.TextField(blank=True)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  # unique where given
    digest = models.CharField("SHA-256 of what was sent", max_length=64, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "partner replies"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["by_agency", "idempotency_key"], name="a_reply_uses_an_idempotency_key_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    by_agency__isnull=False,
                    by_user__isnull=True,
                    kind__in=(ReplyKind.ANSWER, ReplyKind.NOTHING_KNOWN, ReplyKind.ASKS_BACK),
                )
                | Q(by_agency__isnull=True, by_user__isnull=False, kind=ReplyKind.TOLD),
                name="a_reply_says_who_replied",
            ),
            models.CheckConstraint(
                condition=Q(kind=ReplyKind.NOTHING_KNOWN) | Q(text__regex=NOT_BLANK), name="a_reply_says_something"
            ),
        ]
        triggers: ClassVar = append_only("a_reply_stays", "What was said about a question stays as it was said.")

    def __str__(self) -> str:
        return f"{self.partner_check}, {self.at:%Y-%m-%d %H:%M}"


class ContactHandoverQuerySet(models.QuerySet["ContactHandover"]):
    def open(self) -> ContactHandoverQuerySet:
        """The handovers that nobody has taken on and that have not lapsed."""
        return self.filter(taken_on_at__isnull=True, lapsed_at__isnull=True)


class ContactHandover(models.Model):
    """
    A handover of a contact between emergency duty and the day team.

    The receiving team is responsible from `passed_at`, and a named person takes the contact on. `passed_by` is null if
    the service passed the contact by itself when the hub opened. A handover that nobody has taken on by then lapses.
    """

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="handovers")
    from_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    to_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="contacts_handed_over")
    note = models.TextField(blank=True)
    passed_at = models.DateTimeField()
    passed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    taken_on_at = models.DateTimeField(null=True)
    taken_on_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    lapsed_at = models.DateTimeField(null=True)

    objects = ContactHandoverQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contact"],
                condition=Q(taken_on_at__isnull=True, lapsed_at__isnull=True),
                name="a_contact_is_handed_over_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(taken_on_at__isnull=True) | Q(lapsed_at__isnull=True),
                name="a_contact_is_taken_on_or_its_handover_lapses",
            ),
            models.CheckConstraint(
                condition=~Q(from_team=F("to_team")), name="a_contact_is_handed_over_to_another_team"
            ),
            models.CheckConstraint(
                condition=Q(passed_by__isnull=True, note="") | Q(passed_by__isnull=False, note__regex=NOT_BLANK),
                name="who_hands_a_contact_over_leaves_a_note",
            ),
            models.CheckConstraint(
                condition=Q(taken_on_at__isnull=True, taken_on_by__isnull=True)
                | Q(taken_on_at__isnull=False, taken_on_by__isnull=False, taken_on_at__gte=F("passed_at")),
                name="who_takes_a_contact_on_has_a_name",
            ),
        ]
        triggers: ClassVar = [
            refuse_if(
                """TG_OP = 'DELETE' OR OLD.taken_on_at IS NOT NULL OR OLD.lapsed_at IS NOT NULL
                   OR (NEW.contact_id, NEW.from_team_id, NEW.to_team_id, NEW.note, NEW.passed_at, NEW.passed_by_id)
                      IS DISTINCT FROM
                      (OLD.contact_id, OLD.from_team_id, OLD.to_team_id, OLD.note, OLD.passed_at, OLD.passed_by_id)""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_contact_is_taken_on_once",
                message="A contact that was handed over is taken on once, and the handover stays as it was.",
            ),
            never_emptied("handovers_of_contacts_are_never_emptied", "Handovers are never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.contact}: {self.from_team} to {self.to_team}"

    @property
    def is_open(self) -> bool:
        """Whether the contact still waits for somebody to take it on."""
        return self.taken_on_at is None and self.lapsed_at is None


def _both(referred: list[str], screened: list[str]) -> list[str]:
    return list(dict.fromkeys([*referred, *screened]))
