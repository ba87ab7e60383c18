"""What every endpoint checks first: the token (401), the headers (415), the size (413)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.account import TEST_TOKEN
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request

# D: 10 and 50 MB. A megabyte is 2**20 bytes: Postmark named 10485760 for attachments (O 2022).
MAX_SINGLE_BYTES: Final = 10 * 2**20
MAX_BATCH_BYTES: Final = 50 * 2**20
JSON: Final = "application/json"
JSON_RANGES: Final = frozenset({JSON, "application/*", "*/*"})


def server_of(request: Request, store: Store, *, max_bytes: int = MAX_SINGLE_BYTES) -> int:
    """The ID of the server of the token, for every endpoint but those that send.

    The test token gets 401; this is an assumption: it has no server and stores nothing.

    Raises:
        CheckFailed: 401 / 10, 415 / 409 or 413 / 300.
    """
    server = sending_server_of(request, store)
    if server is None:
        raise CheckFailed(10, texts.WRONG_CREDENTIALS, http_status=401)
    check_request(request, max_bytes)
    return server


def sending_server_of(request: Request, store: Store) -> int | None:
    """The ID of the server of the token; None for the test token.

    Raises:
        CheckFailed: 401 / 10 without a token, or with a wrong one.
    """
    token = request.headers.get("x-postmark-server-token")
    if token is None and "x-postmark-account-token" not in request.headers:
        raise CheckFailed(10, texts.NO_CREDENTIALS, http_status=401)
    given = (token or "").strip().lower()
    if given == TEST_TOKEN.lower():
        return None
    server = store.server_of(given)
    if server is None:
        raise CheckFailed(10, texts.WRONG_CREDENTIALS, http_status=401)
    return server


def check_account(request: Request, store: Store) -> None:
    """Check the account token, for the endpoints of the whole account.

    Raises:
        CheckFailed: 401 / 10, 415 / 409 or 413 / 300.
    """
    token = request.headers.get("x-postmark-account-token")
    if token is None and "x-postmark-server-token" not in request.headers:
        raise CheckFailed(10, texts.NO_CREDENTIALS, http_status=401)
    given, valid = (token or "").strip().lower(), store.account.account_tokens
    if not given or (valid is not None and given not in valid):
        raise CheckFailed(10, texts.NO_VALID_ACCOUNT, http_status=401)
    check_request(request, MAX_SINGLE_BYTES)


def check_request(request: Request, max_bytes: int) -> None:
    """Check the headers and the size; a request without a body needs no Content-Type.

    Accept can be a range that includes JSON, as curl and ``fetch`` send it (O: code that runs in
    production sends no other). Without one of both headers, the answer is 415 (D).

    The answer to a body that is too large has ErrorCode 300, because 413 means something else.

    Raises:
        CheckFailed: 415 / 409 or 413 / 300.
    """
    _check_names_json(request, "accept", JSON_RANGES)
    if request.body:
        _check_names_json(request, "content-type", {JSON})
    if len(request.body) > max_bytes:
        text = texts.TOO_LARGE.format(limit_mb=max_bytes // 2**20)
        raise CheckFailed(300, text, http_status=413)


def _check_names_json(request: Request, header: str, kinds: AbstractSet[str]) -> None:
    """415 unless the header names one of *kinds*."""
    given = {
        part.partition(";")[0].strip().lower()
        for part in request.headers.get(header, "").split(",")
    }
    if given.isdisjoint(kinds):
        raise CheckFailed(409, texts.NO_JSON_HEADERS, http_status=415)
