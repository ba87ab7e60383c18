"""What a person writes into the search field: words, and terms such as ``tag:welcome``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FIELDS: Final = ("to", "from", "cc", "bcc", "subject", "tag", "stream", "status", "id", "request")
STATES: Final = {"is": ("read", "unread"), "has": ("attachment", "html", "text")}
DATES: Final = ("after", "before")
MAX_TERMS: Final = 20
MAX_QUERY: Final = 500
_TERM: Final = re.compile(
    r'(?P<not>-?)(?:(?P<field>[A-Za-z]+(?:\.(?:"[^"]*"|[^\s":]+))?):)?'
    r'(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]*))'
)
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
    value = match["plain"] if match["quoted"] is None else match["quoted"]
    is_excluded, name = bool(match["not"]), field.lower()
    if name == "metadata" and dot:
        return Term(name, value, key.strip('"'), is_excluded)
    if dot or name not in (*FIELDS, *STATES, *DATES):
        word = f"{match['field']}:{value}" if field else value
        return Term("", word, "", is_excluded) if word else None
    if not value:
        return None
    if name in STATES and value.lower() not in STATES[name]:
        raise QueryError(f"{name}: takes {' or '.join(STATES[name])}; found {value!r}")
    if name in DATES and not _DATE.fullmatch(value):
        raise QueryError(f"{name}: takes a date such as 2026-11-27; found {value!r}")
    return Term(name, value.lower() if name in STATES else value, "", is_excluded)


def term_text(field: str, value: str) -> str:
    """The term as a person would write it.

    >>> term_text("tag", "two words"), term_text("to", "ann@example.com")
    ('tag:"two words"', 'to:ann@example.com')
    """
    value = value.replace('"', "")
    return f'{field}:"{value}"' if re.search(r"\s", value) or not value else f"{field}:{value}"
