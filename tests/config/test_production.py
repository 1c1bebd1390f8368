"""Production: what it refuses to start with, and that what it starts is safe."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.db import connection

from casework.families.likeness.weights import SHIPPED
from config.local.processes import start_child
from localities.models import User
from tests.stage.databases import own_database
from tests.stage.service import PATIENCE, database_url, free_port, images_web_server, wait_until

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "FRONT_DOOR_MODE": "production",
    "SECRET_KEY": "abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJKLMNOP",
    "DATABASE_URL": "postgresql://somebody:hidden-password@localhost/name",
    "REDIS_URL": "redis://:password@localhost:6379/0",
    "ALLOWED_HOSTS": "front-door.example",
    "BASE_URL": "https://front-door.example",
    "EMAIL_URL": "smtp://localhost:25",
    "DEFAULT_FROM_EMAIL": "front-door@front-door.example",
    "FILES_DIR": "/srv/front-door/files",
}
METRICS_TOKEN = "a-token-of-more-than-twenty-characters"
PASSWORD = "correct horse battery staple"
UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
COUNCIL = {"OIDC_ISSUER": "https://sign-in.example", "OIDC_CLIENT_ID": "front-door", "OIDC_CLIENT_SECRET": "secret"}
NOTIFY = {"NOTIFY_API_KEY": f"front_door-{UUID}-{UUID}", "NOTIFY_TEMPLATE_ID": UUID}

BUCKET = {
    "FILES_DIR": "",
    "FILES_S3_BUCKET": "files",
    "FILES_S3_ENDPOINT_URL": "https://s3.example",
    "FILES_S3_ACCESS_KEY_ID": "an-id",
    "FILES_S3_SECRET_ACCESS_KEY": "secret@",
}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` in an environment of its own: nothing of the tests' is inherited."""
    env = {"PATH": os.environ["PATH"], "DATA_DIR": "/nonexistent", **environment}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def read_settings(asks: str, **environment: str) -> list[str]:
    """
    What a process prints that reads these settings and answers this. They are not refused.

    No apps are loaded: that takes a second, and every refusal comes before it.
    """
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", **environment}
    done = subprocess.run(
        [sys.executable, "-c", f"from django.conf import settings as s; {asks}"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_with_nothing_set_it_says_everything_that_is_missing_at_once() -> None:
    done = manage("check")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "BASE_URL", "EMAIL_URL"):
        assert re.search(rf"- {name} is not .*\. (Set|For|Name)", done.stderr), name
    assert "DEFAULT_FROM_EMAIL is not set. Set it" in done.stderr
    # What may be left out is not asked for.
    assert "FACTORS_KEYS" not in done.stderr


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too easy to guess. Give it at least 50 random characters."),
        ({"SECRET_KEY": "x" * 80}, "SECRET_KEY is too easy to guess."),
        ({"DEBUG": "true"}, "DEBUG is on where others could see it"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS lets in every host. Name each host"),
        ({"BASE_URL": "http://front-door.example"}, "BASE_URL is not an https address. Set it"),
        ({"FRONT_DOOR_MODE": "staging"}, "FRONT_DOOR_MODE is 'staging'. Set it to production or development."),
        (
            {"FRONT_DOOR_MODE": "development", "DEBUG": "true", "ALLOWED_HOSTS": "front-door.example"},
            "DEBUG is on where others could see it",
        ),
        ({"EMAIL_URL": "dummymail://"}, "EMAIL_URL leads nowhere, and referrers would be marked as told."),
        ({"EMAIL_URL": "consolemail://"}, "EMAIL_URL leads nowhere"),
        ({"DATABASE_URL": "postgresql://a:secret@host:port/name"}, "DATABASE_URL cannot be read. Write it as"),
        ({"DATABASE_URL": "mysql://a:secret@host/name"}, "DATABASE_URL cannot be read. Write it as"),
        ({"REDIS_URL": "redis://localhost:6379/0"}, "REDIS_URL has no password: whoever reaches the server could stop"),
        ({"REDIS_URL": "rediss://service@localhost:6379/0"}, "REDIS_URL has no password"),
        ({"REDIS_WITHOUT_PASSWORD": "true"}, "Redis or Valkey has a password. Take one of them away."),
        ({"METRICS_TOKEN": "x" * 19}, "METRICS_TOKEN is too easy to guess. Give it at least 20 random characters."),
        (
            {"EMAIL_URL": ""},
            "EMAIL_URL is not set. Set it to the mail server, as smtp+tls://user:password@host:587; or",
        ),
        ({"DEFAULT_FROM_EMAIL": ""}, "DEFAULT_FROM_EMAIL is not set. Set it to the address"),
        (NOTIFY, "EMAIL_URL and GOV.UK Notify are both set. Take one of them away: messages go out one way."),
        (NOTIFY | {"EMAIL_URL": "", "NOTIFY_API_KEY": ""}, "NOTIFY_API_KEY is not a key of GOV.UK Notify. Make one"),
        (NOTIFY | {"EMAIL_URL": "", "NOTIFY_API_KEY": "secret@"}, "NOTIFY_API_KEY is not a key of GOV.UK Notify."),
        (NOTIFY | {"EMAIL_URL": "", "NOTIFY_TEMPLATE_ID": ""}, "NOTIFY_TEMPLATE_ID is not the number of a template."),
        (NOTIFY | {"EMAIL_URL": "", "NOTIFY_BASE_URL": "http://localhost"}, "NOTIFY_BASE_URL is not an https address."),
        (COUNCIL | {"OIDC_CLIENT_SECRET": ""}, "Council sign-in is half configured: OIDC_CLIENT_SECRET is not set."),
        ({"OIDC_CLIENT_ID": "x"}, "half configured: OIDC_ISSUER and OIDC_CLIENT_SECRET is not set. Set it, or take"),
        (COUNCIL | {"OIDC_ISSUER": "http://sign-in.example"}, "OIDC_ISSUER is not an https address."),
        (COUNCIL | {"OIDC_LINK_BY": "name"}, "OIDC_LINK_BY is 'name'. Set it to email or employee_id."),
        ({"OIDC_BREAK_GLASS": "adele"}, "OIDC_BREAK_GLASS is set, and OIDC_ONLY is not: every account may have a"),
        ({"OIDC_ONLY": "true"}, "OIDC_ONLY is set, and no council sign-in. Set OIDC_ISSUER and the others, or take it"),
        ({"FACTORS_KEYS": "short"}, "FACTORS_KEYS has a key that is too easy to guess. Give each at least 40 random"),
        ({"SESSION_IDLE_SECONDS": "7200"}, "SESSION_IDLE_SECONDS must be 120 to 3600"),
        ({"SIGN_IN_ADDRESS_DAYS": "7"}, "SIGN_IN_ADDRESS_DAYS is under 30"),
        ({"PWNED_PASSWORDS_URL": "http://list.example/"}, "PWNED_PASSWORDS_URL is not an https address."),
        (
            {"MATCHING_WEIGHTS": "no such file"},
            "MATCHING_WEIGHTS names a file that cannot be read: no such file.",
        ),
        ({"MATCHING_WEIGHTS": str(SHIPPED)}, "MATCHING_WEIGHTS: weights: must be a name of your own: 'likeness' is"),
        (
            {"FILES_DIR": ""},
            "FILES_DIR is not set. Set it to a folder that web and workers share and that is backed up",
        ),
        ({"FILES_S3_BUCKET": "files"}, "FILES_DIR and FILES_S3_BUCKET are both set. Take one of them away"),
        (
            BUCKET | {"FILES_S3_ACCESS_KEY_ID": ""},
            "FILES_S3_ACCESS_KEY_ID and FILES_S3_SECRET_ACCESS_KEY belong together.",
        ),
        (BUCKET | {"FILES_S3_ENCRYPTION": "yes"}, "FILES_S3_ENCRYPTION must be AES256 or aws:kms, or empty"),
        (BUCKET | {"FILES_S3_ENDPOINT_URL": "http://s3.example"}, "FILES_S3_ENDPOINT_URL is not an https address."),
        ({"CLAMAV_URL": "clamd:3310"}, "CLAMAV_URL cannot be read. Write it as tcp://host:3310 or unix:///path"),
        (NOTIFY | {"FRONT_DOOR_MODE": "development"}, "EMAIL_URL and GOV.UK Notify are both set."),
    ],
)
def test_an_unsafe_start_is_refused_with_a_sentence(wrong: dict[str, str], says: str) -> None:
    done = manage("check", **(GOOD | wrong))
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret@" not in done.stderr


