"""How the API describes itself (OpenAPI 3.1): signing in, what comes in, the answers, and examples."""

from collections.abc import Collection
from typing import Any

from django.conf import settings
from drf_spectacular.contrib.pydantic import PydanticExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiResponse, extend_schema_field
from pydantic.json_schema import model_json_schema
from rest_framework import serializers

from casework.actions.files import LONGEST_ABOUT
from casework.api.idempotency import LONGEST_KEY
from casework.api.lists import LEFT_OUT, MOST_LISTED
from casework.api.threshold_check import MOST_CHILDREN, MOST_INDICATORS, SCREENED, SHORT_CODE
from casework.facts.contact_document import Part, part_in
from casework.facts.learned import AdultInformation, ChildInformation, InformationDocument
from casework.models.agency_events import AgencyEventKind
from casework.models.choices import Gap
from casework.models.contact_batches import MOST_CONTACTS, BatchState
from casework.models.contacts import LONGEST_REPLY, ReplyKind
from casework.models.files import LARGEST, FileKind, FileState
from casework.models.sender_requests import LONGEST_TEXT, DisagreementStep, RequestKind, RequestState
from casework.statuses import AskedStatus, SenderStatus
from triage.facts import Facts
from triage.ruleset import Hold, Rag, shipped

# What a partner's system can do here. A new one is named when it works.
CAPABILITIES = [
    "contacts",
    "batches",
    "information",
    "files",
    "threshold_check",
    "quality",
    "partner_checks",
    "events",
    "reference_data",
    "withdraw",
    "chase",
    "escalate",
]


class AgencyScheme(OpenApiAuthenticationExtension):
    """OAuth 2 client credentials, with the scope that each method wants."""

    target_class = "casework.api.authentication.AgencyAuthentication"
    name = "agency"

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        return {self.name: [auto_schema.view.required_scopes[auto_schema.method]]}

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        flow = {"tokenUrl": "/o/token", "scopes": settings.OAUTH2_PROVIDER["SCOPES"]}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}


