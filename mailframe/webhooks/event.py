"""One event as Postmark posts it: a line of JSON, and what identifies it. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

import orjson

_BOUNCE: Final = ("ID", "MessageID", "Email", "BouncedAt")
_IDENTIFIED_BY: Final = {
    "Delivery": ("MessageID", "Recipient", "DeliveredAt"),
    "Bounce": _BOUNCE,
    "SpamComplaint": _BOUNCE,
}
"""The fields by which Postmark says that a repeated post is recognized (delivery-webhook,
bounce-webhook); for the other kinds it says nothing, so all fields count."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        kind: its ``RecordType``.
        fields: the JSON object.
        identity: 16 bytes that two posts of the same event have in common.
    """

    kind: str
    fields: dict[str, Any]
    identity: bytes


def event_of(text: bytes) -> Event | None:
    """The event of a JSON object with a ``RecordType``, also of a kind that is new; else None.

    >>> event_of(b'{"RecordType": "Open", "MessageID": "7"}').kind
    'Open'
    >>> event_of(b'{"MessageID": "7"}'), event_of(b'{"RecordType": "Op')
    (None, None)
    """
    try:
        fields = _loaded(text)
        kind = fields.get("RecordType") if isinstance(fields, dict) else None
        return Event(kind, fields, _identity(kind, fields)) if kind and _is_text(kind) else None
    except (ValueError, RecursionError):  # also of a text that is nested too deep
        return None


def line_of(text: bytes) -> bytes:
    r"""The JSON object on one line, with its end: a raw line break is never part of a value.

    >>> line_of(b'{"RecordType":\r\n "Open"}\n')
    b'{"RecordType":   "Open"}\n'
    """
    return text.strip().replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def _loaded(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text.decode())  # half of a pair of surrogates, as of a text that was cut


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _identity(kind: object, fields: dict[str, Any]) -> bytes:
    values = [fields.get(name) for name in _IDENTIFIED_BY.get(str(kind), ())]
    # the test of a new webhook has an ID of 0
    what = [kind, *values] if values and all(values) else fields
    try:
        text = orjson.dumps(what, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half of a pair of surrogates, or a number of more than 64 bits
        text = json.dumps(what, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=16).digest()