def test_a_trial_beside_it_is_found_by_commands_and_by_nothing_else(tmp_path: Path) -> None:
    """A web server or worker without settings must not use the settings of a local trial."""
    (tmp_path / "service.env").write_text(
        "FRONT_DOOR_MODE=development\nSECRET_KEY=x\nDATABASE_URL=postgresql:///x\nREDIS_URL=redis://localhost/0\n"
    )
    assert manage("check", DATA_DIR=str(tmp_path)).returncode == 0
    done = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode != 0
    assert "SECRET_KEY is not set." in done.stderr


def test_a_safe_configuration_starts() -> None:
    done = manage("check", **GOOD)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "another_way",
    [
        {"REDIS_URL": "redis://localhost/0", "REDIS_PASSWORD": "of its own"},
        {"REDIS_URL": "redis://localhost/0?password=secret"},
        {"REDIS_URL": "unix:///run/valkey/valkey.sock?db=0"},
        {"REDIS_URL": "rediss://localhost/0?ssl_certfile=/run/own.pem", "REDIS_WITHOUT_PASSWORD": "true"},
    ],
)
def test_redis_is_reached_with_a_password_or_in_a_way_that_is_named(another_way: dict[str, str]) -> None:
    read_settings("print(s.REDIS_URL)", **(GOOD | another_way))


