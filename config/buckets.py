"""Files in a bucket of an S3-compatible service. Only this service reads them: nobody gets a link to the bucket."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from storages.backends.s3 import S3Storage

# Somebody waits at a page: two tries are over in less than half a minute.
SERVER_IS_THERE, SERVER_ANSWERS, TRIES = 3, 10, 2
# What a service says in a word of its own, and to a HEAD in a number, as what to do.
SAYS = {
    "NoSuchBucket": "There is no such bucket. Make it, or correct FILES_S3_BUCKET.",
    "InvalidAccessKeyId": "The bucket's service does not know FILES_S3_ACCESS_KEY_ID.",
    "SignatureDoesNotMatch": "FILES_S3_SECRET_ACCESS_KEY is wrong.",
    "AccessDenied": "The key may not do this in the bucket.",
    "403": "The bucket's service does not know the key, or the key may not do this in the bucket.",
}
IS_PUBLIC = "Anybody can read the files in the bucket. Block public access to it."


class BucketError(OSError):
    """The bucket did not do what it was asked. It names no file and no key."""


class Bucket(S3Storage):
    """
    Sends and fetches one part of a file after the other: several at once would each take its memory. A file is fetched
    when it is opened, to the disk: whoever reads it then gets all of it.

    :raises BucketError: the bucket's service is away, or refuses.
    """

    def get_default_settings(self) -> dict[str, Any]:
        one_by_one = TransferConfig(use_threads=False, multipart_chunksize=5 * 1024 * 1024)
        config = Config(
            connect_timeout=SERVER_IS_THERE, read_timeout=SERVER_ANSWERS,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            # Checksums that boto3 adds by itself, and that services other than Amazon's may refuse. The row has one.
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
        )  # fmt: skip
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | {"transfer_config": one_by_one, "client_config": config}

    def url(self, *args: Any, **kwargs: Any) -> str:
        raise NotImplementedError("Files go out through the service, which asks who may read them.")

    def exists(self, name: str) -> bool:
        with _in_our_words():
            return bool(super().exists(name))

    def delete(self, name: str) -> None:
        with _in_our_words():
            super().delete(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with _in_our_words():
            folders, files = super().listdir(path)
            return folders, files

    def get_modified_time(self, name: str) -> datetime:
        with _in_our_words():
            at: datetime = super().get_modified_time(name)
            return at

    def faults(self) -> list[str]:
        """Stores a file, reads it, asks for it as a stranger would, and deletes it. What went wrong, as sentences."""
        name = f"check/{secrets.token_hex(16)}"
        try:
            self.save(name, ContentFile(b"A file of a check."))
            try:
                self.open(name).close()
                self.listdir("check")
                return [IS_PUBLIC] if self._strangers_read(name) else []
            finally:
                self.delete(name)
        except OSError as error:
            return [f"Files cannot be kept in the bucket. {error}"]

    def _strangers_read(self, name: str) -> bool:
        try:
            self.unsigned_connection.meta.client.head_object(Bucket=self.bucket_name, Key=name)
        except (BotoCoreError, ClientError):
            return False
        return True

    def _open(self, name: str, mode: str = "rb") -> Any:
        with _in_our_words():
            try:
                content = super()._open(name, mode)
            except FileNotFoundError:
                # It says the same where there is no bucket.
                self.connection.meta.client.list_objects_v2(Bucket=self.bucket_name, MaxKeys=1)
                raise
            if "r" in mode:
                content.open()
            return content

    def _save(self, name: str, content: Any) -> str:
        with _in_our_words():
            return str(super()._save(name, content))


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise BucketError(SAYS.get(code, f"The bucket's service refuses: {code or 'without a reason'}.")) from error
    except (BotoCoreError, Boto3Error) as error:
        # Their own words have the address with the file's key in it.
        raise BucketError(f"The bucket's service does not answer: {type(error).__name__}.") from error
