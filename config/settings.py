"""
All settings, read from the environment. docs/running.md describes each variable.

The service refuses an unsafe start, and names every reason at once. `FRONT_DOOR_MODE` is `production` (the default,
so that a forgotten variable is a safe mistake), `development` (for `make run` and the tests) or `calculator`
(manage.py sets it for the commands that need no database).
"""

import logging
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

MODE = env.str("FRONT_DOOR_MODE", default="production")
PRODUCTION = MODE == "production"
CALCULATOR = MODE == "calculator"
_refusals: list[str] = []


def _secret(name: str) -> str:
    """
    A secret, from the variable NAME or from the file that NAME_FILE names; empty if neither is set.

    Docker and Kubernetes mount secrets as files. Space and line breaks around what stands in the file do not count.
    """
    value: str = env.str(name, default="")
    path: str = env.str(f"{name}_FILE", default="")
    if not path or CALCULATOR:
        return value
    if value:
        _refusals.append(f"{name} and {name}_FILE are both set. Take one of them away.")
        return value
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        _refusals.append(f"{name}_FILE names a file that cannot be read: {path}. Mount it, or set {name} instead.")
        return ""
    if not value:
        _refusals.append(f"{name}_FILE names an empty file: {path}. Write the secret into it.")
    return value


def _has_password(redis_url: str) -> bool:
    """Whether Redis or Valkey is reached with a password, or by a socket of this machine, which has an owner."""
    address = urlsplit(redis_url)
    return address.scheme == "unix" or bool(address.password) or "password" in parse_qs(address.query)


def _required(name: str, remedy: str) -> str:
    value = _secret(name)
    if not value and not CALCULATOR and not env.str(f"{name}_FILE", default=""):
        _refusals.append(f"{name} is not set. {remedy}")
    return value


if MODE not in {"production", "development", "calculator"}:
    _refusals.append(f"FRONT_DOOR_MODE is {MODE!r}. Set it to production or development.")

# ---- security

SECRET_KEY = _required(
    "SECRET_KEY",
    "Set it to a long random text that only this service knows, for example from: "
    'python -c "import secrets; print(secrets.token_urlsafe(64))". For a trial on this machine, use make run.',
)
if CALCULATOR:
    SECRET_KEY = secrets.token_urlsafe(64)
if PRODUCTION and SECRET_KEY and (len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10):
    _refusals.append("SECRET_KEY is too easy to guess. Give it at least 50 random characters.")

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "[::1]", "testserver"}
if DEBUG and (PRODUCTION or not set(ALLOWED_HOSTS) <= LOOPBACK_HOSTS):
    _refusals.append(
        "DEBUG is on where others could see it, and its error pages show families' data. Turn DEBUG off, or use "
        "FRONT_DOOR_MODE=development with no ALLOWED_HOSTS but this machine."
    )
if PRODUCTION and not ALLOWED_HOSTS:
    _refusals.append("ALLOWED_HOSTS is not set. Set it to the host names of the service, separated by commas.")
if "*" in ALLOWED_HOSTS or any(host.startswith(".") for host in ALLOWED_HOSTS):
    _refusals.append("ALLOWED_HOSTS lets in every host. Name each host of the service instead.")

# E-mails link to this address. It is never taken from a request, because anybody can forge one.
BASE_URL = env.str("BASE_URL", default="" if PRODUCTION else "http://localhost:8000").rstrip("/")
if PRODUCTION and not BASE_URL.startswith("https://"):
    _refusals.append("BASE_URL is not an https address. Set it to the service's own, as https://front-door.example.")