def each_address_once(endpoints: list[tuple[str, str, str, Any]], **_: Any) -> list[tuple[str, str, str, Any]]:
    """The endpoints that are described: those with a slash at the end answer as those without."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


class DocumentExtension(PydanticExtension):
    """
    Our documents as what comes in: a field that is not required may be left out, or null.

    No field has a default: a partner's system that is generated from this, and fills in what its user left out, must
    not say what nobody said.
    """

    target_class = "triage.documents.Document"
    priority = 1

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = model_json_schema(self.target, ref_template="#/components/schemas/{model}", mode="validation")
        parts = schema.pop("$defs", {})
        for part in (schema, *parts.values()):
            _as_it_is_read(part)
        if self.target is InformationDocument:
            _as_something_is_added(schema, parts)
        for name in ("indicators", "family_indicators"):
            for part in (schema, *parts.values()):
                if name in part.get("properties", {}):
                    part["properties"][name]["description"] = _indicators()
        if self.target is Facts:
            _as_a_partner_asks(schema, parts)
        for name, part in parts.items():
            component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=part)
            auto_schema.registry.register_on_missing(component)
        return schema


def _as_it_is_read(part: dict[str, Any]) -> None:
    """Null is the same as a field that is left out."""
    needed = part.get("required", ())
    for name, field in part.get("properties", {}).items():
        field.pop("default", None)
        kinds = field.get("anyOf", [field])
        if name not in needed and {"type": "null"} not in kinds:
            described = {"title": field.pop("title")} if "title" in field else {}
            inner = field.pop("anyOf", None) or [dict(field)]
            field.clear()
            field |= {"anyOf": [*inner, {"type": "null"}], **described}


def _as_something_is_added(schema: dict[str, Any], parts: dict[str, Any]) -> None:
    """Information that says nothing at all is refused, and so is somebody new of whom it says nothing."""
    people: dict[str, type[Part]] = {"children": ChildInformation, "adults": AdultInformation}
    schema["anyOf"] = _something_of(InformationDocument, but_not=("source", "said_by", *people))
    for name, part in people.items():
        parts[part.__name__]["anyOf"] = _something_of(part)
        # An entry that only says whom it is about says nothing. An empty list is taken, with a warning.
        says = {"type": "object", "anyOf": _something_of(part, but_not=("ref", "number"))}
        some = {"type": "array", "anyOf": [{"maxItems": 0}, {"contains": says}]}
        schema["anyOf"].append({"required": [name], "properties": {name: some}})


def _something_of(shape: type[Part], *, but_not: Collection[str] = ()) -> list[dict[str, Any]]:
    """One of the fields of a document is neither left out nor null, nor an object of such fields."""
    choices = []
    for name, field in shape.model_fields.items():
        part = part_in(field.annotation)
        says = {"type": "object", "anyOf": _something_of(part)} if part else {"not": {"type": "null"}}
        if name not in but_not:
            choices.append({"required": [name], "properties": {name: says}})
    return choices


def _as_a_partner_asks(facts: dict[str, Any], parts: dict[str, Any]) -> None:
    """The facts that the rules read, within the limits of a threshold check: no names, and no screening."""
    del facts["properties"][SCREENED]
    facts["description"] = (
        "What a partner knows of a family: everything that the rules may ask about a contact. What is left out or null "
        "is not known; `agreement` is then not_sought, `in_area` true, and a count of contacts 1: this one."
    )
    facts["properties"]["children"]["maxItems"] = MOST_CHILDREN
    for part in ("Child", "Family"):
        parts[part]["properties"]["indicators"]["maxItems"] = MOST_INDICATORS
    parts["Child"]["properties"]["ref"] = {
        "anyOf": [{"type": "string", "pattern": f"^{SHORT_CODE}$"}, {"type": "null"}],
        "title": "Ref",
        "description": "A short code of your own, such as c1, to tell the children apart. No names.",
    }


def _indicators() -> str:
    """The codes that the shipped rule set knows, in words, for the people who build a partner's system."""
    lines = (f"- `{entry.code}` {entry.says}" for entry in shipped().catalogue.entries.values())
    return "Codes of the Continuum of Need:\n" + "\n".join(lines)


class OutcomeSerializer(serializers.Serializer[Any]):
    """What was decided."""

    pathway = serializers.CharField(help_text="The pathway's name, such as family_help.")
    says = serializers.CharField(help_text="The same in words.")


class WarningSerializer(serializers.Serializer[Any]):
    """A detail that could not be read, or was read with a correction. The contact is taken in all the same."""

    pointer = serializers.CharField(help_text="A JSON Pointer to the field, such as #/children/0/nhs_number.")
    detail = serializers.CharField(help_text="What is wrong with it. It never repeats the value.")


class SentFileSerializer(serializers.Serializer[Any]):
    """A file, and what it is."""

    file = serializers.FileField(help_text="With the name that you know it by.")
    about = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_ABOUT, help_text="What it is, in your words."
    )


class FileSerializer(serializers.Serializer[Any]):
    """A file that the agency sent. It is not given back."""

    id = serializers.CharField(help_text="Ours.")
    name = serializers.CharField(help_text="As we keep it: the last part of a path, in one line.")
    kind = serializers.ChoiceField(choices=FileKind.values, help_text="What it is, by its content.")
    size = serializers.IntegerField(min_value=1, max_value=LARGEST, help_text="In bytes.")
    sha256 = serializers.CharField(help_text="Of its content, in hexadecimal digits: compare it with yours.")
    received_at = serializers.DateTimeField()
    state = serializers.ChoiceField(
        choices=FileState.values,
        help_text="Nobody opens it while it is `being_checked` for viruses, nor when it is `refused`, because one was "
        "found, or `removed`, because it did not belong on this contact.",
    )


