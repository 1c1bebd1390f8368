"""What the rules for their roles ask of somebody who signs in: a second step, of any kind or a passkey only."""

from datetime import date

from django.db import connection

from localities.models import User
from localities.roles import OF_MEMBERSHIPS

# The kind that the strictest rule wants and the user has not: a passkey, or any. Null: nothing is owed.
OWED = f"""(
    SELECT rule.kind FROM casework_secondfactorrule rule
    WHERE rule.kind <> 'none' AND rule.role IN (SELECT membership.role {OF_MEMBERSHIPS})
      AND NOT EXISTS (
        SELECT FROM mfa_authenticator held
        WHERE held.user_id = %s AND (held.type = 'webauthn' OR (held.type = 'totp' AND rule.kind = 'any'))
      )
    ORDER BY rule.kind DESC LIMIT 1
)"""  # noqa: S608  # our own constants

NEEDS_PASSKEY = f"""
SELECT FROM mfa_authenticator held
WHERE held.user_id = %s AND held.type = 'webauthn' AND EXISTS (
    SELECT FROM casework_secondfactorrule rule
    WHERE rule.kind = 'passkey' AND rule.role IN (SELECT membership.role {OF_MEMBERSHIPS}))
"""  # noqa: S608  # our own constants


def must_use_passkey(user: User, on: date) -> bool:
    """Whether one of their roles needs a passkey, and they have one: a code will not do then."""
    with connection.cursor() as cursor:
        cursor.execute(NEEDS_PASSKEY, [user.pk, user.pk, on, on])
        return cursor.fetchone() is not None