CSRF_TRUSTED_ORIGINS = [f"{urlsplit(BASE_URL).scheme}://{urlsplit(BASE_URL).netloc}"] if BASE_URL else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
# Set it only behind a proxy that ends TLS and overwrites this header: a client must not be able to send it.
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Health checks and monitoring come from inside the network, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
METRICS_TOKEN = _secret("METRICS_TOKEN")
if PRODUCTION and METRICS_TOKEN and len(METRICS_TOKEN) < 20:
    _refusals.append("METRICS_TOKEN is too easy to guess. Give it at least 20 random characters.")
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A browser takes a cookie with this prefix over TLS alone, from this host alone: no other host of the council's domain
# can plant one. Over plain http, on one's own machine, it would take none.
COOKIE_PREFIX = "__Host-" if PRODUCTION else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
# What is said to somebody once may name a family: it waits on the server, never in a cookie.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_ENGINE = "config.sessions"
SESSION_COOKIE_AGE = 10 * 3600
# Whoever does nothing for so long is signed out, after a warning (casework/web/presence.py).
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=15 * 60)
SESSION_WARNING_SECONDS = min(120, SESSION_IDLE_SECONDS // 2)
if PRODUCTION and not 120 <= SESSION_IDLE_SECONDS <= 3600:
    _refusals.append("SESSION_IDLE_SECONDS must be 120 to 3600: a screen that nobody is at shows families' data.")
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
# A contact is text: no form and no API call is larger than this.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# In production the demonstration's people, whose passwords others know, are refused (config/safe_start.py) unless
# somebody says that this is a training copy.
DEMONSTRATION = env.bool("DEMONSTRATION", default=not PRODUCTION)

# ---- apps, middleware and templates

INSTALLED_APPS = [
    "config.apps.FrontDoorAdminConfig",
    "casework",
    "localities",
    "triage",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "pgtrigger",
    "rest_framework",
]
MIDDLEWARE = [
    "config.logs.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Static files are packed already. Against guessing by size, it adds a random number of bytes, and tokens are never
    # the same.
    "config.middleware.PackingMiddleware",
    "config.middleware.DirectionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "casework.web.presence.PresenceMiddleware",
    "casework.web.unsent.UnsentMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "casework.web.second_step.SecondStepMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.NeverCacheMiddleware",
    "config.bodies.BodiesMiddleware",
    "casework.web.errors.ErrorPageMiddleware",
    "casework.web.keeping.KeepingMiddleware",
]
CSRF_FAILURE_VIEW = "casework.web.errors.csrf_failure"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates", BASE_DIR / "casework" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["casework.web.tags"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "casework.web.context.service",
            ],
        },
    }
]

# ---- data

DATABASES: dict[str, Any] = {}


def _database(url: str) -> dict[str, Any] | None:
    """Django's settings for this address; None if it is not PostgreSQL's. It may hold a password: never show it."""
    try:
        parts: dict[str, Any] = environ.Env.db_url_config(url)
        readable = urlsplit(url).scheme in {"postgres", "postgresql"} and urlsplit(url).port != 0 and parts["NAME"]
    except (ValueError, KeyError, ImproperlyConfigured):
        return None
    return parts if readable else None


if _database_url := _required(
    "DATABASE_URL", "Set it to the PostgreSQL server, as postgresql://user:password@host/name."
):
    if (_parts := _database(_database_url)) is None:
        _refusals.append("DATABASE_URL cannot be read. Write it as postgresql://user:password@host/name.")
    else:
        if _database_password := _secret("DATABASE_PASSWORD"):
            if _parts.get("PASSWORD"):
                _refusals.append("DATABASE_URL has a password, and DATABASE_PASSWORD is set. Take one of them away.")
            _parts["PASSWORD"] = _database_password
        # A web request must not wait for ever: the web server's environment sets a timeout (docs/running.md).
        _timeout = env.int("DATABASE_STATEMENT_TIMEOUT_MS", default=0)
        _pool = env.int("DATABASE_POOL_SIZE", default=0)
        _options = _parts.get("OPTIONS", {}) | {"options": f"-c statement_timeout={_timeout}"}
        if _pool:
            _options["pool"] = {"min_size": 1, "max_size": _pool, "timeout": 10}
        DATABASES["default"] = _parts | {
            "ENGINE": "config.postgresql",
            "CONN_HEALTH_CHECKS": True,
            "CONN_MAX_AGE": 0 if _pool else 60,
            "OPTIONS": _options,
        }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = _required("REDIS_URL", "Set it to the Redis or Valkey server, as redis://host:6379/0.")
