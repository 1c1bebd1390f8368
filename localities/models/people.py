"""Users and their roles in teams; partner agencies and their systems."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import ASCIIUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from oauth2_provider.models import AbstractApplication

from localities.codes import INDIVIDUAL_SOURCES, SOURCE_CODES
from localities.models.places import Locality
from localities.models.versions import has_a_version

DOMAIN = RegexValidator(
    r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$", "Write a domain in small letters, as school.example."
)
CODE = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", "Use small letters, digits and single hyphens, as aylesbury-mdt.")
TELEPHONE = RegexValidator(
    r"^\+?[0-9()][0-9 ()-]{4,}( ?(ext|x)\.? ?[0-9]{1,6})?$",
    "Enter a telephone number, like 01632 960 100 or 01632 960 100 ext 12.",
)


class Role(models.TextChoices):
    """What a person does here. The first six belong to a team, the others to the whole service."""

    CONTACT_OFFICER = "contact_officer", "Contact officer"
    SOCIAL_WORKER = "social_worker", "Social worker"
    FRONT_DOOR_MANAGER = "front_door_manager", "Front-door manager"
    TEAM_MEMBER = "team_member", "Team member"
    TEAM_LEAD = "team_lead", "Team lead"
    SERVICE_MANAGER = "service_manager", "Service manager"
    PRACTICE_LEAD = "practice_lead", "Practice lead"
    AUDITOR = "auditor", "Auditor"
    INFORMATION_GOVERNANCE = "information_governance", "Information-governance officer"
    ADMINISTRATOR = "administrator", "Administrator"


# These roles oversee practice: they read every contact and case, and the audit records every view.
OVERSEEING_ROLES = (Role.SERVICE_MANAGER, Role.PRACTICE_LEAD, Role.AUDITOR, Role.INFORMATION_GOVERNANCE)
SERVICE_ROLES = (*OVERSEEING_ROLES, Role.ADMINISTRATOR)
ADMIN_ROLES = (Role.FRONT_DOOR_MANAGER, Role.TEAM_LEAD, *SERVICE_ROLES)
# Whoever leads a team: one that works with families, the front door or emergency duty.
LEADING_ROLES = (Role.TEAM_LEAD, Role.FRONT_DOOR_MANAGER)
FRONT_DOOR_ROLES = (Role.CONTACT_OFFICER, Role.SOCIAL_WORKER, Role.FRONT_DOOR_MANAGER)


class UserManager(BaseUserManager["User"]):
    """Creates users."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username__iexact=username)

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """:param password: None creates a user who cannot sign in with a password."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A member of staff. What they may do comes from their memberships alone: there is no superuser."""

    username = models.CharField(
        max_length=150,
        unique=True,
        validators=[ASCIIUsernameValidator()],
        error_messages={"unique": "Somebody already signs in with this name. Choose another."},
    )
    name = models.CharField("full name", max_length=200)
    email = models.EmailField("work e-mail address")
    telephone = models.CharField(
        "work telephone", max_length=40, blank=True, default="", db_default="", validators=[TELEPHONE]
    )
    is_active = models.BooleanField("can sign in", default=True, help_text="Take this away when somebody leaves.")
    employee_id = models.CharField(
        "employee number",
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="As the council's sign-in says it, if people sign in with a council account.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(models.functions.Lower("username"), name="usernames_differ_by_more_than_case"),
            models.UniqueConstraint(
                fields=["employee_id"],
                condition=~Q(employee_id=""),
                name="an_employee_number_belongs_to_one_person",
                violation_error_message="Somebody else has this employee number.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]


class PastPassword(models.Model):
    """The hash of a password that somebody chose, the one they have included: it is refused when they change it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="past_passwords")
    password = models.CharField(max_length=128)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"A password of {self.user}"


class TeamKind(models.TextChoices):
    """The kinds of team. A pathway leads to a kind of team; the family's locality says which team of that kind."""

    FRONT_DOOR = "front_door", "Front door"
    EMERGENCY_DUTY = "emergency_duty", "Emergency duty"
    LOCALITY = "locality", "Locality multi-disciplinary"
    CHILD_PROTECTION = "child_protection", "Child protection"
    OUT_OF_AREA = "out_of_area", "Out-of-area desk"


FRONT_DOOR_KINDS = (TeamKind.FRONT_DOOR, TeamKind.EMERGENCY_DUTY)


class Team(models.Model):
    """A team that can be responsible for contacts or cases. A locality has one active team at a time."""

    code = models.CharField(max_length=50, unique=True, validators=[CODE])
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=TeamKind)
    locality = models.ForeignKey(Locality, on_delete=models.PROTECT, null=True, blank=True, related_name="teams")
    email = models.EmailField(
        "shared mailbox", blank=True, help_text="Messages to the whole team go here; without it, to each member."
    )
    telephone = models.CharField(
        max_length=40, blank=True, default="", db_default="", validators=[TELEPHONE],
        help_text="The number to call to reach whoever is at work.",
    )  # fmt: skip
    is_active = models.BooleanField("takes work", default=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind=TeamKind.LOCALITY, locality__isnull=False)
                | (~Q(kind=TeamKind.LOCALITY) & Q(locality__isnull=True)),
                name="a_locality_team_and_no_other_has_a_locality",
                violation_error_message="A locality team needs its locality, and no other kind of team has one.",
            ),
            models.UniqueConstraint(
                fields=["locality"],
                condition=Q(is_active=True),
                name="a_locality_has_one_team_that_takes_work",
                violation_error_message="This locality already has a team that takes work.",
            ),
        ]
        triggers: ClassVar = [has_a_version()]

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self, on: date) -> MembershipQuerySet:
        """The memberships that are valid on this day, of users who can sign in."""
        return self.filter(
            Q(starts_on__isnull=True) | Q(starts_on__lte=on),
            Q(ends_on__isnull=True) | Q(ends_on__gte=on),
            user__is_active=True,
        )


