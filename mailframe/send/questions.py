"""Questions to Postmark before a send: they change nothing there, so they are repeated."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from mailframe.postmark.search import SearchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.send.retry_policy import RetryPolicy

T = TypeVar("T")


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
        SearchError: the last try failed, the token is wrong, or there was an interrupt.
    """
    for tries in range(1, policy.reach_tries):
        try:
            return question()
        except SearchError as error:
            if error.status == HTTPStatus.UNAUTHORIZED or is_stopped():
                raise
        wait(policy.pause_s(tries))
    return question()
