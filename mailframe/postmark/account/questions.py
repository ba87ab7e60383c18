"""A question to Postmark, repeated while it is busy; its errors name the path and the rule."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import AccountError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailframe.postmark.client import Postmark
    from mailframe.postmark.replies import GetResult

BUSY_TRIES: Final = 6
TRIES: Final = 3
"""After another failure than 429 and 503."""
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 60.0
"""A longer ``Retry-After`` ends the question."""
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_GATEWAYS: Final = frozenset(
    {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
)
_ADVICE: Final[Mapping[int, str]] = {
    10: "check the server token",
    12: "nothing has this ID on this server",
    701: "no message of the last 45 days has this ID",
    1001: "no bounce has this ID",
    1003: "a bounce of this type cannot be activated",
    1226: "server.streams() lists the streams",
    1235: "server.streams() lists the streams",
}
"""By ErrorCode (postmarkapp.com/developer/api/overview)."""


def answer_of(ask: Callable[[], GetResult], *, what: str) -> GetResult:
    """The result of a question that can be repeated without harm.

    It is repeated after 429, 5xx and errors of the network, with growing waits.

    Args:
        ask: asks once.
        what: the method and the path, for the error.

    Raises:
        AccountError: there was no answer, or it is a refusal.
    """
    result, tries = ask(), 1
    while (wait_s := _wait_s(result, tries)) is not None:
        time.sleep(wait_s)
        result, tries = ask(), tries + 1
    if result.status == HTTPStatus.OK and not result.failure:
        return result
    raise _error(result, what=what)


def object_of(
    server: Postmark, path: str, query: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The JSON object that a GET of *path* answers.

    Raises:
        AccountError: there was no such answer.
    """
    result = answer_of(lambda: server.ask(path, query), what=f"GET {path}")
    if result.object is None:
        raise AccountError(f"GET {path}: the answer is not a JSON object", status=result.status)
    return result.object


def items_of(value: Mapping[str, Any], name: str, *, what: str) -> list[dict[str, Any]]:
    """The objects of the list *name* in an answer.

    Raises:
        AccountError: there is no such list.
    """
    items = value.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise AccountError(f"{what}: the answer has no list of {name}")
    return items


def _wait_s(result: GetResult, tries: int) -> float | None:
    """Seconds until the next try; None to end."""
    is_busy = result.status in _BUSY
    is_passing = is_busy or result.status in _GATEWAYS or bool(result.failure)
    if not is_passing or tries == (BUSY_TRIES if is_busy else TRIES):
        return None
    if result.retry_after_s is not None:
        return result.retry_after_s if result.retry_after_s <= LONGEST_WAIT_S else None
    return FIRST_WAIT_S * 2.0 ** (tries - 1)


def _error(result: GetResult, *, what: str) -> AccountError:
    code = result.error_code
    text = f"{what}: no answer ({result.reason})" if result.failure else f"{what}: {result.reason}"
    if code is not None:
        text = f"{what}: ErrorCode {code}: {result.message.rstrip('.')}"
    advice = _ADVICE.get(code or 0)
    if advice is None and result.status in _BUSY:
        advice = "Postmark is busy; run the cell again later"
    return AccountError(
        f"{text}; {advice}" if advice else text, status=result.status, error_code=code
    )
