"""How good an agency's contacts are: what one left out, and the months of all of them beside its kind."""

from dataclasses import asdict
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from casework.access.conditions import is_told_outcomes
from casework.api import examples
from casework.api.agency_view import AgencyView
from casework.api.authentication import asking_agency
from casework.api.news import IF_NONE_MATCH, NOTHING_NEW, answer_if_new
from casework.api.schema import GapSerializer, problems
from casework.api.throttling import ReadingThrottle
from casework.models import Contact
from casework.models.choices import Gap
from casework.reading.quality import FEWEST_CONTACTS, FEWEST_OTHERS, MONTHS, gaps_of, months_of

AS_SAID = "It was decided at the level that you said."
HIGHER = "It was decided at a higher level than you said. Look at the threshold document again, or call us and ask."
LOWER = (
    "It was decided at a lower level than you said. A threshold check before the next one says what to try first. "
    "If you are worried about a child, contact us whatever it says."
)


def quality_of(contact: Contact) -> dict[str, Any]:
    """The note on a contact for the agency that sent it, as far as it may know."""
    return quality_as_sent(contact) | {"level": _level(contact)}


def quality_as_sent(contact: Contact) -> dict[str, Any]:
    """The same when the contact came."""
    gaps = contact.gaps
    return {
        "gaps": None if gaps is None else [_gap(Gap(gap)) for gap in gaps],
        "agreement_recorded": Gap.AGREEMENT not in gaps if gaps is not None else bool(contact.agreement),
        "level": None,
    }


def _gap(gap: Gap) -> dict[str, str]:
    return {"gap": gap, "says": f"Next time, say {gap.label}."}


def _level(contact: Contact) -> dict[str, Any] | None:
    decision, yours = contact.decision_in_effect, contact.referrer_level
    if decision is None or yours is None or not is_told_outcomes(contact):
        return None
    says = AS_SAID if decision.level == yours else HIGHER if decision.level > yours else LOWER
    return {"yours": yours, "decided": decision.level, "says": says}


class SharesSerializer(serializers.Serializer[Any]):
    """Of the contacts of the month, in per cent. Null where there are none, or too few to speak of."""

    complete = serializers.IntegerField(allow_null=True, help_text="That left out nothing that a good contact says.")
    read = serializers.IntegerField(allow_null=True, help_text="In which everything could be read.")
    agreement = serializers.IntegerField(
        allow_null=True, help_text="That said whether the family agrees to a voluntary service, or why nobody asked."
    )
    level = serializers.IntegerField(allow_null=True, help_text="That said which level of need the referrer sees.")
    decided_as_said = serializers.IntegerField(
        allow_null=True, help_text="Of those in `decided`: at the level that the referrer said."
    )
    decided_higher = serializers.IntegerField(allow_null=True, help_text="Of those in `decided`: at a higher level.")
    decided_lower = serializers.IntegerField(allow_null=True, help_text="Of those in `decided`: at a lower level.")


class MonthSerializer(serializers.Serializer[Any]):
    """The contacts that were received in a month, as far as they are known today."""

    month = serializers.RegexField(r"^\d{4}-\d{2}$", help_text="As 2026-11.")
    contacts = serializers.IntegerField(min_value=0, help_text="Those that repeat another do not count.")
    decided = serializers.IntegerField(
        min_value=0, help_text="Of these: that said a level, are decided, and whose outcome you are told."
    )
    yours = SharesSerializer()
    others = SharesSerializer(
        allow_null=True,
        help_text=(
            "The other agencies of your kind together. Null where fewer than "
            f"{FEWEST_OTHERS} of them sent contacts, or fewer than {FEWEST_CONTACTS} in all."
        ),
    )


class CountedGapSerializer(GapSerializer):
    """Something that contacts left out."""

    contacts = serializers.IntegerField(min_value=1, help_text="In how many of your contacts of these months.")


class AgencyQualitySerializer(serializers.Serializer[Any]):
    """How good the agency's contacts are."""

    agency = serializers.CharField()
    months = MonthSerializer(many=True, help_text=f"The last {MONTHS - 1} months and this one, the newest first.")
    gaps = CountedGapSerializer(many=True, help_text="What they left out, the most frequent first.")


class AgencyQualityView(AgencyView):
    """How good the contacts are that the agency sends."""

    required_scopes = {"GET": "contacts:read"}  # noqa: RUF012  # DRF reads it; nobody writes it
    throttle_classes = (ReadingThrottle,)

    @extend_schema(
        operation_id="readQuality",
        summary="Read how good your contacts are",
        description=(
            "Month by month, beside the other agencies of your kind: what your contacts left out, what could not be "
            "read, and how the level that you said compares with what was decided."
        ),
        parameters=[IF_NONE_MATCH],
        responses={200: AgencyQualitySerializer, 304: NOTHING_NEW, **problems()},
        examples=[examples.answered("A month", examples.QUALITY)],
    )
    def get(self, request: Request) -> Response:
        agency, now = asking_agency(request), timezone.now()
        answer = {
            "agency": agency.name,
            "months": [
                {
                    "month": f"{month.first_day:%Y-%m}",
                    "contacts": month.contacts,
                    "decided": month.decided,
                    "yours": asdict(month.yours),
                    "others": asdict(month.others) if month.others is not None else None,
                }
                for month in months_of(agency, now=now)
            ],
            "gaps": [_gap(gap) | {"contacts": count} for gap, count in gaps_of(agency, now=now).items()],
        }
        return answer_if_new(request, answer)