class GapSerializer(serializers.Serializer[Any]):
    """Something that a good contact says."""

    gap = serializers.ChoiceField(choices=Gap.choices)
    says = serializers.CharField(help_text="In words for the person who wrote the contact.")


class LevelSerializer(serializers.Serializer[Any]):
    """The level of need that the referrer said, and the one that was decided."""

    yours = serializers.IntegerField(min_value=1, max_value=4)
    decided = serializers.IntegerField(min_value=1, max_value=4)
    says = serializers.CharField(help_text="In words for the person who wrote the contact.")


class QualitySerializer(serializers.Serializer[Any]):
    """What would have made the contact better. What could not be read stands in `warnings`."""

    gaps = GapSerializer(
        many=True,
        allow_null=True,
        help_text="What it left out when it was sent. Null where it came before we said so.",
    )
    agreement_recorded = serializers.BooleanField(
        help_text="Whether it said what the family thinks of a voluntary service, or why nobody asked."
    )
    level = LevelSerializer(
        allow_null=True,
        help_text="Null until it is decided, where you said none, and where you are told no outcome.",
    )


class ContactReceivedSerializer(serializers.Serializer[Any]):
    """What the agency may know of a contact that it sent. When it comes in, nothing is decided yet."""

    reference = serializers.CharField(help_text="Ours. Keep it: people ask for it on the telephone.")
    url = serializers.URLField(help_text="Where to read what became of it.")
    agency_reference = serializers.CharField(allow_null=True, help_text="Yours, as we keep it: in one line.")
    received_at = serializers.DateTimeField()
    status = serializers.ChoiceField(
        choices=SenderStatus.choices,
        help_text="`waiting_for_your_information`: we have asked your agency something about the children.",
    )
    decided_at = serializers.DateTimeField(allow_null=True)
    outcome = OutcomeSerializer(allow_null=True, help_text="For professionals, once decided.")
    files = FileSerializer(many=True, help_text="Those that you sent.")
    quality = QualitySerializer()
    warnings = WarningSerializer(
        many=True,
        help_text="Every detail that could not be read, or was read with a correction; of what you read later, those "
        f"that you have not put right since. The first {MOST_LISTED} are listed.",
    )
    warnings_left_out = serializers.IntegerField(min_value=0, required=False, help_text=LEFT_OUT)


class PromisesSerializer(serializers.Serializer[Any]):
    """When you hear from us. Each `_due_at` is null once it is done, and before it is promised."""

    acknowledged_at = serializers.DateTimeField(
        allow_null=True, help_text="When the referrer was told that we have it."
    )
    acknowledgement_due_at = serializers.DateTimeField(allow_null=True)
    next_step_due_at = serializers.DateTimeField(
        allow_null=True, help_text="When somebody has said what happens next, at the latest."
    )
    feedback_due_at = serializers.DateTimeField(allow_null=True, help_text="When the referrer hears what was decided.")
    feedback_given_at = serializers.DateTimeField(allow_null=True)


class AskedOfUsSerializer(serializers.Serializer[Any]):
    """What you asked about a contact, and what we say."""

    kind = serializers.ChoiceField(choices=RequestKind.choices)
    step = serializers.ChoiceField(choices=DisagreementStep.choices, allow_null=True)
    at = serializers.DateTimeField()
    text = serializers.CharField(allow_blank=True, help_text="Yours.")
    due_at = serializers.DateTimeField()
    state = serializers.ChoiceField(
        choices=RequestState.choices,
        help_text="`overtaken`: the contact was decided, or you took the next step of a disagreement.",
    )
    ended_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField(allow_blank=True, help_text="Ours, once it is `answered`.")


class ContactStatusSerializer(ContactReceivedSerializer, PromisesSerializer):
    """What the agency may know of a contact that it sent, and when it hears from us."""

    requests = AskedOfUsSerializer(many=True, help_text="What you asked about it, in order.")