if _redis_password := _secret("REDIS_PASSWORD"):
    if "@" in REDIS_URL or not REDIS_URL.startswith(("redis://", "rediss://")):
        _refusals.append("REDIS_PASSWORD needs a REDIS_URL without a password, as redis://host:6379/0. Correct it.")
    REDIS_URL = REDIS_URL.replace("://", f"://:{quote(_redis_password, safe='')}@", 1)
# Whoever reaches a server without one can empty the queue, and stop every reminder and message. A socket of this
# machine has an owner; some servers know their clients by a certificate.
REDIS_WITHOUT_PASSWORD = env.bool("REDIS_WITHOUT_PASSWORD", default=False)
if REDIS_WITHOUT_PASSWORD and _has_password(REDIS_URL):
    _refusals.append("REDIS_WITHOUT_PASSWORD is set, and Redis or Valkey has a password. Take one of them away.")
_redis_is_open = REDIS_URL and not (_has_password(REDIS_URL) or env.str("REDIS_PASSWORD_FILE", default=""))
if PRODUCTION and _redis_is_open and not REDIS_WITHOUT_PASSWORD:
    _refusals.append(
        "REDIS_URL has no password: whoever reaches the server could stop every message. Set REDIS_PASSWORD, or name a "
        "unix socket, as unix:///run/valkey/valkey.sock. If the server knows its clients in another way, as by TLS "
        "certificates, set REDIS_WITHOUT_PASSWORD=true."
    )
CACHES = {
    # Counts of API calls: when they cannot be read, calls still succeed.
    "default": {"BACKEND": "config.cache.OptionalRedisCache", "LOCATION": REDIS_URL},
    # The workers' heartbeats: /readyz must know when they cannot be read.
    "heartbeats": {"BACKEND": "config.heartbeats.Heartbeats", "LOCATION": REDIS_URL},
}
if CALCULATOR:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

# ---- people signing in

AUTH_USER_MODEL = "localities.User"
AUTHENTICATION_BACKENDS = ["config.accounts.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "config.passwords.HardToGuess"},
    {"NAME": "config.passwords.NotUsedBefore"},
    {"NAME": "config.passwords.NotStolen"},
]
# A list of stolen passwords to ask, as https://api.pwnedpasswords.com/range/; empty: none is asked.
PWNED_PASSWORDS_URL = env.str("PWNED_PASSWORDS_URL", default="")
PWNED_PASSWORDS_TIMEOUT = 2
if PRODUCTION and PWNED_PASSWORDS_URL and not PWNED_PASSWORDS_URL.startswith("https://"):
    _refusals.append("PWNED_PASSWORDS_URL is not an https address. Correct it, or leave it out.")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", "config.hashers.ClientSecretHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "worklist"
ACCOUNT_ADAPTER = "config.accounts.StaffAccountAdapter"
ACCOUNT_FORMS = {
    "login": "config.accounts.SignInForm",
    "change_password": "config.accounts.ChangePasswordForm",
    "reauthenticate": "config.accounts.PasswordAgainForm",
}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
# An unknown user name gets the same answer as a wrong password.
ACCOUNT_PREVENT_ENUMERATION = True
# Behind a proxy, the client's address is in the header that the proxy sets.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_TLS_PROXY else 0
# Tries are counted in PostgreSQL (casework/web/tries.py). allauth would count in the cache, and not while it is away;
# and it would let an office behind one address use five passkeys a minute.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
# After so many days the address and the device of what happened at the door are deleted. The event stays.
SIGN_IN_ADDRESS_DAYS = env.int("SIGN_IN_ADDRESS_DAYS", default=180)
if SIGN_IN_ADDRESS_DAYS < 30:
    _refusals.append("SIGN_IN_ADDRESS_DAYS is under 30: nobody could follow up an attack. Give it at least 30.")
