"""What an action does beside its move: collected while it goes, and written at its end, each kind in one statement."""

from dataclasses import dataclass, field

from casework.messages import outbox
from casework.models import AuditEvent, Clock, OutboxMessage
from casework.record import audit


@dataclass(frozen=True)
class Effects:
    """The clocks that start, the entries in the audit, and the messages."""

    clocks: list[Clock] = field(default_factory=list)
    entries: list[AuditEvent] = field(default_factory=list)
    messages: list[OutboxMessage] = field(default_factory=list)

    def write(self) -> None:
        Clock.objects.bulk_create(self.clocks)
        audit.record_all(self.entries)
        outbox.write(self.messages)
