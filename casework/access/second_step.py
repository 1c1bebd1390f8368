"""Whether somebody must still set up a second step of signing in, by the rules for their roles."""

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