def test_the_check_for_deployment_refuses_a_broker_that_anybody_may_use() -> None:
    done = manage("check", "--deploy", **(GOOD | {"REDIS_URL": "redis://localhost/0"}))
    assert done.returncode == 1
    assert "Set REDIS_PASSWORD, or name a unix socket" in done.stderr
    done = manage("check", "--deploy", **(GOOD | {"REDIS_URL": "redis://localhost/0", "REDIS_WITHOUT_PASSWORD": "1"}))
    assert "(front_door.I002) Redis or Valkey asks the service for no password" in done.stderr


def test_a_council_sign_in_is_configured_and_its_address_may_take_the_form() -> None:
    asks = (
        "print(s.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'][1]);"
        "print(s.SOCIALACCOUNT_PROVIDERS['openid_connect']['APPS'][0]['client_id'])"
    )
    assert read_settings(asks, **(GOOD | COUNCIL)) == ["https://sign-in.example", "front-door"]
    asks = "print(s.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'], s.SOCIALACCOUNT_PROVIDERS['openid_connect'])"
    assert read_settings(asks, **GOOD) == ["[\"'self'\"]", "{'APPS':", "[]}"]


SECRETS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "METRICS_TOKEN", "NOTIFY_API_KEY")


class TestSecretsInFiles:
    """Docker and Kubernetes mount secrets as files: NAME_FILE names the file that holds NAME."""

    def test_each_may_stand_in_a_file(self, tmp_path: Path) -> None:
        environment = GOOD | {"METRICS_TOKEN": METRICS_TOKEN}
        for name in SECRETS[:-1]:
            (tmp_path / name).write_text(f"{environment.pop(name)}\n")
            environment[f"{name}_FILE"] = str(tmp_path / name)
        asks = "print(s.SECRET_KEY, s.REDIS_URL, s.METRICS_TOKEN, s.EMAIL_HOST, s.DATABASES['default']['PASSWORD'])"
        secrets = [GOOD["SECRET_KEY"], GOOD["REDIS_URL"], METRICS_TOKEN, "localhost", "hidden-password"]
        assert read_settings(asks, **environment) == secrets

    def test_the_key_of_notify_too(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(NOTIFY["NOTIFY_API_KEY"])
        by_file = {"NOTIFY_API_KEY": "", "NOTIFY_API_KEY_FILE": str(tmp_path / "key"), "EMAIL_URL": ""}
        assert read_settings("print(s.NOTIFY_API_KEY)", **(GOOD | NOTIFY | by_file)) == [NOTIFY["NOTIFY_API_KEY"]]

    @pytest.mark.parametrize("wrong", ["missing", "empty", "both", "no text"])
    def test_what_is_wrong_is_said_once_for_each(self, tmp_path: Path, wrong: str) -> None:
        """All faults are named at once, without any secret."""
        environment, given = GOOD | NOTIFY | {"METRICS_TOKEN": METRICS_TOKEN}, tmp_path / "given"
        says = {
            "missing": f"names a file that cannot be read: {given}. Mount it, or set {{}} instead.",
            "no text": f"names a file that cannot be read: {given}. Mount it, or set {{}} instead.",
            "empty": f"names an empty file: {given}. Write the secret into it.",
        }
        if wrong != "missing":
            given.write_bytes({"empty": b" \n", "both": b"hidden-secret", "no text": b"\xff"}[wrong])
        for name in SECRETS:
            environment[f"{name}_FILE"] = str(given)
            if wrong != "both":
                del environment[name]
        done = manage("check", **environment)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "hidden-" not in done.stderr
        for name in SECRETS:
            sentence = (
                f"{name}_FILE {says[wrong].format(name)}"
                if wrong in says
                else (f"{name} and {name}_FILE are both set. Take one of them away.")
            )
            assert done.stderr.count(f"- {sentence}") == 1, name
            assert f"{name} is not set" not in done.stderr

    def test_the_keys_of_a_bucket_too(self, tmp_path: Path) -> None:
        environment = GOOD | BUCKET
        for name in ("FILES_S3_ACCESS_KEY_ID", "FILES_S3_SECRET_ACCESS_KEY"):
            (tmp_path / name).write_text(environment.pop(name))
            environment[f"{name}_FILE"] = str(tmp_path / name)
        asks = "o = s.STORAGES['files']['OPTIONS']; print(o['access_key'], o['secret_key'])"
        assert read_settings(asks, **environment) == ["an-id", "secret@"]

    def test_the_calculators_read_none(self) -> None:
        done = manage("due", "feedback_to_referrer", "--from", "2026-11-19T10:00", SECRET_KEY_FILE="/nonexistent")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("another_way", "module"),
    [
        ({}, "django.core.mail.backends.smtp"),
        ({"METRICS_TOKEN": "x" * 20}, "django.core.mail.backends.smtp"),
        (NOTIFY | {"EMAIL_URL": "", "DEFAULT_FROM_EMAIL": ""}, "config.notify"),
    ],
    ids=["by a mail server", "with a token for the figures", "by GOV.UK Notify"],
)
def test_messages_go_by_the_way_that_is_set(another_way: dict[str, str], module: str) -> None:
    """Each is a safe configuration. A worker that uses Notify has the settings for it."""
    asks = "from django.core.mail import get_connection; print(type(get_connection()).__module__)"
    assert read_settings(asks, **(GOOD | another_way)) == [module]


