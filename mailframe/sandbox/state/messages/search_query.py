"""What a search of messages asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from mailframe.sandbox.state.messages.head_text import has_text

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_STREAM: Final = "outbound"  # D: a search without a stream searches this one only
MAX_NS: Final = 2**63 - 1
MANY: Final = "\0"
"""For a key with many values in one pack, which is then read to search for one of them."""
_SEARCHED: Final = (
    "server = ? and stream = ? and first < ? and first + count > ? and accepted_ns between ? and ?"
)
_WITH_METADATA: Final = (
    " and first in (select pack from pack_metadata"
    " where server = ? and stream = ? and key = ? and value in (?, ?)) and instr(heads, ?)"
)


class Filter(NamedTuple):
    """A condition on some fields of a message.

    Attributes:
        fields: the names of the fields.
        text: what each match has in one of them, ignoring case.
        is_match: whether the head of a message, of which it reads only those fields, is a match.
    """

    fields: tuple[str, ...]
    text: str
    is_match: Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """The parameters of one search.

    Attributes:
        count: the number of messages on the page, 1 to 500.
        offset: the number of messages before the page.
        stream: the id of the stream that is searched.
        metadata: the key in lower case, and the value; None for any.
        filters: the further conditions for the head of a message.
        since_ns: the first time of acceptance, in nanoseconds since 1970.
        until_ns: the last one.
        is_queued: whether the messages wait to be sent; None is any.
    """

    count: int
    offset: int
    stream: str = DEFAULT_STREAM
    metadata: tuple[str, str] | None = None
    filters: tuple[Filter, ...] = ()
    since_ns: int = 0
    until_ns: int = MAX_NS
    is_queued: bool | None = None

    @property
    def fields(self) -> set[str]:
        """The names of the fields that ``matches`` reads."""
        names = {name for one in self.filters for name in one.fields}
        return names if self.metadata is None else names | {"Metadata"}

    def conditions(
        self, server: int, *, oldest: int, until: int, now_ns: int
    ) -> tuple[str, list[Any]]:
        """The condition of SQL on a pack that may have a match, and its values.

        Args:
            server: the ID of the server.
            oldest: the first position that is searched.
            until: the first position that is not searched.
            now_ns: the time, to tell queued messages from sent ones.
        """
        where = _SEARCHED
        values = [server, self.stream, until, oldest, self.since_ns, self.until_ns]
        if self.metadata is not None:
            key, value = self.metadata
            where += _WITH_METADATA
            values += [server, self.stream, key, value, MANY, orjson.dumps(value)]
        for one in self.filters:
            condition, texts = has_text(one.text, one.fields)
            where += f" and {condition}" if condition else ""
            values += texts
        if self.is_queued is not None:
            where += " and sent_ns > ?" if self.is_queued else " and sent_ns <= ?"
            values.append(now_ns)
        return where, values

    def matches(self, head: dict[str, Any]) -> bool:
        """Whether a message with this *head*, whose stream and time match, is a match."""
        if self.metadata is not None:
            key, value = self.metadata
            fields = head.get("Metadata") or {}
            if not any(name.lower() == key and text == value for name, text in fields.items()):
                return False
        return all(one.is_match(head) for one in self.filters)
