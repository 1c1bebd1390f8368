"""
E-mail by GOV.UK Notify, for councils that use it: chosen by NOTIFY_API_KEY in place of a mail server.

The template there has two placeholders and nothing else: `((subject))` as its subject, `((body))` as its text.
"""

from collections.abc import Iterable
from contextlib import closing

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient

# Notify took the message and then could not hand it on: it says itself that one must send it again.
WAS_NOT_SENT = "technical-failure"


class NotifyError(Exception):
    """Notify did not take a message. The class says which way: its own words may quote an address."""


class NotifyRefused(NotifyError):
    """The key, the template or the address is wrong."""


class NotifyBusy(NotifyError):
    """Too many messages in a minute or a day."""


class NotifyAway(NotifyError):
    """Notify does not answer, or not as it should."""


class EmailBackend(BaseEmailBackend):
    """
    Sends each message once, whatever happened to an earlier try.

    Notify takes the same message twice and sends it twice. A message's Idempotency-Key is its reference there, and
    before a message is sent Notify is asked for it: one that is there already went out, and nobody wrote that down.
    """

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """
        :param email_messages: each to one address.
        :raises NotifyError: for the first that was not taken.
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
                        raise _plainly(error) from error
                else:
                    sent += 1
        return sent


def _send(client: NotificationsAPIClient, message: EmailMessage) -> None:
    (address,) = message.recipients()
    reference = message.extra_headers.get("Idempotency-Key")
    if reference is not None and _went(client, reference):
        return
    client.send_email_notification(
        email_address=address,
        template_id=settings.NOTIFY_TEMPLATE_ID,
        personalisation={"subject": message.subject, "body": message.body},
        reference=reference,
    )


def _went(client: NotificationsAPIClient, reference: str) -> bool:
    known = client.get_all_notifications(reference=reference)["notifications"]
    return any(each["status"] != WAS_NOT_SENT for each in known)


def _plainly(error: APIError) -> NotifyError:
    # Without an answer the client says 503.
    status = error.status_code
    if status == 429:
        return NotifyBusy(f"Notify says {status}.")
    if 400 <= status < 500:
        return NotifyRefused(f"Notify says {status}.")
    return NotifyAway(f"Notify says {status}.")
