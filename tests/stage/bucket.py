"""
A server of buckets (S3) that the tests start: moto's, in a process of its own. It asks for an account's key and checks
what is signed with it when it is told to, and stops answering when it is told to.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests

from tests.stage.service import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
REGION, BUCKET = "eu-west-2", "files-of-the-front-door"
MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@dataclass
class BucketServer:
    """Its address, and the key of an account that may use all of its buckets."""

    url: str
    key_id: str
    key: str
    process: "subprocess.Popen[bytes]"

    @property
    def environment(self) -> dict[str, str]:
        """The service's own variables, as a council sets them."""
        return {
            "FILES_DIR": "",
            "FILES_S3_BUCKET": BUCKET,
            "FILES_S3_ENDPOINT_URL": self.url,
            "FILES_S3_REGION": REGION,
            "FILES_S3_ACCESS_KEY_ID": self.key_id,
            "FILES_S3_SECRET_ACCESS_KEY": self.key,
        }

    def storage(self, **more: str) -> dict[str, Any]:
        """What the service's own settings make of its environment."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c",
             "import json; from django.conf import settings as s; print(json.dumps(s.STORAGES['files']))"],
            cwd=ROOT, env=os.environ | self.environment | more, capture_output=True, text=True, check=True,
        )  # fmt: skip
        made: dict[str, Any] = json.loads(done.stdout)
        return made

    def client(self, name: str = "s3") -> Any:
        return boto3.client(
            name, endpoint_url=self.url, region_name=REGION, aws_access_key_id=self.key_id,
            aws_secret_access_key=self.key,
        )  # fmt: skip

    def make_bucket(self) -> None:
        self.client().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def empty(self) -> None:
        for key in self.stored():
            self.client().delete_object(Bucket=BUCKET, Key=key)

    def stored(self) -> list[str]:
        found = self.client().list_objects_v2(Bucket=BUCKET)
        return [each["Key"] for each in found.get("Contents", [])]

    @contextmanager
    def asking_for_keys(self) -> Iterator[None]:
        """It refuses what is signed with a wrong key, as others always do."""
        self._count_of_unasked("0")
        try:
            yield
        finally:
            self._count_of_unasked("inf")

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It takes connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _count_of_unasked(self, count: str) -> None:
        requests.post(f"{self.url}/moto-api/reset-auth", data=count, timeout=10).raise_for_status()


@contextmanager
def bucket_server() -> Iterator[BucketServer]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    server = BucketServer(f"http://127.0.0.1:{port}", "nobody", "yet", process)
    try:
        wait_until(lambda: _answers(server.url), "the server of buckets answers")
        accounts = server.client("iam")
        accounts.create_user(UserName="front-door")
        accounts.put_user_policy(UserName="front-door", PolicyName="files", PolicyDocument=json.dumps(MAY))
        made = accounts.create_access_key(UserName="front-door")["AccessKey"]
        server.key_id, server.key = made["AccessKeyId"], made["SecretAccessKey"]
        server.make_bucket()
        yield server
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/moto-api/data.json", timeout=5).ok
    except requests.ConnectionError:
        return False
