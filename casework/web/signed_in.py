"""Who is signed in, for views: the middleware lets nobody else in."""

from django.http import HttpRequest

from localities.models import User


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "LoginRequiredMiddleware lets nobody in who has not signed in"
    return request.user