# Each key encrypts the secrets of second steps; the first encrypts new ones, the others still decrypt. Without one of
# their own they come from SECRET_KEY, and whoever changes that makes every app set up again.
_own_factors_keys = _secret("FACTORS_KEYS").split()
if PRODUCTION and any(len(key) < 40 for key in _own_factors_keys):
    _refusals.append("FACTORS_KEYS has a key that is too easy to guess. Give each at least 40 random characters.")
FACTORS_KEYS = _own_factors_keys or [f"second steps: {SECRET_KEY}"]
MFA_ADAPTER = "config.factors.FactorsAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "config.factors.CodeForm",
    "reauthenticate": "config.factors.CodeAgainForm",
    "activate_totp": "config.factors.AddAppForm",
    "add_webauthn": "config.factors.AddPasskeyForm",
    "edit_webauthn": "config.factors.NamePasskeyForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# A clock may be half a minute wrong. Each code is taken once (config/factors.py).
MFA_TOTP_TOLERANCE = 1
# A passkey asks for the finger, the face or the PIN: whoever finds the device does not get in.
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# Browsers use passkeys on http://localhost alone, beside https.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
# Seconds after which a reveal, a change of roles or an export asks again.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60

# ---- council single sign-on, where it is configured

OIDC_ISSUER = env.str("OIDC_ISSUER", default="").rstrip("/")
_oidc = {
    "OIDC_ISSUER": OIDC_ISSUER,
    "OIDC_CLIENT_ID": env.str("OIDC_CLIENT_ID", default=""),
    "OIDC_CLIENT_SECRET": _secret("OIDC_CLIENT_SECRET"),
}
if any(_oidc.values()) and not all(_oidc.values()):
    _missing = " and ".join(name for name, value in _oidc.items() if not value)
    _refusals.append(f"Council sign-in is half configured: {_missing} is not set. Set it, or take the others away.")
if PRODUCTION and OIDC_ISSUER and not OIDC_ISSUER.startswith("https://"):
    _refusals.append("OIDC_ISSUER is not an https address. Set it to the issuer of the council's sign-in.")
# The claim by which an account is found the first time.
OIDC_LINK_BY = env.str("OIDC_LINK_BY", default="email")
if OIDC_LINK_BY not in {"email", "employee_id"}:
    _refusals.append(f"OIDC_LINK_BY is {OIDC_LINK_BY!r}. Set it to email or employee_id.")
OIDC_EMPLOYEE_ID_CLAIM = env.str("OIDC_EMPLOYEE_ID_CLAIM", default="employee_id")
# Whether a council account alone signs in, and no password and no passkey of this service; and for the day on which the
# provider is down, the user names of the accounts for which these still do.
OIDC_ONLY = env.bool("OIDC_ONLY", default=False)
OIDC_BREAK_GLASS = [name.strip().lower() for name in env.list("OIDC_BREAK_GLASS", default=[])]
if OIDC_ONLY and not OIDC_ISSUER:
    _refusals.append("OIDC_ONLY is set, and no council sign-in. Set OIDC_ISSUER and the others, or take it away.")
if OIDC_BREAK_GLASS and not OIDC_ONLY:
    _refusals.append("OIDC_BREAK_GLASS is set, and OIDC_ONLY is not: every account may have a password. Take it away.")
SOCIALACCOUNT_ADAPTER = "config.single_sign_on.CouncilAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {"openid_connect": {"APPS": []}}
if all(_oidc.values()):
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"] = [
        {
            "provider_id": "council",
            "name": "Council account",
            "client_id": _oidc["OIDC_CLIENT_ID"],
            "secret": _oidc["OIDC_CLIENT_SECRET"],
            "settings": {"server_url": OIDC_ISSUER, "oauth_pkce_enabled": True},
        }
    ]
    # The button's form leads there.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(
        f"{urlsplit(OIDC_ISSUER).scheme}://{urlsplit(OIDC_ISSUER).netloc}"
    )

# ---- partner agencies' systems

