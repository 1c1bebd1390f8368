"""
make run: starts the whole service on one machine and watches it. Ctrl-C, SIGTERM or a failed child stops it all.

The servers are embedded unless DATABASE_URL and REDIS_URL name others. PORT and DATA_DIR let several copies run side
by side.
"""

import contextlib
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.local import embedded, environment, stopping
from config.local.environment import ADDRESSES
from config.local.folders import make_folders
from config.local.preparation import CONNECT_TIMEOUT, check_redis, prepare
from config.local.processes import CannotStart, Child, start_child
from config.local.terminal import say

READY_TIMEOUT = 90.0


def main() -> int:
    """Runs until it is stopped. Returns 0 after a stop that somebody asked for, 1 when something failed."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without "…"
    stopping.listen()
    children: list[Child] = []
    failed = False
    # The folder stays locked until the last child has ended.
    with contextlib.ExitStack() as lock:
        try:
            _run(children, lock, abandoned=_watch_for_abandonment())
        except stopping.Stopped:
            pass
        except CannotStart as error:
            failed = True
            say(str(error), to=sys.stderr)
        finally:
            stopping.listen_no_more()
            if children:
                say("Stopping …")
            for child in reversed(children):
                child.stop()
    if children and not failed:
        say("Everything is stopped. The data stay.")
    return 1 if failed else 0


def _watch_for_abandonment() -> Callable[[], bool]:
    """Returns a check whether the parent process or the terminal is gone, so that nobody can stop us any more."""
    parent = os.getppid()
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    return lambda: os.getppid() != parent or (at_terminal and not sys.stdin.isatty())


def _run(children: list[Child], lock: contextlib.ExitStack, *, abandoned: Callable[[], bool]) -> None:
    port = environment.read_port()
    data_dir = environment.read_data_dir()
    own = {name for name in ADDRESSES if os.environ.get(name)}
    for name in own:
        environment.check_address(name)
    lock.enter_context(environment.locked(data_dir))
    environment.check_port_is_free(port)
    variables = environment.make_environment(data_dir, port) | {name: os.environ[name] for name in own}
    if "REDIS_URL" in own:
        check_redis()
    if own != ADDRESSES.keys():
        folders = make_folders(data_dir)
    if "DATABASE_URL" not in own:
        say("Starting PostgreSQL …")
        # The person's own PGPORT or PGOPTIONS is about another server.
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]
        children.append(embedded.start_postgres(folders))
        variables["DATABASE_URL"] = embedded.database_url(folders)
    if "REDIS_URL" not in own:
        say("Starting Valkey …")
        children.append(embedded.start_valkey(folders))
        variables["REDIS_URL"] = embedded.redis_url(folders)
    environment.write_service_env(data_dir, variables)
    os.environ.update(variables)
    os.environ.setdefault("PGCONNECT_TIMEOUT", str(CONNECT_TIMEOUT))
    demonstration = prepare(data_dir, variables["BASE_URL"], own)
    say("Starting web server, worker and beat …")
    # Warnings are for developers: `make check` and the tests show them.
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    for name, command in commands(port).items():
        children.append(start_child(name, command, environment=quiet))
    _wait_until_ready(port, check=lambda: _check_all_run(children, abandoned))
    _welcome(demonstration, data_dir)
    while True:
        _check_all_run(children, abandoned)
        time.sleep(0.5)


def commands(port: int, *, processes: int = 2) -> dict[str, list[str]]:
    """
    The commands of the worker, of beat and of the web server.

    :param processes: the number of processes for each of worker and web server.
    """
    celery = [sys.executable, "-m", "celery", "--app", "config.celery", "--quiet"]
    return {
        "the worker": [
            *celery,
            "worker",
            f"--concurrency={processes}",
            "--without-gossip",
            "--without-mingle",
            "--loglevel=warning",
        ],
        "beat": [*celery, "beat", "--scheduler=celery.beat:Scheduler", "--pidfile="],
        "the web server": [
            *(sys.executable, "-m", "gunicorn", "config.wsgi", "--preload"),
            "--worker-class=config.web_server.WebWorker",
            f"--bind=127.0.0.1:{port}",
            *(f"--workers={processes}", "--threads=4", "--log-level=warning", "--graceful-timeout=10"),
        ],
    }


def _wait_until_ready(port: int, *, check: Callable[[], None]) -> None:
    # Without a proxy, even when the machine has one: this is our own server.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    ends_at = time.monotonic() + READY_TIMEOUT
    answer = "it does not answer"
    while True:
        check()
        try:
            with opener.open(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace").strip()
        except OSError:
            pass
        if time.monotonic() > ends_at:
            raise CannotStart(f"The service did not get ready within {READY_TIMEOUT:.0f} seconds: {answer}")
        time.sleep(0.2)


def _check_all_run(children: list[Child], abandoned: Callable[[], bool]) -> None:
    stopping.check()
    if abandoned():
        raise stopping.Stopped
    for child in children:
        code = child.process.poll()
        if code is not None:
            how = f"signal {-code}" if code < 0 else f"code {code}"
            where = f"its log is {child.log}" if child.log else "what it said is above"
            raise CannotStart(f"{child.name[0].upper()}{child.name[1:]} ended by itself ({how}): {where}.")


def _welcome(demonstration: dict[str, Any], data_dir: Path) -> None:
    say(f"\nReady: {demonstration['base_url']}\n")
    say(f"  {'Sign in as':24}{'with the password':28}{'role':32}team")
    for user in demonstration["users"]:
        say(f"  {user['username']:24}{user['password']:28}{user['role']:32}{user['team'] or ''}")
    say(f"\n  Partner systems' credentials, and all of this: {data_dir / 'demo.json'}")
    say("  Ctrl-C stops everything.\n")


if __name__ == "__main__":
    sys.exit(main())