class Membership(models.Model):
    """A person's role, in a team or in the whole service, from a day to a day (both included; null is open)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    role = models.CharField(max_length=30, choices=Role)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships")
    most_cases = models.PositiveSmallIntegerField(
        "cases to lead at most", null=True, blank=True,
        help_text="How many families the person can lead work with at one time. Empty: no number is agreed.",
    )  # fmt: skip
    starts_on = models.DateField("first day", null=True, blank=True)
    ends_on = models.DateField("last day", null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(role__in=SERVICE_ROLES, team__isnull=True)
                | (~Q(role__in=SERVICE_ROLES) & Q(team__isnull=False)),
                name="a_team_role_has_a_team_and_a_service_role_has_none",
                violation_error_message="A role in a team needs the team; a role in the whole service has none.",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(starts_on__isnull=True) | Q(ends_on__gte=models.F("starts_on")),
                name="a_membership_ends_after_it_starts",
                violation_error_message="The last day is before the first.",
            ),
            models.UniqueConstraint(
                fields=["user", "role", "team"],
                nulls_distinct=False,
                name="a_person_has_a_role_in_a_team_once",
                violation_error_message="This person already has this role here.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}" + (f", {self.team}" if self.team else "")


class Agency(models.Model):
    """A partner that sends contacts. It sees what it sent and what it was asked, and nothing else."""

    code = models.CharField(max_length=50, unique=True, validators=[CODE])
    name = models.CharField(max_length=200, unique=True)
    source_code = models.CharField(
        "DfE source of referral",
        max_length=2,
        choices=[(code, f"{code}: {label}") for code, label in SOURCE_CODES.items()],
    )
    other_source_codes = ArrayField(
        models.CharField(max_length=2, choices=list(SOURCE_CODES.items())),
        verbose_name="other sources of referral",
        default=list,
        db_default=[],
        blank=True,
        help_text="The DfE codes that it may send beside its own, as 3B, 3C. Those of the public go without saying.",
    )
    email_domains = ArrayField(
        models.CharField(max_length=100, validators=[DOMAIN]),
        verbose_name="e-mail domains",
        default=list,
        db_default=[],
        blank=True,
        help_text="As school.example, bucks.police.example. What was decided is told in e-mails to these alone.",
    )
    checks_email = models.EmailField(
        "e-mail address for questions",
        blank=True,
        default="",
        db_default="",
        help_text="Where it hears that a question about a child waits in its system, and that an answer is late.",
    )
    is_active = models.BooleanField("may send contacts", default=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name_plural = "agencies"

    def __str__(self) -> str:
        return self.name

    def may_send_as(self, source_code: str) -> bool:
        """Whether this is a source of referral of its own, or a member of the public whose words it passes on."""
        return source_code in {self.source_code, *self.other_source_codes} | INDIVIDUAL_SOURCES

    def has_address(self, email: str) -> bool:
        """Whether an e-mail address is at a domain of this agency, or below one."""
        domain = email.rpartition("@")[2].casefold()
        return any(domain == own.casefold() or domain.endswith(f".{own.casefold()}") for own in self.email_domains)


class AgencyClient(AbstractApplication):
    """A system of a partner agency that signs in with OAuth 2 client credentials."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="clients")
    former_secret = models.CharField(
        "hash of the secret before", max_length=255, blank=True, default="", db_default="", editable=False
    )
    former_until = models.DateTimeField(null=True, editable=False, help_text="The secret before works until then.")

    class Meta(AbstractApplication.Meta):
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(former_secret="", former_until__isnull=True)
                | (~Q(former_secret="") & Q(former_until__isnull=False)),
                name="a_former_secret_has_an_end",
            )
        ]

    def __str__(self) -> str:
        return f"{self.agency}: {self.name}"

    def has_former_secret(self, now: datetime) -> bool:
        """Whether the secret before works still."""
        return self.former_until is not None and now < self.former_until