class ListedContactSerializer(PromisesSerializer):
    """A contact in a list: read it by its `url` for files and warnings."""

    reference = serializers.CharField()
    url = serializers.URLField()
    agency_reference = serializers.CharField(allow_null=True)
    received_at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=SenderStatus.choices)
    decided_at = serializers.DateTimeField(allow_null=True)
    outcome = OutcomeSerializer(allow_null=True)


class ContactListSerializer(serializers.Serializer[Any]):
    """Some of the contacts that the agency sent, the newest first."""

    contacts = ListedContactSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="Where the older ones are.")


@extend_schema_field({"$ref": "#/components/schemas/ContactDocument"})
class ContactField(serializers.DictField):
    """A contact, as `POST /contacts` takes it."""


class BatchedContactSerializer(serializers.Serializer[Any]):
    """A contact of a batch."""

    idempotency_key = serializers.CharField(max_length=LONGEST_KEY, help_text="Yours, a new one for each contact.")
    contact = ContactField()


class SentBatchSerializer(serializers.Serializer[Any]):
    """Contacts that are sent together."""

    contacts = serializers.ListField(child=BatchedContactSerializer(), min_length=1, max_length=MOST_CONTACTS)


class SenderRequestSerializer(serializers.Serializer[Any]):
    """What you asked about a contact, and when you hear from us."""

    reference = serializers.CharField(help_text="That of the contact.")
    url = serializers.URLField(help_text="Where to read the answer.")
    kind = serializers.ChoiceField(choices=RequestKind.choices)
    step = serializers.ChoiceField(
        choices=DisagreementStep.choices, allow_null=True, help_text="Of a disagreement: who answers."
    )
    at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="When you hear from us, at the latest.")


class WithdrawalSerializer(serializers.Serializer[Any]):
    """Why a contact should be withdrawn."""

    reason = serializers.CharField(max_length=LONGEST_TEXT)


class ChaseSerializer(serializers.Serializer[Any]):
    """What you want to know, if you want to say more."""

    message = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True, allow_null=True)


class DisagreementSerializer(serializers.Serializer[Any]):
    """Why you disagree with what was decided."""

    why = serializers.CharField(max_length=LONGEST_TEXT)


class InformationSerializer(serializers.Serializer[Any]):
    """What the agency may know of information that it added."""

    reference = serializers.CharField(help_text="That of the contact.")
    url = serializers.URLField(help_text="Where to read what became of the contact.")
    received_at = serializers.DateTimeField()
    warnings = WarningSerializer(
        many=True, help_text=f"Every detail that somebody should check, and why. The first {MOST_LISTED} are listed."
    )
    warnings_left_out = serializers.IntegerField(min_value=0, required=False, help_text=LEFT_OUT)


class AskedAboutSerializer(serializers.Serializer[Any]):
    """A child about whom your agency is asked."""

    first_name = serializers.CharField(allow_null=True)
    last_name = serializers.CharField(allow_null=True)
    also_known_as = serializers.ListField(child=serializers.CharField())
    date_of_birth = serializers.DateField(allow_null=True)
    age_years = serializers.IntegerField(allow_null=True, help_text="Where the date of birth is not known.")
    expected_date_of_delivery = serializers.DateField(allow_null=True, help_text="Of a child who is not born yet.")


class SentReplySerializer(serializers.Serializer[Any]):
    """What your agency says about a question."""

    kind = serializers.ChoiceField(choices=[choice for choice in ReplyKind.choices if choice[0] != ReplyKind.TOLD])
    text = serializers.CharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=LONGEST_REPLY,
        help_text="Needed, unless nothing is known.",
    )


class SaidSerializer(serializers.Serializer[Any]):
    """Something that was said about a question since it was asked."""

    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=ReplyKind.choices, help_text="`told` is what the front door says.")
    text = serializers.CharField(allow_blank=True)


class ReplySerializer(SaidSerializer):
    """What your agency said, as we keep it."""

    url = serializers.URLField(help_text="Where to read the question.")


