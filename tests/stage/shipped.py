"""A service in which other rules than the shipped ones are live: an earlier release's, or a council's own."""

from tests.stage.rule_documents import Json, whole
from tests.stage.sql import run
from triage.models import RuleSetVersion
from triage.ruleset import parse


def live_instead(name: str, version: int, document: Json | None = None) -> RuleSetVersion:
    """Another rule set, which nobody drafted here, in the place of the one that is live; nobody was triaged by that."""
    document = (document or whole()) | {"ruleset": name, "version": version}
    parse(document)
    live = RuleSetVersion.objects.get(live__endswith__isnull=True, live__isnull=False)
    run("SET session_replication_role = replica")
    RuleSetVersion.objects.filter(pk=live.pk).delete()
    run("SET session_replication_role = origin")
    return RuleSetVersion.objects.create(
        name=name, version=version, document=document, published_at=live.published_at, live=live.live
    )


def nothing_live() -> None:
    """A database into which nothing was loaded yet."""
    run("SET session_replication_role = replica")
    RuleSetVersion.objects.all().delete()
    run("SET session_replication_role = origin")