OAUTH2_PROVIDER_APPLICATION_MODEL = "localities.AgencyClient"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "contacts:write": "Send contacts about children",
        "contacts:read": "Read what became of the contacts that the agency sent",
        "threshold:check": "Ask what the rules would say of a family, without a name",
        "checks:answer": "Read the questions about children that the agency is asked, and answer them",
    },
    "DEFAULT_SCOPES": ["contacts:write", "contacts:read", "threshold:check"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "CLIENT_SECRET_HASHER": "pbkdf2_sha256_client_secret",
    # Client credentials are the only grant: no password and no code is ever accepted.
    "ALLOWED_GRANT_TYPES": ["client_credentials"],
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "OAUTH2_VALIDATOR_CLASS": "casework.api.authentication.ClientValidator",
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    # Every rule of OAuth 2.0's best current practice (RFC 9700): among others, tokens are stored as hashes.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
}
# Milliseconds: see casework/access/in_step.py. The people of a demonstration are invented.
API_ANSWER_STEP_MS = env.int("API_ANSWER_STEP_MS", default=100 if PRODUCTION else 0)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["casework.api.authentication.AgencyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["casework.api.authentication.IsAgencyWithScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["casework.api.parsing.StrictJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["casework.api.throttling.AgencyThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "agency": env.str("API_RATE_PER_AGENCY", default="600/min"),
        "batches": env.str("API_BATCHES_PER_AGENCY", default="6/min"),
    },
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.problems.as_problem",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    # Fields of one name with different choices.
    "ENUM_NAME_OVERRIDES": {
        "FileKindEnum": "casework.models.FileKind",
        "ReplyKindEnum": "casework.models.ReplyKind",
        "RequestKindEnum": "casework.models.RequestKind",
        "SenderStatusEnum": "casework.statuses.SenderStatus",
        "AskedStatusEnum": "casework.statuses.AskedStatus",
    },
    "TITLE": "Locality Front Door: the partner API",
    "DESCRIPTION": (
        "For the systems of partner agencies: check the threshold without a name, tell the front door about a child, "
        "and hear what became of it. "
        "If a child is in immediate danger, call 999: this address is not watched at every moment."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": False,
    "PREPROCESSING_HOOKS": ["casework.api.schema.each_address_once"],
}

# ---- work in the background: the broker holds nothing that matters

CELERY_BROKER_URL = REDIS_URL
if REDIS_URL.startswith("unix://"):
    # The same address in the form that Celery reads.
    CELERY_BROKER_URL = "redis+socket" + re.sub(r"([?&])db=", r"\1virtual_host=", REDIS_URL.removeprefix("unix"))
CELERY_TASK_DEFAULT_QUEUE = "front-door"
CELERY_TASK_IGNORE_RESULT = True
# A task is acknowledged when it ends, even by failing: the next task of its kind does the same work, so a failed one is
# not retried. A task whose process died (kill -9, out of memory) goes to another worker.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_ACKS_ON_FAILURE = CELERY_TASK_ACKS_ON_TIMEOUT = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_TASK_TIME_LIMIT = 120
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than any task may run, or the broker would deliver a task twice. config/time_limits.py checks it.
    "visibility_timeout": 600,
    # The worker and beat notice a broker that vanished silently, and reconnect.
    "socket_connect_timeout": 5,
    "socket_timeout": 15,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
# Retry for ever: /readyz shows that the broker is away, and nothing is lost meanwhile.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A running task needs only the database, so it ends well while the broker is away. A killed one might have sent a
# message without recording that.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# A worker process that grew (in a long replay, for example) is replaced between two tasks, which frees its memory.
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000  # KiB
CELERY_TIMEZONE = "UTC"
# A file that the worker touches when a task ends, and beat when it has sent one: health checks look how old it is.
HEARTBEAT_FILE = env.str("HEARTBEAT_FILE", default="")

# ---- e-mail: a reference and a link, never a name

_email_url = _secret("EMAIL_URL")
NOTIFY_API_KEY = _secret("NOTIFY_API_KEY")
NOTIFY_TEMPLATE_ID = env.str("NOTIFY_TEMPLATE_ID", default="")
NOTIFY_BASE_URL = env.str("NOTIFY_BASE_URL", default="https://api.notifications.service.gov.uk")
_uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_by_notify = bool(NOTIFY_API_KEY or NOTIFY_TEMPLATE_ID)
if _by_notify:
    EMAIL_BACKEND = "config.notify.EmailBackend"
    if _email_url:
        _refusals.append("EMAIL_URL and GOV.UK Notify are both set. Take one of them away: messages go out one way.")
    if not re.fullmatch(f".+-{_uuid}-{_uuid}", NOTIFY_API_KEY):
        _refusals.append("NOTIFY_API_KEY is not a key of GOV.UK Notify. Make one there, under API integration.")
    if not re.fullmatch(_uuid, NOTIFY_TEMPLATE_ID):
        _refusals.append(
            "NOTIFY_TEMPLATE_ID is not the number of a template. Make one for e-mail at GOV.UK Notify, with "
            "((subject)) as its subject and ((body)) as its text, and copy its number."
        )
    if PRODUCTION and not NOTIFY_BASE_URL.startswith("https://"):
        _refusals.append("NOTIFY_BASE_URL is not an https address. Leave it out.")
elif _email_url:
    _email = environ.Env.email_url_config(_email_url)
    vars().update(_email)
    if PRODUCTION and _email["EMAIL_BACKEND"] != "django.core.mail.backends.smtp.EmailBackend":
        _refusals.append("EMAIL_URL leads nowhere, and referrers would be marked as told. Set it to a mail server.")
elif PRODUCTION and not env.str("EMAIL_URL_FILE", default=""):
    _refusals.append(
        "EMAIL_URL is not set. Set it to the mail server, as smtp+tls://user:password@host:587; or, for GOV.UK Notify, "
        "set NOTIFY_API_KEY and NOTIFY_TEMPLATE_ID."
    )
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="") or "front-door@localhost"
if PRODUCTION and not _by_notify and DEFAULT_FROM_EMAIL.endswith("@localhost"):
    _refusals.append("DEFAULT_FROM_EMAIL is not set. Set it to the address that the service writes from.")

