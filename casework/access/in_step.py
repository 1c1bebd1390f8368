"""
When answers leave: at whole steps of time, so that how long one took does not tell what was found.

To look at the history of a known family takes longer than to find that there is none, and to hide an address longer
still; to write somebody an e-mail takes longer than to find nobody. See docs/adr/0008-what-partners-may-learn.md.
"""

import time

from django.conf import settings


def wait_for_step(began: float) -> None:
    """
    Waits until `API_ANSWER_STEP_MS` after the request came, or a multiple of it. Call it when the transaction has
    ended: nobody waits for its locks meanwhile.

    :param began: when the request came, by `time.monotonic`.
    """
    if wait := until_next_step(time.monotonic() - began, settings.API_ANSWER_STEP_MS / 1000):
        time.sleep(wait)


def until_next_step(taken: float, step: float) -> float:
    """
    How many seconds an answer waits.

    :param taken: seconds since the request came.
    :param step: seconds; 0 for none.
    """
    return -taken % step if step else 0.0
