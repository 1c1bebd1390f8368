"""The clocks, audit events and messages of an action: collected on the way and stored at its end."""

from dataclasses import dataclass, field

from casework.messages import outbox
from casework.models import AuditEvent, Clock, OutboxMessage
from casework.models.inserting import insert_all
from casework.record import audit


@dataclass(frozen=True)
class Effects:
    """The clocks to start, the audit events and the messages. `write` stores each kind in one statement."""

    clocks: list[Clock] = field(default_factory=list)
    entries: list[AuditEvent] = field(default_factory=list)
    messages: list[OutboxMessage] = field(default_factory=list)

    def write(self) -> None:
        insert_all(self.clocks)
        audit.record_all(self.entries)
        outbox.write(self.messages)
