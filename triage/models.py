"""The versions of rule sets, as the database keeps them."""

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models


class RuleSetVersion(models.Model):
    """
    A version of a rule set. Once published it never changes; `live` is the time in which contacts are triaged by it.

    `live` includes its first moment and excludes its last; the version that is live now has no last moment yet.
    """

    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField()
    document = models.JSONField()
    published_at = models.DateTimeField(null=True, blank=True)
    live = DateTimeRangeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "version"], name="a_rule_set_has_each_version_once"),
            ExclusionConstraint(
                name="one_rule_set_is_live_at_an_instant", expressions=[("live", RangeOperators.OVERLAPS)]
            ),
            models.CheckConstraint(
                condition=models.Q(live__isnull=True) | models.Q(published_at__isnull=False),
                name="a_live_rule_set_is_published",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="a_published_rule_set_never_changes",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF OLD.published_at IS NULL AND TG_OP = 'DELETE' THEN
                        RETURN OLD;
                    END IF;
                    IF OLD.published_at IS NULL THEN
                        RETURN NEW;
                    END IF;
                    -- All that may still happen to it is to go live, and to stop being live.
                    IF TG_OP = 'UPDATE'
                        AND (NEW.id, NEW.name, NEW.version, NEW.document, NEW.published_at)
                            IS NOT DISTINCT FROM (OLD.id, OLD.name, OLD.version, OLD.document, OLD.published_at)
                        AND (OLD.live IS NULL
                            OR (lower(NEW.live) = lower(OLD.live) AND upper_inf(OLD.live)))
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'A published rule set never changes: publish a new version instead.'
                        USING ERRCODE = 'integrity_constraint_violation',
                              CONSTRAINT = 'a_published_rule_set_never_changes';
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"
