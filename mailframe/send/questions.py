"""Questions to Postmark before a send: they change nothing there, so they are repeated."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from mailframe.errors import SearchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.send.retry_policy import RetryPolicy

T = TypeVar("T")
_REFUSED: Final = 4
"""The hundreds of an HTTP status that refuses."""
_ONCE_MORE: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
"""The 4xx that may pass."""


def answer_to(
    question: Callable[[], T],
    policy: RetryPolicy,
    *,
    is_stopped: Callable[[], bool] = lambda: False,
    wait: Callable[[float], None] = time.sleep,
) -> T:
    """The answer to a question, which is asked again if it fails.

    Args:
        question: asks once.
        policy: how often, and how long to wait in between.
        is_stopped: whether the user has interrupted the run.
        wait: waits so many seconds.

    Raises:
        SearchError: the last try failed, Postmark refused the question, or there was an interrupt.
    """
    for tries in range(1, policy.reach_tries):
        try:
            return question()
        except SearchError as error:
            if is_refusal(error.status) or is_stopped():
                raise
        wait(policy.pause_s(tries))
    return question()


def is_refusal(status: int | None) -> bool:
    """Whether an HTTP status is a refusal, which a repetition would not change.

    >>> [status for status in (None, 200, 401, 404, 429, 500, 503) if is_refusal(status)]
    [401, 404]
    """
    return status is not None and status // 100 == _REFUSED and status not in _ONCE_MORE
