"""People on record: children and adults."""

from datetime import date
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from casework.models.indexes import where_set
from casework.models.refusals import refuse, refuse_any, refuse_if
from casework.references import new_person_reference
from localities.codes import ETHNICITIES, SEXES


class Person(models.Model):
    """
    A record of a person: a child, also an unborn one, or an adult of the household.

    Everybody on a contact gets a record of their own, as they were described there. Records of one person are joined
    by matches (`PersonMatch`), never deleted: `same_as` is then the oldest of them, which stands for the person.

    `previous_cp_plan` and `previously_looked_after` are null until somebody has checked.
    """

    reference = models.CharField(max_length=13, unique=True, default=new_person_reference, editable=False)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    also_known_as = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    date_of_birth = models.DateField(null=True, blank=True)
    date_of_birth_estimated = models.BooleanField(default=False, db_default=False)
    born_about = models.PositiveSmallIntegerField(
        "year of birth, by the age", null=True, blank=True, help_text="Where only an age is known."
    )
    expected_date_of_delivery = models.DateField(null=True, blank=True)
    sex = models.CharField(max_length=1, choices=SEXES, default="U")
    ethnicity = models.CharField(max_length=4, choices=ETHNICITIES, blank=True)
    nhs_number = models.CharField("NHS number", max_length=10, null=True, blank=True)  # noqa: DJ001  # null says not known
    upn = models.CharField("unique pupil number", max_length=13, blank=True, default="", db_default="")
    address = models.CharField(max_length=300, blank=True, default="", db_default="")
    postcode = models.CharField(max_length=8, blank=True)
    telephone = models.CharField(max_length=100, blank=True, default="", db_default="")
    mother_first_name = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="Of a baby: the mother whom the contact names. Two babies of one day are told apart by her.",
    )
    mother_born = models.DateField("mother's date of birth", null=True, blank=True)
    other_names = ArrayField(
        models.CharField(max_length=300),
        default=list,
        db_default=[],
        blank=True,
        help_text="By which it is found as well: names that were corrected, and those that staff recorded.",
    )
    other_homes = ArrayField(
        ArrayField(models.CharField(max_length=300), size=2),
        default=list,
        db_default=[],
        blank=True,
        help_text="The addresses, each with its postcode, that staff recorded and that are not hidden.",
    )
    other_numbers = ArrayField(
        ArrayField(models.CharField(max_length=300), size=4),
        default=list,
        db_default=[],
        blank=True,
        help_text="What staff recorded: nhs_number, upn or telephone; the number; its status, or ended; the day.",
    )
    shared_numbers = ArrayField(
        ArrayField(models.CharField(max_length=20), size=2),
        default=list,
        db_default=[],
        blank=True,
        help_text="What another child on the contact was given too, so that nobody knows whose it is: nhs_number or "
        "upn, and the number.",
    )
    current_name = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="With the record that stands for the person: the name that staff recorded as today's.",
    )
    previous_cp_plan = models.BooleanField("had a child protection plan before", null=True, blank=True)
    previously_looked_after = models.BooleanField("was looked after before", null=True, blank=True)
    same_as = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        editable=False,
        help_text="The oldest record of the same person, if that is another.",
    )
    address_is_protected = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="Whether an AddressProtection is in force."
    )
    regrouped = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="How often records were joined to this one, or separated."
    )

    class Meta:
        verbose_name_plural = "people"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(same_as__isnull=True) | Q(same_as__lt=F("id")),
                name="the_oldest_record_stands_for_a_person",
            ),
        ]
        indexes: ClassVar = where_set("person", "same_as")
        triggers: ClassVar = [
            refuse_if(
                "EXISTS (SELECT FROM public.casework_personkey WHERE person_id = OLD.id)",
                on=pgtrigger.Delete,
                name="a_person_stays_as_long_as_keys_lead_there",
                message="A person by whose keys others are found cannot be deleted.",
            ),
        ]

    def __str__(self) -> str:
        return self.own_name

    @property
    def own_name(self) -> str:
        """The name of this record alone, whatever others of the same person say."""
        return self.described_name or without_name(self.expected_date_of_delivery, self.date_of_birth)

    @property
    def described_name(self) -> str:
        """The name by which the contact calls this record's person."""
        return f"{self.first_name} {self.last_name}".strip()


def without_name(expected: date | None, born: date | None) -> str:
    """What is said in place of a name that nobody knows."""
    return "Unborn child" if expected and not born else "Name not known"


class PersonKey(models.Model):
    """
    A key by which a person is found who may be somebody on a new contact (`families/likeness/keys.py`), as its hash.

    `person` is the record that stands for the person, and has the keys of all their records.
    """

    pk = models.CompositePrimaryKey("key", "person_id")
    key = models.BigIntegerField()
    # A contact brings dozens of keys of each person: a trigger asks once for all of them, the constraint once for each.
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        verbose_name_plural = "person keys"
        triggers: ClassVar = [
            refuse_any(
                # Looked up one by one. A join is planned once for a connection, and goes on reading everybody if there
                # were few people then.
                """SELECT FROM (SELECT DISTINCT person_id FROM added) those
                   WHERE (SELECT id FROM public.casework_person WHERE id = those.person_id) IS NULL""",
                name="a_key_is_of_a_person_on_record",
                message="There is no such person.",
            ),
            pgtrigger.Trigger(
                name="a_key_stays_as_it_is",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=refuse("a_key_stays_as_it_is", "A key is kept or taken away. It never changes."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.key}"