# ---- files that people put on records

# A folder of which the web server serves nothing, or a bucket of an S3-compatible service. Web and workers share it.
FILES_DIR = env.str("FILES_DIR", default="")
FILES_S3_BUCKET = env.str("FILES_S3_BUCKET", default="")
_s3_endpoint = env.str("FILES_S3_ENDPOINT_URL", default="")
_s3_region = env.str("FILES_S3_REGION", default="")
# How the bucket encrypts what it stores, where it does so only when it is asked: AES256, or aws:kms with its own key.
_s3_encryption = env.str("FILES_S3_ENCRYPTION", default="")
_s3_key_id = _secret("FILES_S3_ACCESS_KEY_ID")
_s3_key = _secret("FILES_S3_SECRET_ACCESS_KEY")
_files: dict[str, Any] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": FILES_DIR or str(BASE_DIR / "var" / "files"),
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}
if FILES_S3_BUCKET:
    _files = {
        "BACKEND": "config.buckets.Bucket",
        "OPTIONS": {
            "bucket_name": FILES_S3_BUCKET,
            "endpoint_url": _s3_endpoint or None,
            "region_name": _s3_region or None,
            "access_key": _s3_key_id or None,
            "secret_key": _s3_key or None,
            # The service's own: who put a file there may read it, and nobody else.
            "default_acl": None,
            "file_overwrite": False,
            # Never what a browser says that a file is.
            "object_parameters": {"ContentType": "application/octet-stream"}
            | ({"ServerSideEncryption": _s3_encryption} if _s3_encryption else {}),
            # More than this of a file goes to the disk, not to memory.
            "max_memory_size": 1024 * 1024,
        },
    }
    if FILES_DIR:
        _refusals.append("FILES_DIR and FILES_S3_BUCKET are both set. Take one of them away: files have one place.")
    if bool(_s3_key_id) != bool(_s3_key):
        _refusals.append(
            "FILES_S3_ACCESS_KEY_ID and FILES_S3_SECRET_ACCESS_KEY belong together. Set both, or neither where the "
            "machine itself may use the bucket."
        )
    if _s3_encryption not in {"", "AES256", "aws:kms"}:
        _refusals.append("FILES_S3_ENCRYPTION must be AES256 or aws:kms, or empty where the bucket encrypts by itself.")
    if PRODUCTION and _s3_endpoint and not _s3_endpoint.startswith("https://"):
        _refusals.append("FILES_S3_ENDPOINT_URL is not an https address. Set it to the bucket's service.")
