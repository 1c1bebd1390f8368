"""The URLs. Partners' systems and other people's scripts call them, so a URL that exists never changes."""

from allauth.account import views as allauth
from allauth.mfa.base import views as second_step
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as app_codes
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from casework.api.about import AboutView
from casework.api.authentication import ClientRevokeView, ClientTokenView
from casework.web.recently import recently
from casework.web.views import passwords
from config import factors, single_sign_on
from config.health import healthz, readyz
from config.metrics import metrics

# Only those of allauth's URLs that this service offers. Administrators create accounts, and people set their passwords.
accounts = [
    path("login/", allauth.login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("password/change/", allauth.password_change, name="account_change_password"),
    path("again/", allauth.reauthenticate, name="account_reauthenticate"),
    path("again/code/", second_step.reauthenticate, name="mfa_reauthenticate"),
    path("again/passkey/", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("login/second-step/", factors.second_step, name="mfa_authenticate"),
    path("login/passkey/", factors.passkey_login, name="mfa_login_webauthn"),
    path("again/council/", single_sign_on.again, name="council-again"),
    path("council/<slug:provider_id>/", openid_connect.login, name="openid_connect_login"),
    path("council/<slug:provider_id>/back/", openid_connect.callback, name="openid_connect_callback"),
    path("second-step/", second_step.index, name="mfa_index"),
    path("second-step/app/", recently(app_codes.activate_totp), name="mfa_activate_totp"),
    path("second-step/app/remove/", recently(app_codes.deactivate_totp), name="mfa_deactivate_totp"),
    path("second-step/passkeys/", second_step.index, name="mfa_list_webauthn"),
    path("second-step/passkeys/add/", recently(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("second-step/passkeys/<int:pk>/name/", recently(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path("second-step/passkeys/<int:pk>/remove/", recently(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path("second-step/recovery-codes/", recently(recovery_codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "second-step/recovery-codes/new/",
        recently(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
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
    path("api/v1", AboutView.as_view(), name="api-about"),
    path("api/v1/", AboutView.as_view()),
    path("api/v1/", include("casework.api.urls")),
    path("o/token", login_not_required(ClientTokenView.as_view()), name="token"),
    path("o/token/", login_not_required(ClientTokenView.as_view())),
    path("o/revoke", login_not_required(ClientRevokeView.as_view()), name="revoke-token"),
    path("favicon.ico", login_not_required(RedirectView.as_view(url=f"{settings.STATIC_URL}front-door-icon.svg"))),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
handler400 = "casework.web.errors.bad_request"
handler403 = "casework.web.errors.forbidden"
handler404 = "casework.web.errors.not_found"
handler500 = "casework.web.errors.server_error"