class CheckSerializer(serializers.Serializer[Any]):
    """A question to your agency about children."""

    id = serializers.CharField()
    url = serializers.URLField()
    status = serializers.ChoiceField(
        choices=AskedStatus.choices,
        help_text="`closed`: no answer is needed any more. One that comes all the same is read.",
    )
    asked_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True, help_text="Null once it is not open.")
    is_late = serializers.BooleanField()
    question = serializers.CharField()
    children = AskedAboutSerializer(many=True, help_text="Empty where they may no longer be named: please ring us.")
    replies = SaidSerializer(many=True, help_text="In order, yours and ours.")


class CheckListSerializer(serializers.Serializer[Any]):
    """Questions to your agency, those first that were asked last."""

    checks = CheckSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="Where the older ones are.")


class EventSerializer(serializers.Serializer[Any]):
    """Something that changed about a contact that your agency sent."""

    id = serializers.IntegerField(min_value=1, help_text="It grows: a later event has a greater one.")
    type = serializers.ChoiceField(choices=AgencyEventKind.choices)
    reference = serializers.CharField(help_text="Of the contact.")
    url = serializers.URLField(help_text="Where the contact is as it stands now.")
    at = serializers.DateTimeField()


class EventListSerializer(serializers.Serializer[Any]):
    """What changed, in order."""

    events = EventSerializer(many=True)
    has_more = serializers.BooleanField(help_text="Whether there are more now.")
    next = serializers.URLField(help_text="Where what comes after these is.")


class ReasonSerializer(serializers.Serializer[Any]):
    """A rule that fired."""

    rule = serializers.CharField(help_text="The rule's name, such as level_2_agreed.")
    says = serializers.CharField(help_text="Why, in words.")
    because = serializers.ListField(
        child=serializers.CharField(), help_text="The facts that made it fire: indicator codes and paths of facts."
    )
    child = serializers.CharField(allow_null=True, help_text="The ref of the child whom it is about.")


class MissingSerializer(serializers.Serializer[Any]):
    """Something that you did not say and that could change the answer."""

    fact = serializers.CharField(help_text="Where it belongs, such as children[0].age_years.")
    says = serializers.CharField(help_text="The same in words.")


