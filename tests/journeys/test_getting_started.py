"""The page for developers of partners: each of its commands is run as it stands, against a running service."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from casework.models import Contact, File, Information
from tests.stage.service import PATIENCE, Service

PAGE = (Path(__file__).parents[2] / "docs" / "getting-started.md").read_text()


def blocks(language: str) -> str:
    """What the page has in this language, from its beginning to its end."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return "\n".join(found)


def run(command: list[str], service: Service, folder: Path) -> str:
    said = {
        "FRONT_DOOR": service.base_url,
        "CLIENT_ID": service.client_id,
        "CLIENT_SECRET": service.client_secret,
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(command, cwd=folder, env=said, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_with_curl(service: Service, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        assert "CI" not in os.environ, "CI must have curl: .ci/run installs it."
        pytest.skip("No curl on this machine: install it to run the commands of docs/getting-started.md.")
    run(["bash", "-euo", "pipefail", "-c", blocks("sh")], service, tmp_path)
    contact = Contact.objects.get(agency_reference="PPN-2026-204417")
    assert File.objects.filter(contact=contact).count() == 1
    assert Information.objects.filter(contact=contact).count() == 1


def test_with_python(service: Service, tmp_path: Path) -> None:
    said = run([sys.executable, "-c", blocks("python")], service, tmp_path)
    contact = Contact.objects.get(document__children__0__last_name="Marlowe")
    assert said.splitlines()[:2] == [contact.reference, "received"]
    assert "Next time, say which level of need you see." in said
    assert "type: is missing" in said