elif PRODUCTION and not FILES_DIR:
    _refusals.append(
        "FILES_DIR is not set. Set it to a folder that web and workers share and that is backed up, or set "
        "FILES_S3_BUCKET for a bucket."
    )
# Where an upload is written before it is stored: in the same place, so that it is moved there and not copied.
FILES_INCOMING = str(Path(FILES_DIR) / "incoming") if FILES_DIR else None
FILE_UPLOAD_HANDLERS = ["casework.files.uploads.ToDisk"]
# The virus scanner, as tcp://clamd.example:3310 or unix:///run/clamav/clamd.ctl. Without one no file is checked, and
# the pages say so.
CLAMAV_URL = env.str("CLAMAV_URL", default="")
if CLAMAV_URL and not re.fullmatch(r"tcp://[^/:@]+(:[0-9]{1,5})?/?|unix:///.+", CLAMAV_URL):
    _refusals.append("CLAMAV_URL cannot be read. Write it as tcp://host:3310 or unix:///path/of/the/socket.")

# ---- the open list, for the day on which the service is down

# A folder to which the worker copies it every quarter of an hour, and for how many hours a copy is kept.
CONTINUITY_FOLDER = env.str("CONTINUITY_FOLDER", default="") or str(BASE_DIR / "var" / "continuity")
CONTINUITY_KEPT_HOURS = env.int("CONTINUITY_KEPT_HOURS", default=24)
if CONTINUITY_KEPT_HOURS < 1:
    _refusals.append("CONTINUITY_KEPT_HOURS is too small. Keep the copies of the open list for at least an hour.")

# ---- pages

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "files": _files,
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"
COUNCIL_NAME = env.str("COUNCIL_NAME", default="Buckinghamshire Council")
# Whom to write to about the accessibility of the pages; the accessibility statement says it.
ACCESSIBILITY_EMAIL = env.str("ACCESSIBILITY_EMAIL", default="")

# The places that `load_reference_data` loads: "buckinghamshire", "none", or a folder of the council's own files.
PLACES = env.str("PLACES", default="") or "buckinghamshire"

# ---- matching

# A file with the council's own weights; empty for the shipped ones.
MATCHING_WEIGHTS = env.str("MATCHING_WEIGHTS", default="")
if MATCHING_WEIGHTS:
    # Here, because few have such a file, and every process that starts would import it.
    from casework.families.likeness.weights import load_own
    from errors import InvalidInput

    try:
        load_own(Path(MATCHING_WEIGHTS))
    except OSError:
        _refusals.append(f"MATCHING_WEIGHTS names a file that cannot be read: {MATCHING_WEIGHTS}. Mount it.")
    except InvalidInput as _invalid:
        _refusals += [f"MATCHING_WEIGHTS: {_fault}" for _fault in _invalid.faults]

# ---- logs: what happened and to which reference, never to whom

LOGGING_CONFIG = "config.logs.configure"
LOGGING = {"level": env.str("LOG_LEVEL", default="INFO"), "json": PRODUCTION}
# The audit says who sent a request, and from where. The logs do not.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = None
# One line for each request, when it has been answered.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO

SILENCED_SYSTEM_CHECKS: list[str] = []

if _refusals:
    raise ImproperlyConfigured(
        "The service does not start like this:\n" + "\n".join(f"  - {refusal}" for refusal in _refusals)
    )