def test_files_are_in_a_folder_or_in_a_bucket() -> None:
    asks = "from django.core.files.storage import storages; print(type(storages['files']).__name__)"
    assert read_settings(asks, **GOOD) == ["FileSystemStorage"]
    assert read_settings(asks, **(GOOD | BUCKET)) == ["Bucket"]


def test_postgresqls_log_quotes_no_row(committed: str) -> None:
    """The embedded one and that of compose.yaml; docs/running.md asks it of others."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW log_error_verbosity")
        assert cursor.fetchone() == ("terse",)
        cursor.execute("SHOW log_min_error_statement")
        assert cursor.fetchone() == ("panic",)
    command = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["db"]["command"]
    assert "log_error_verbosity=terse" in command
    assert "log_min_error_statement=panic" in command


@pytest.fixture(scope="module")
def production(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[str]:
    """A production web server, with its static files collected. Its address."""
    static = tmp_path_factory.mktemp("static")
    with django_db_blocker.unblock(), own_database() as database:
        environment = {
            **GOOD,
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database_url(database),
            "REDIS_URL": os.environ["REDIS_URL"],
            "STATIC_ROOT": str(static),
            "BEHIND_TLS_PROXY": "true",
            "METRICS_TOKEN": METRICS_TOKEN,
            "DATABASE_POOL_SIZE": "2",
            "DATABASE_STATEMENT_TIMEOUT_MS": "30000",
            # The cast of the tests is that of the demonstration.
            "DEMONSTRATION": "true",
        }
        ben = User.objects.get(username="ben")
        ben.set_password(PASSWORD)
        ben.save()
        collected = manage("collectstatic", "--no-input", **environment)
        assert collected.returncode == 0, collected.stderr
        port = free_port()
        log = static / "web.log"
        child = start_child("web", images_web_server(port, "--threads=2"), environment=environment, log=log)
        try:
            wait_until(lambda: _answers(port), "the production server answers")
            yield f"http://127.0.0.1:{port}"
        finally:
            child.stop()


def _answers(port: int) -> bool:
    try:
        return _get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except requests.ConnectionError:
        return False


def _get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={"Host": "front-door.example", **headers}, timeout=PATIENCE, allow_redirects=False)


TLS = {"X-Forwarded-Proto": "https"}


def test_plain_http_is_sent_to_https(production: str) -> None:
    answer = _get(f"{production}/accounts/login/")
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://front-door.example/accounts/login/")


def test_another_host_name_is_turned_away(production: str) -> None:
    assert requests.get(f"{production}/accounts/login/", headers=TLS, timeout=PATIENCE).status_code == 400


def test_pages_are_safe_and_their_files_are_there(production: str) -> None:
    answer = _get(f"{production}/accounts/login/", **TLS)
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Secure" in answer.headers["Set-Cookie"]
    links = re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text)
    assert len(links) == 4
    for link in links:
        file = _get(f"{production}{link}", **TLS)
        assert file.status_code == 200, link
        assert re.search(r"\.[0-9a-f]{12}\.", link), "a file's name holds its content's hash"
        assert "immutable" in file.headers["Cache-Control"]


def test_every_cookie_is_this_hosts_alone(production: str) -> None:
    """A browser takes a cookie of this prefix only with Secure and Path=/, and without a domain."""
    form = _get(f"{production}/accounts/login/", **TLS)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
    assert token
    csrf = form.cookies["__Host-csrftoken"]
    headers = {"Host": "front-door.example", "Referer": "https://front-door.example/", **TLS}
    answer = requests.post(
        f"{production}/accounts/login/", {"login": "ben", "password": PASSWORD, "csrfmiddlewaretoken": token[1]},
        headers=headers | {"Cookie": f"__Host-csrftoken={csrf}"}, allow_redirects=False, timeout=PATIENCE,
    )  # fmt: skip
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    signed_in = {"Cookie": f"__Host-sessionid={answer.cookies['__Host-sessionid']}", **TLS}
    page = _get(f"{production}/", **signed_in)
    assert page.status_code == 200
    assert _get(f"{production}/", Cookie=signed_in["Cookie"].replace("__Host-", ""), **TLS).status_code == 302
    cookies = [line for each in (form, answer, page) for line in each.raw.headers.getlist("Set-Cookie")]
    names = {line.split("=")[0] for line in cookies}
    assert names == {"__Host-csrftoken", "__Host-sessionid", "__Host-typist", "__Host-device"}
    for line in cookies:
        kept = {part.strip().split("=")[0].lower(): part.strip() for part in line.split(";")[1:]}
        assert {"secure", "httponly", "samesite", "path"} <= set(kept), line
        assert kept["path"] == "Path=/"
        assert "domain" not in kept


def test_an_unknown_page_shows_nothing_of_the_inside(production: str) -> None:
    answer = _get(f"{production}/no/such/page/", **TLS)
    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert "Traceback" not in answer.text
    assert "urlpatterns" not in answer.text


def test_the_figures_are_for_whoever_has_the_token_over_plain_http_too(production: str) -> None:
    """Behind the proxy everybody seems to come from this machine, or from the proxy's."""
    for headers in ({}, TLS, {"X-Forwarded-For": "127.0.0.1"}, {"Authorization": "Bearer another"}):
        assert _get(f"{production}/metrics", **headers).status_code == 404
    answer = _get(f"{production}/metrics", Authorization=f"Bearer {METRICS_TOKEN}")
    assert answer.status_code == 200
    assert 'front_door_up{part="database"} 1.0' in answer.text
    assert 'front_door_up{part="broker"} 1.0' in answer.text


TASK = """
import logging, django
django.setup()
from celery.app.trace import logger
logger.error("Task %(name)s[%(id)s] raised: %(exc)s", {"name": "casework.tasks.sweep_clocks", "id": "1",
             "exc": "IntegrityError: Failing row contains (Robin Ashworth)"})
"""


def test_a_task_that_fails_is_named_without_its_words() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TASK], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**GOOD, "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings"},
    )  # fmt: skip
    assert "task failed: casework.tasks.sweep_clocks" in done.stderr
    assert "Ashworth" not in done.stderr
