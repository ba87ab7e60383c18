"""What a server is asked before a send: its streams, and who is suppressed in them."""

from __future__ import annotations

from email.utils import getaddresses
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np

from mailframe.errors import StreamRefused
from mailframe.letter.suggestions import listed
from mailframe.message.address_errors import AddressError
from mailframe.message.addresses import plain_addresses, read_mailbox
from mailframe.message.digests import HALF_BYTES, are_among, digest
from mailframe.message.message import Message
from mailframe.postmark.search import no_answer
from mailframe.send.states import NO_RESULTS_YET

if TYPE_CHECKING:
    from typing import TypeAlias

    from mailframe.errors import SearchError
    from mailframe.message.preflight import Mask, Preflight
    from mailframe.postmark.replies import GetResult
    from mailframe.postmark.search import InterruptibleServer
    from mailframe.send.sendable import Sendable

    Heads: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint64]]"

DEFAULT_STREAM: Final = "outbound"
"""The stream of a message that names none (postmarkapp.com/developer/api/email-api)."""
_GO_ON: Final = "send(check_suppressed=False) sends without this question; nothing was sent"
_NOBODY: Final = np.zeros(0, dtype="<u8")
_ITEMS: Final = 5_000
"""Suppressions that are compared at once."""


def suppressed_rows(
    server: InterruptibleServer, composed: Sendable, preflight: Preflight, *, live: bool
) -> Mask:
    """The rows whose message Postmark would reject, because its recipients are suppressed.

    Args:
        server: the server to ask.
        composed: the campaign.
        preflight: the check of the rows that would be sent.
        live: the value of *live* in the check.

    Returns:
        One per row. A message to several people counts if all of its recipients in To are
        suppressed.

    Raises:
        SearchError: a question failed.
        StreamRefused: a stream does not exist, is archived, or is an inbound stream.
    """
    streams = _usable_streams(server, composed, preflight, live=live)
    heads = preflight.people.halves()[:, 0]
    among = None if composed.has_many_recipients else np.sort(heads[preflight.sound])
    suppressed = {stream: _suppressed(server, stream, among=among) for stream in streams}
    rows = np.zeros(len(heads), dtype=bool)
    for people in suppressed.values():
        rows |= preflight.sound & are_among(heads, people)
    if len(streams) <= 1 and not composed.has_many_recipients:
        return rows
    return _by_message(composed, preflight, rows, suppressed, live=live)


def _usable_streams(
    server: InterruptibleServer, composed: Sendable, preflight: Preflight, *, live: bool
) -> list[str]:
    """The streams of the messages; those of rows that are left out stop nothing.

    Raises:
        StreamRefused: a message has one that takes no messages.
    """
    of_server = _streams_of_server(server)
    faults = {one: fault for one in preflight.streams if (fault := _fault_in(of_server, one))}
    if faults and np.any(preflight.left_out):
        rows = composed.messages(preflight, live=live, wanted=preflight.sound)
        used = {_stream_of(item) for item in rows if isinstance(item, Message)}
        refused = [stream for stream in faults if stream in used]
    else:
        refused = list(faults)
    for stream in refused:
        raise StreamRefused(
            f"the message stream {stream!r} {faults[stream]}; set message_stream of the letter. "
            "Nothing was sent",
            results=NO_RESULTS_YET,
        )
    return [stream for stream in preflight.streams if stream not in faults]


def _streams_of_server(server: InterruptibleServer) -> dict[str, dict[str, Any]]:
    query = {"MessageStreamType": "All", "IncludeArchivedStreams": "true"}
    result = server.ask("/message-streams", query)
    items = None if result.object is None else result.object.get("MessageStreams")
    if not isinstance(items, list):
        raise _failed("the streams of the server", "/message-streams", result)
    return {str(item.get("ID")): item for item in items if isinstance(item, dict)}


def _fault_in(of_server: dict[str, dict[str, Any]], stream: str) -> str:
    """Why a stream takes no messages; empty if it does."""
    if stream in of_server:
        return _fault_of(of_server[stream])
    usable = [name for name, one in of_server.items() if not _fault_of(one)]
    return f"does not exist on this server, which has {listed(usable) or 'none'}"


def _stream_of(message: Message) -> str:
    return str(message.payload.get("MessageStream") or DEFAULT_STREAM)


def _fault_of(stream: dict[str, Any]) -> str:
    """Why a stream takes no messages; empty if it does."""
    if stream.get("ArchivedAt"):
        return "is archived"
    return "is an inbound stream" if stream.get("MessageStreamType") == "Inbound" else ""


def _suppressed(server: InterruptibleServer, stream: str, *, among: Heads | None) -> Heads:
    """The suppressed people of a stream in order, as the first 8 bytes of their digests.

    Args:
        server: the server to ask.
        stream: the stream.
        among: the people of the campaign in order, of whom alone the suppressed are kept, while the
            list arrives; None to keep all, 8 bytes each.
    """
    parts, waiting = [_NOBODY], list[str]()

    def look_up() -> None:
        digests = [digest(_identity(address)) for address in waiting]
        heads = np.frombuffer(b"".join(digests), dtype="<u8")[::2]
        parts.append(heads.copy() if among is None else heads[are_among(heads, among)])
        waiting.clear()

    def take(item: dict[str, Any]) -> None:
        waiting.append(str(item.get("EmailAddress")))
        if len(waiting) == _ITEMS:
            look_up()

    path = f"/message-streams/{quote(stream, safe='')}/suppressions/dump"
    result = server.each(path, {}, name="Suppressions", take=take)
    if result.failure or result.status != HTTPStatus.OK:
        raise _failed(f"who is suppressed in the stream {stream!r}", path, result)
    look_up()
    people = np.concatenate(parts)
    people.sort()
    return people


def _by_message(
    composed: Sendable,
    preflight: Preflight,
    rows: Mask,
    suppressed: dict[str, Heads],
    *,
    live: bool,
) -> Mask:
    """Those of the rows whose message has a stream that suppresses all of its recipients."""
    left = np.zeros(len(rows), dtype=bool)
    for item in composed.messages(preflight, live=live, wanted=rows):
        if isinstance(item, Message):
            pairs = getaddresses([str(item.payload.get("To") or "")])
            people = np.array([_head(address) for _, address in pairs], dtype="<u8")
            left[item.position] = are_among(people, suppressed[_stream_of(item)]).all()
    return left


def _head(address: str) -> int:
    return int.from_bytes(digest(_identity(address))[:HALF_BYTES], "little")


def _identity(address: str) -> str:
    """As the identity of a recipient; Postmark's text if it is no such address."""
    plain = plain_addresses([address])[0]
    if plain:
        return plain.lower()
    try:
        return read_mailbox(address).identity
    except AddressError:
        return address.strip().lower()


def _failed(what: str, path: str, result: GetResult) -> SearchError:
    return no_answer(f"Postmark did not say {what} (GET {path}: {result.reason}). {_GO_ON}", result)
