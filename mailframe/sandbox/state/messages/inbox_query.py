"""What a person writes into the search field: words, and terms such as ``tag:welcome``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mailframe.sandbox.state.messages.head_text import has_text
from mailframe.sandbox.state.messages.message_ids import position_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailframe.sandbox.state.messages.stored_message import StoredMessage

_Condition: TypeAlias = tuple[str, tuple[Any, ...]]
"""A condition of SQL on a pack, and its values; empty if there is none."""
Facts: TypeAlias = "Callable[[StoredMessage], frozenset[str]]"
"""What is true of a message beside what was posted: its statuses, and ``read`` or ``unread``."""

CONTAINED: Final = {"to": "To", "from": "From", "cc": "Cc", "bcc": "Bcc", "subject": "Subject"}
"""Fields of which a part is enough."""
FIELDS: Final = (*CONTAINED, "tag", "stream", "status", "id", "request", "body")
STATUSES: Final = (
    "queued",
    "sent",
    "delivered",
    "opened",
    "clicked",
    "bounced",
    "complained",
    "unsubscribed",
)
STATES: Final = {"is": ("read", "unread"), "has": ("attachment",), "status": STATUSES}
_RECORDED: Final = {
    "opened": "Open",
    "clicked": "Click",
    "bounced": "Bounce",
    "complained": "SpamComplaint",
    "unsubscribed": "SubscriptionChange",
}
"""The kind of the event that a status follows from; deliveries are not recorded."""
_HAS_EVENT: Final = (
    "exists (select 1 from events where kind = ?"
    " and position between packs.first and packs.first + packs.count - 1)"
)
_HAS_MARK: Final = (
    "exists (select 1 from read_marks"
    " where position between packs.first and packs.first + packs.count - 1)"
)
_HAS_POSITION: Final = "? between first and first + count - 1"
_HAS_FILES: Final = "instr(heads, ?)"
_HAS_KEY: Final = "exists (select 1 from pack_metadata where pack = packs.first and key = ?)"
_WORDS: Final = ("To", "From", "Cc", "Bcc", "Subject", "Tag")
"""Where a word may stand."""
DATES: Final = ("after", "before")
MAX_TERMS: Final = 20
MAX_QUERY: Final = 2_500
"""Characters; a tag can have 1,000."""
_QUOTED: Final = r'(?:[^"\\]|\\.)*'
_TERM: Final = re.compile(
    rf'(?P<not>-?)(?:(?P<field>[A-Za-z]+(?:\.(?:"{_QUOTED}"|[^\s":]+))?):)?'
    rf'(?:"(?P<quoted>{_QUOTED})(?P<end>"?)|(?P<plain>[^\s"]*))',
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r'\\(["\\])')
_LIKE_A_FIELD: Final = re.compile(r"[A-Za-z]+(?:\.[^\s:]+)?:(?=[^\s/])")
_DATE: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", re.ASCII)


class QueryError(ValueError):
    """A term that cannot be searched for; the text says what to write."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; a message matches a query if it matches all of its terms.

    Attributes:
        field: a name of FIELDS, STATES or DATES, or ``metadata``; empty for a word, which may stand
            in an address, the subject, the tag or the snippet.
        value: what is searched for.
        key: the key of ``metadata``.
        is_excluded: whether only messages match that do not meet the condition.
    """

    field: str
    value: str
    key: str = ""
    is_excluded: bool = False


def parse(query: str) -> tuple[Term, ...]:
    """The terms of a query; an empty query has none.

    Raises:
        QueryError: a term has an unknown state or no date, or there are too many terms.

    >>> parse('ann -tag:welcome metadata.batch:7 "two words"')  # doctest: +NORMALIZE_WHITESPACE
    (Term(field='', value='ann', key='', is_excluded=False),
     Term(field='tag', value='welcome', key='', is_excluded=True),
     Term(field='metadata', value='7', key='batch', is_excluded=False),
     Term(field='', value='two words', key='', is_excluded=False))
    >>> parse("https://a.example")[0].value
    'https://a.example'
    """
    if len(query) > MAX_QUERY:
        raise QueryError(f"a search has at most {MAX_QUERY} characters")
    terms, at = [], 0
    while at < len(query):
        if query[at].isspace():
            at += 1
            continue
        match = _TERM.match(query, at)
        if match and match["end"] == "":
            raise QueryError(
                'a quote has no end; write "two words", and \\" for a quotation mark in quotes'
            )
        at = match.end() if match and match.end() > at else at + 1
        term = _term(match) if match else None
        if term is not None:
            terms.append(term)
    if len(terms) > MAX_TERMS:
        raise QueryError(f"a search has at most {MAX_TERMS} terms")
    return tuple(terms)


def _term(match: re.Match[str]) -> Term | None:
    """The term; None for one without a value."""
    field, dot, key = (match["field"] or "").partition(".")
    value = match["plain"] if match["quoted"] is None else _unescaped(match["quoted"])
    is_excluded, name = bool(match["not"]), field.lower()
    if name == "metadata" and dot:
        key = _unescaped(key[1:-1]) if key.startswith('"') else key
        return Term(name, value, key, is_excluded)
    if dot or name not in (*FIELDS, *STATES, *DATES):
        word = f"{match['field']}:{value}" if field else value
        is_id = position_of(word.lower()) is not None
        return Term("id" if is_id else "", word, "", is_excluded) if word else None
    if not value:
        return None
    if name in STATES and value.lower() not in STATES[name]:
        *others, last = STATES[name]
        words = f"{', '.join(others)} or {last}" if others else last
        raise QueryError(f"{name}: takes {words}; found {value!r}")
    if name in DATES and not _DATE.fullmatch(value):
        raise QueryError(f"{name}: takes a date such as 2026-11-27; found {value!r}")
    return Term(name, value.lower() if name in STATES else value, "", is_excluded)


def _unescaped(text: str) -> str:
    r"""What stands in quotes; a backslash before another character is itself.

    >>> print(_unescaped(r'a\"b\\c\d'))
    a"b\c\d
    """
    return _ESCAPE.sub(r"\1", text)


def hint_of(terms: Sequence[Term]) -> str:
    """Which word looks like a field but is none; empty without one.

    >>> hint_of(parse("tga:welcome https://a.example")), hint_of(parse("tag:welcome"))
    ('tga: is not a field, so "tga:welcome" is searched for as text', '')
    """
    for term in terms:
        match = _LIKE_A_FIELD.match(term.value) if term.field == "" else None
        if match:
            return f'{match[0]} is not a field, so "{term.value}" is searched for as text'
    return ""


@dataclass(frozen=True, slots=True)
class InboxQuery:
    """A query with what it needs to look at a message.

    Attributes:
        terms: all of these must hold.
        facts: what is true of a message; asked only if a term needs it.
    """

    terms: tuple[Term, ...] = ()
    facts: Facts = lambda _: frozenset()

    @property
    def needs_content(self) -> bool:
        """Whether it reads bodies."""
        return any(term.field == "body" for term in self.terms)

    def conditions(self) -> tuple[list[str], list[Any]]:
        """Conditions of SQL on a pack that may have a match, and their values."""
        pairs = [_condition(term) for term in self.terms if not term.is_excluded]
        return (
            [condition for condition, _ in pairs if condition],
            [value for _, values in pairs for value in values],
        )

    def matches(self, message: StoredMessage) -> bool:
        """Whether all terms hold for *message*."""
        return all(self._holds(term, message) != term.is_excluded for term in self.terms)

    def _holds(self, term: Term, message: StoredMessage) -> bool:
        head, value = message.head, term.value.casefold()
        if term.field == "":
            parts = (head.get(name) or "" for name in _WORDS)
            return any(value in part.casefold() for part in parts)
        if term.field in CONTAINED:
            return value in (head.get(CONTAINED[term.field]) or "").casefold()
        if term.field in ("is", "status"):
            return value in self.facts(message)
        return _OTHERS[term.field](message, value, term.key.casefold())


def _condition(term: Term) -> _Condition:
    """A condition of SQL that every pack with a match of *term* meets; empty if there is none."""
    if term.field in ("", "tag", *CONTAINED):
        return has_text(term.value.removesuffix("*"))
    return _CONDITIONS[term.field](term) if term.field in _CONDITIONS else ("", ())


def _stream_condition(term: Term) -> _Condition:
    is_whole = term.value.isascii() and not term.value.endswith("*")
    return ("stream = ? collate nocase", (term.value,)) if is_whole else ("", ())


def _request_condition(term: Term) -> _Condition:
    is_number = term.value.isascii() and term.value.isdigit()
    return ("request = ?", (int(term.value[:18]),)) if is_number else ("", ())


def _id_condition(term: Term) -> _Condition:
    position = position_of(term.value.lower())
    return ("", ()) if position is None else (_HAS_POSITION, (position,))


def _status_condition(term: Term) -> _Condition:
    return (_HAS_EVENT, (_RECORDED[term.value],)) if term.value in _RECORDED else ("", ())


_CONDITIONS: Final[dict[str, Callable[[Term], _Condition]]] = {
    "stream": _stream_condition,
    "request": _request_condition,
    "id": _id_condition,
    "status": _status_condition,
    "is": lambda term: (_HAS_MARK, ()) if term.value == "read" else ("", ()),
    "has": lambda _: (_HAS_FILES, (b'"Attachments":',)),
    "metadata": lambda term: (_HAS_KEY, (term.key.lower(),)),
    "after": lambda term: ("accepted_ns >= ?", (_start_of(term.value),)),
    "before": lambda term: ("accepted_ns < ?", (_start_of(term.value),)),
}


def _start_of(date: str) -> int:
    """The start of a day, UTC, in nanoseconds since 1970; the last day for one like 30 February."""
    year, month, day = map(int, date.split("-"))
    while day > 1:
        try:
            return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 10**9
        except ValueError:
            day -= 1
    return int(datetime(max(year, 1), month, 1, tzinfo=UTC).timestamp()) * 10**9


def _same(actual: str, wanted: str) -> bool:
    """Whether a text is the wanted one, or begins with it if that ends with ``*``."""
    actual = actual.casefold()
    return actual.startswith(wanted[:-1]) if wanted.endswith("*") else actual == wanted


def _in_metadata(message: StoredMessage, wanted: str, key: str) -> bool:
    values = [value for name, value in message.metadata.items() if name.casefold() == key]
    return any(not wanted or _same(value, wanted) for value in values)


def _in_bodies(message: StoredMessage, wanted: str, _: str) -> bool:
    bodies = (message.content.get(name) or "" for name in ("TextBody", "HtmlBody"))
    return any(wanted in body.casefold() for body in bodies)


_OTHERS: Final[dict[str, Callable[[StoredMessage, str, str], bool]]] = {
    "tag": lambda message, wanted, _: _same(message.head.get("Tag") or "", wanted),
    "stream": lambda message, wanted, _: _same(message.stream, wanted),
    "id": lambda message, wanted, _: message.message_id.startswith(wanted),
    "request": lambda message, wanted, _: str(message.request) == wanted,
    "has": lambda message, *_: bool(message.head.get("Attachments")),
    "after": lambda message, wanted, _: message.accepted_ns >= _start_of(wanted),
    "before": lambda message, wanted, _: message.accepted_ns < _start_of(wanted),
    "metadata": _in_metadata,
    "body": _in_bodies,
}


_NOT_IN_KEY: Final = re.compile(r'[\s":]')
_NOT_IN_WORD: Final = re.compile(r'[\s"]')


def term_text(field: str, value: str) -> str:
    r"""The term as a person would write it.

    >>> term_text("tag", "two words"), term_text("to", "ann@example.com")
    ('tag:"two words"', 'to:ann@example.com')
    >>> print(term_text("metadata.Batch Key", '7"'))
    metadata."Batch Key":"7\""
    """
    field, dot, key = field.partition(".")
    return f"{field}{dot}{_quoted(key, _NOT_IN_KEY) if dot else ''}:{_quoted(value, _NOT_IN_WORD)}"


def _quoted(text: str, needing: re.Pattern[str]) -> str:
    """A text as a term has it: in quotes if it is empty or has one of the characters *needing*."""
    if text and not needing.search(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
