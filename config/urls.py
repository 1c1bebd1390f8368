"""The URLs. Partners' systems and other people's scripts call them, so a URL that exists never changes."""

from allauth.account import views as allauth
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView
from oauth2_provider.views import RevokeTokenView

from casework.api.authentication import ClientTokenView
from casework.web.views import passwords
from config.health import healthz, readyz
from config.metrics import metrics

# Only those of allauth's URLs that this service offers. Administrators create accounts, and people set their passwords.
accounts = [
    path("login/", allauth.login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("password/change/", allauth.password_change, name="account_change_password"),
    path("password/reset/", passwords.forgotten, name="account_reset_password"),
    path("password/reset/sent/", passwords.link_sent, name="password-link-sent"),
    path("password/set/", passwords.set_own, name="password-set"),
    path("password/set/<slug:token>/", passwords.follow, name="password-link"),
    # allauth's sign-in page reverses this name. Nobody can sign up.
    path("signup/", allauth.login, name="account_signup"),
]

urlpatterns = [
    path("", include("casework.web.urls")),
    path("accounts/", include(accounts)),
    path("admin/", admin.site.urls),
    path("api/v1/", include("casework.api.urls")),
    path("o/token", login_not_required(ClientTokenView.as_view()), name="token"),
    path("o/token/", login_not_required(ClientTokenView.as_view())),
    path("o/revoke", login_not_required(RevokeTokenView.as_view()), name="revoke-token"),
    path("favicon.ico", login_not_required(RedirectView.as_view(url=f"{settings.STATIC_URL}front-door-icon.svg"))),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
handler400 = "casework.web.errors.bad_request"
handler403 = "casework.web.errors.forbidden"
handler404 = "casework.web.errors.not_found"
handler500 = "casework.web.errors.server_error"
