"""Council accounts, with which people sign in where that is configured: they need no password then."""

from allauth.socialaccount.models import SocialAccount
from django.conf import settings

from errors import NotAllowedInStatus
from localities.models import User


def has_council_account(user: User) -> bool:
    """Whether they have signed in with a council account, where that is configured."""
    return bool(settings.OIDC_ISSUER) and SocialAccount.objects.filter(user=user).exists()


def uses_council_account_only(user: User) -> bool:
    """Whether no password and no passkey of this service signs them in by itself."""
    return bool(settings.OIDC_ONLY) and user.username.lower() not in settings.OIDC_BREAK_GLASS


def check_may_have_password(user: User) -> None:
    if uses_council_account_only(user):
        raise NotAllowedInStatus(f"{user} signs in with a council account, and no password would let them in.")
