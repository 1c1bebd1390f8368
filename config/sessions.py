"""Sessions in the database, as Django keeps them. Each request reads one, by a statement that is planned once."""

from typing import Any

from django.contrib.sessions.backends import db
from django.utils import timezone

from casework.models.prepared import Prepared, send

FIND = Prepared(
    "find_session", "SELECT session_data FROM django_session WHERE session_key = %(key)s AND expire_date > %(now)s"
)


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, Any]:
        (found,) = send(FIND(key=self.session_key, now=timezone.now()))
        for (data,) in found:
            return dict(self.decode(data))
        # As Django does: whoever saves it gets a key that nobody chose for them.
        self._session_key = None
        return {}