class WouldChangeSerializer(serializers.Serializer[Any]):
    """One single change of one fact, and what the rules would say then."""

    pathway = serializers.CharField()
    rag = serializers.ChoiceField(choices=[rag.value for rag in Rag])
    hold = serializers.ChoiceField(choices=[hold.value for hold in Hold], allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        # Python keeps this name for itself.
        return {"if": serializers.CharField(help_text="The change, in words."), **super().get_fields()}


class TitleSerializer(serializers.Serializer[Any]):
    """What people call something that has a name for machines."""

    id = serializers.CharField()
    title = serializers.CharField()


class ThresholdCheckSerializer(serializers.Serializer[Any]):
    """What the rules say of a family without a name. Advice, not a decision."""

    ruleset = serializers.CharField(help_text="The rule set and its version, such as early-help-first/2.")
    level = serializers.IntegerField(min_value=1, max_value=4, help_text="The level of need.")
    pathway = serializers.CharField(help_text="The pathway's name, such as early_help.")
    says = serializers.CharField(help_text="The same in words.")
    rag = serializers.ChoiceField(
        choices=[rag.value for rag in Rag], help_text="The rating. Red is the most urgent, blue the least."
    )
    hold = serializers.ChoiceField(
        choices=[hold.value for hold in Hold],
        allow_null=True,
        help_text="What would come first: the family's agreement, a manager who looks at it, or our own screening.",
    )
    lead = serializers.CharField(allow_null=True, help_text="Who would lead the work.")
    also_refer_to = serializers.ListField(
        child=serializers.CharField(), help_text="Other services that should hear of it too."
    )
    warnings = serializers.ListField(child=serializers.CharField(), help_text="What to beware of.")
    reasons = ReasonSerializer(many=True, help_text="Every rule that fired; the first set the pathway.")
    missing = MissingSerializer(many=True)
    would_change = WouldChangeSerializer(many=True)
    titles = TitleSerializer(
        many=True, help_text="What everything named in also_refer_to, warnings and would_change is called."
    )
    try_first = serializers.ListField(
        child=serializers.CharField(), help_text="What to do before, or beside, sending a contact: sentences in order."
    )
    note = serializers.CharField(help_text="What this answer is not. Show it to whoever reads the rest.")


class CodeSerializer(serializers.Serializer[Any]):
    """A code, and what it means."""

    code = serializers.CharField()
    says = serializers.CharField(help_text="The same in words.")


class IndicatorSerializer(CodeSerializer):
    """An indicator of the Continuum of Need."""

    level = serializers.IntegerField(min_value=2, max_value=4, help_text="The level of need that it speaks for.")
    domain = serializers.CharField()
    area = serializers.CharField()


class ReferenceDataSerializer(serializers.Serializer[Any]):
    """Every code that a contact may hold and an answer may name."""

    ruleset = serializers.CharField(help_text="The rule set that is in force, and its version.")
    contact_types = CodeSerializer(many=True, help_text="For `type`.")
    source_codes = CodeSerializer(many=True, help_text="For `source_code`: the DfE source of referral.")
    ways_to_arrive = CodeSerializer(many=True, help_text="For `arrived_by`.")
    sexes = CodeSerializer(many=True, help_text="For `children[].sex`.")
    ethnicities = CodeSerializer(many=True, help_text="For `children[].ethnicity`, as in the DfE census.")
    parental_responsibility = CodeSerializer(many=True, help_text="For `adults[].parental_responsibility`.")
    dash = CodeSerializer(many=True, help_text="For `domestic_abuse.dash`.")
    agreement = CodeSerializer(many=True, help_text="For `agreement.service`.")
    parents_told = CodeSerializer(many=True, help_text="For `parents_told.answer`.")
    sharing_bases = CodeSerializer(many=True, help_text="For `sharing_basis`.")
    sources_of_information = CodeSerializer(many=True, help_text="For `source` of information that is added.")
    indicators = IndicatorSerializer(many=True, help_text="For `indicators` and `family_indicators`.")
    pathways = CodeSerializer(many=True, help_text="In `outcome.pathway`, and in the answer to a threshold check.")
    file_kinds = CodeSerializer(many=True, help_text="In `files[].kind`.")
    file_states = CodeSerializer(many=True, help_text="In `files[].state`.")


class LimitsSerializer(serializers.Serializer[Any]):
    """How much is taken at once. More is refused, and the refusal says so."""

    contacts_in_a_batch = serializers.IntegerField(min_value=1)
    batches = serializers.IntegerField(min_value=1, help_text="In so many seconds as `batches_in_seconds` says.")
    batches_in_seconds = serializers.IntegerField(min_value=1)
    calls = serializers.IntegerField(
        min_value=1, help_text="Of an agency, over all its systems. What is sent, read and checked is counted apart."
    )
    in_seconds = serializers.IntegerField(min_value=1, help_text="The time in which it may make so many calls.")
    body_bytes = serializers.IntegerField(min_value=1)
    file_bytes = serializers.IntegerField(min_value=1)
    children = serializers.IntegerField(min_value=1, help_text="Of a contact.")
    adults = serializers.IntegerField(min_value=1, help_text="Of a contact.")
    idempotency_key_characters = serializers.IntegerField(min_value=1)


class LinksSerializer(serializers.Serializer[Any]):
    """Where to go from here."""

    token = serializers.URLField(help_text="Where your system asks for a token.")
    contacts = serializers.URLField()
    batches = serializers.URLField()
    threshold_check = serializers.URLField()
    quality = serializers.URLField()
    partner_checks = serializers.URLField(help_text="What the front door asks your agency.")
    events = serializers.URLField(help_text="What changed about the contacts that your agency sent.")
    reference_data = serializers.URLField()
    schema = serializers.URLField(help_text="The description of this API (OpenAPI 3.1).")
    docs = serializers.URLField(help_text="The same for people.")


class AboutSerializer(serializers.Serializer[Any]):
    """What this API is and can do, and within which limits."""

    title = serializers.CharField()
    council = serializers.CharField()
    version = serializers.CharField()
    in_danger = serializers.CharField(help_text="What to do where a child is in danger now. Show it to your users.")
    capabilities = serializers.ListField(
        child=serializers.ChoiceField(choices=CAPABILITIES), help_text="What can be done here."
    )
    limits = LimitsSerializer()
    links = LinksSerializer()


class WrongFieldSerializer(serializers.Serializer[Any]):
    """One thing that is wrong."""

    pointer = serializers.CharField(help_text="A JSON Pointer to the field, such as #/children/0/nhs_number.")
    detail = serializers.CharField(help_text="What is wrong, and how to mend it.")


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = WrongFieldSerializer(  # type: ignore[assignment]  # RFC 9457's example has it
        many=True, required=False, help_text=f"The first {MOST_LISTED}."
    )
    errors_left_out = serializers.IntegerField(min_value=0, required=False, help_text=LEFT_OUT)


class BatchResultSerializer(serializers.Serializer[Any]):
    """What became of one contact of a batch."""

    idempotency_key = serializers.CharField(help_text="Yours.")
    state = serializers.ChoiceField(choices=BatchState.values)
    replayed = serializers.BooleanField(help_text="Its key came before: `contact` is the answer of the first time.")
    contact = ContactReceivedSerializer(allow_null=True, help_text="Once it is taken in.")
    problem = ProblemSerializer(allow_null=True, help_text="Why it was refused. Its pointers begin in the contact.")


class BatchSerializer(serializers.Serializer[Any]):
    """A batch of contacts, and what became of each, in the order in which they were sent."""

    id = serializers.CharField()
    url = serializers.URLField(help_text="Where to read this again.")
    received_at = serializers.DateTimeField()
    waiting = serializers.IntegerField(min_value=0, help_text="So many are not taken in yet.")
    taken_in = serializers.IntegerField(min_value=0)
    refused = serializers.IntegerField(min_value=0)
    results = BatchResultSerializer(many=True)


PROBLEMS = {
    400: "The body is not valid: every wrong field is named.",
    401: "There is no token, or it has run out: WWW-Authenticate says which (RFC 6750).",
    403: "The token does not allow this: WWW-Authenticate names the scope that does.",
    404: "There is none, or another agency sent it.",
    405: "This address takes another method: Allow says which.",
    406: "Accept must allow application/json.",
    408: "It took too long until the body had come.",
    409: "It cannot be done now; the sentence says why.",
    413: "The body is larger than any that is needed.",
    415: "The body is not of the media type that this address takes, or is packed, or not UTF-8.",
    422: "The idempotency key came before with another contact.",
    429: "Too many calls; Retry-After says when to come again. Each answer says in RateLimit how many are left.",
    500: "Something went wrong here, and nothing was stored. Send it again later.",
    503: "The front door cannot answer now. Send it again later, or call.",
}
# The refusals of every address, and those of every address that needs a token.
EVERYWHERE, NEEDS_A_TOKEN = (405, 406, 500), (401, 403, 429)


def problems(*codes: int, token: bool = True) -> dict[tuple[int, str], OpenApiResponse]:
    """The refusals with these codes and with those of every address, as the description of the API wants them."""
    return {
        (code, "application/problem+json"): OpenApiResponse(ProblemSerializer, description=PROBLEMS[code])
        for code in sorted({*codes, *EVERYWHERE, *(NEEDS_A_TOKEN if token else ())})
    }
