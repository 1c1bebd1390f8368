"""
E-mail by GOV.UK Notify, for councils that use it: NOTIFY_API_KEY chooses it in place of a mail server.

The template at Notify has two placeholders and nothing else: `((subject))` as its subject, `((body))` as its text.
"""

from collections.abc import Iterable
from contextlib import closing

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient

# Notify accepted the message and could not deliver it. By its own documentation, the caller must send it again.
NOT_SENT = "technical-failure"


class NotifyError(Exception):
    """Notify did not accept a message. The class says why: Notify's own text may quote an address."""


class NotifyRefused(NotifyError):
    """The key, the template or the address is wrong."""


class NotifyBusy(NotifyError):
    """Too many messages in a minute or a day."""


class NotifyAway(NotifyError):
    """Notify does not answer, or answers with an error of its own."""


class EmailBackend(BaseEmailBackend):
    """
    Sends each message once, even when an earlier attempt ended before its success was recorded.

    Notify itself sends a message twice when it gets it twice. So each message's Idempotency-Key is its reference at
    Notify, and before it sends a message this back end asks Notify whether that reference is there already.
    """

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """
        :param email_messages: each to one address.
        :raises NotifyError: for the first message that Notify did not accept.
        """
        client = NotificationsAPIClient(
            settings.NOTIFY_API_KEY, base_url=settings.NOTIFY_BASE_URL, timeout=settings.EMAIL_TIMEOUT
        )
        sent = 0
        with closing(client.request_session):
            for message in email_messages:
                try:
                    _send(client, message)
                except APIError as error:
                    if not self.fail_silently:
                        raise _as_notify_error(error) from error
                else:
                    sent += 1
        return sent


def _send(client: NotificationsAPIClient, message: EmailMessage) -> None:
    (address,) = message.recipients()
    reference = message.extra_headers.get("Idempotency-Key")
    if reference is not None and _was_sent(client, reference):
        return
    client.send_email_notification(
        email_address=address,
        template_id=settings.NOTIFY_TEMPLATE_ID,
        personalisation={"subject": message.subject, "body": message.body},
        reference=reference,
    )


def _was_sent(client: NotificationsAPIClient, reference: str) -> bool:
    notifications = client.get_all_notifications(reference=reference)["notifications"]
    return any(notification["status"] != NOT_SENT for notification in notifications)


def _as_notify_error(error: APIError) -> NotifyError:
    # When there is no answer, the client gives the status 503.
    status = error.status_code
    if status == 429:
        return NotifyBusy(f"Notify says {status}.")
    if 400 <= status < 500:
        return NotifyRefused(f"Notify says {status}.")
    return NotifyAway(f"Notify says {status}.")
