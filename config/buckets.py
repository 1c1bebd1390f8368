"""Files in a bucket of an S3-compatible service. Only this service reads them: nobody gets a link to the bucket."""

from typing import Any

from boto3.s3.transfer import TransferConfig
from storages.backends.s3 import S3Storage


class Bucket(S3Storage):
    """Sends and fetches one part of a file after the other: several at once would each take its memory."""

    def get_default_settings(self) -> dict[str, Any]:
        one_by_one = TransferConfig(use_threads=False, multipart_chunksize=5 * 1024 * 1024)
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | {"transfer_config": one_by_one}

    def url(self, *args: Any, **kwargs: Any) -> str:
        raise NotImplementedError("Files go out through the service, which asks who may read them.")
