"""The list of messages as a page shows it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mailframe.pages.text import one_line
from mailframe.sandbox.checks import mailboxes
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.inbox.addresses import POSITION, address
from mailframe.sandbox.inbox.statuses import STATUS_KINDS, status_of, statuses_of
from mailframe.sandbox.state.messages.inbox_query import InboxQuery, QueryError, hint_of, parse
from mailframe.sandbox.state.messages.message_list import ListedPage
from mailframe.sandbox.state.messages.stored_message import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store

PAGE_KEYS: Final = ("q", "before", "after", "server")
"""The parameters that name a page of the list."""
VIEW_KEYS: Final = ("part", "dark", "phone")
"""Those that a person keeps while going from message to message."""
_SNIPPET: Final = 160
_READ_OF_HTML: Final = 6_000
"""Characters of an HTML part that a snippet is made of."""
_HIDDEN: Final = re.compile(
    r"<(style|script|title|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*(?:>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """One line of the list.

    Attributes:
        message_id: the MessageID.
        to: the name of the recipient, or all recipients, as one line.
        address: the address of the one recipient with a name; empty otherwise.
        sender: the name of the sender, or the address.
        subject: the subject, as one line.
        snippet: the start of the text.
        facts: kind and text of each further fact: stream, tag, attachments, status.
        submitted_at: the time of submission.
        is_unread: whether nobody has opened it.
    """

    message_id: str
    to: str
    address: str
    sender: str
    subject: str
    snippet: str
    facts: list[tuple[str, str]]
    submitted_at: str
    is_unread: bool

    @property
    def time(self) -> str:
        """The time for a page without a script, UTC."""
        return f"{self.submitted_at[:10]} {self.submitted_at[11:16]}"


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list.

    Attributes:
        rows: its lines, newest first.
        about: how many messages there are.
        query: the text of the search.
        problem: why the search is not possible; empty otherwise.
        unread: the number of unread messages; 0 for a search.
        hint: what in the search is no field; empty otherwise.
        newer, older: the addresses of the pages beside; empty without one.
        kept: the parameters that links to messages keep.
    """

    rows: list[ListedMessage]
    about: str
    query: str = ""
    problem: str = ""
    unread: int = 0
    hint: str = ""
    newer: str = ""
    older: str = ""
    kept: Mapping[str, str | bool] = field(default_factory=dict)

    def address(self, message_id: str) -> str:
        """The address of a message beside this list."""
        return address(f"/inbox/{quote(message_id, safe='')}", self.kept)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query of a page's address asks for.

    Attributes:
        values: the parameters by name.
        query: the search.
        problem: why the search is not possible; empty otherwise.
    """

    values: Mapping[str, str]
    query: InboxQuery
    problem: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str], store: Store) -> Asked:
        """Read the parameters; what is not valid counts as not given."""
        try:
            terms, problem = parse(values.get("q", "")), ""
        except QueryError as error:
            terms, problem = (), str(error)
        return cls(values, InboxQuery(terms, facts_of(store)), problem)

    @property
    def server(self) -> int | None:
        """The ID of the chosen server; None is all."""
        return self.position("server")

    @property
    def is_search(self) -> bool:
        """Whether it may leave messages out."""
        return bool(self.problem or self.query.terms or self.server is not None)

    def position(self, name: str) -> int | None:
        """A number that is not negative; None for anything else."""
        text = self.values.get(name, "")
        return int(text) if POSITION.fullmatch(text) else None

    def kept(self, *names: str) -> dict[str, str | bool]:
        """The parameters of those names; a flag without a value is True."""
        return {name: self.values[name] or True for name in names if name in self.values}


def facts_of(store: Store) -> Callable[[StoredMessage], frozenset[str]]:
    """What a search can know of a message beside what was posted."""

    def facts(message: StoredMessage) -> frozenset[str]:
        read = "read" if store.read_marks.has(message.position) else "unread"
        return statuses_of(message, store) | {read}

    return facts


def page_of(asked: Asked, store: Store) -> ListedPage:
    """The messages of the page that is asked for; a page above the newest is the first one."""
    if asked.problem:
        return ListedPage([])
    after = asked.position("after")
    if after is not None:
        page = store.message_list.page(asked.query, server=asked.server, after=after)
        if page.newer is not None:
            return page
        return store.message_list.page(asked.query, server=asked.server)
    before = asked.position("before")
    return store.message_list.page(asked.query, server=asked.server, before=before)


def listing(asked: Asked, page: ListedPage, store: Store) -> Listing:
    """The list with that page."""
    positions = [message.position for message in page.messages] or [0]
    read = store.read_marks.among(positions[-1], positions[0])
    kept = asked.kept("q", "server")
    newer = {**kept, "after": page.newer}
    unread = 0 if asked.is_search else unread_of(store)
    return Listing(
        [row(message, store, is_unread=message.position not in read) for message in page.messages],
        about(asked, page, store, unread=unread),
        query=asked.values.get("q", "").strip(),
        problem=asked.problem,
        unread=unread,
        hint=hint_of(asked.query.terms),
        newer="" if page.newer is None else address("/", newer),
        older="" if page.older is None else address("/", {**kept, "before": page.older}),
        kept=asked.kept(*PAGE_KEYS, *VIEW_KEYS),
    )


def about(asked: Asked, page: ListedPage, store: Store, *, unread: int) -> str:
    """How many messages there are; a search does not count all of its matches."""
    if asked.problem:
        return ""
    if asked.is_search:
        count = len(page.messages)
        more = " on this page" if page.newer is not None or page.older is not None else ""
        return f"{count} message{'' if count == 1 else 's'}{more}"
    total = store.message_list.total
    return f"{total:,} message{'' if total == 1 else 's'}, {unread:,} unread"


def unread_of(store: Store) -> int:
    """How many messages of all servers nobody has opened."""
    read = store.read_marks.count(store.message_list.oldest)
    return max(store.message_list.total - read, 0)


def row(message: StoredMessage, store: Store, *, is_unread: bool) -> ListedMessage:
    """One line of the list."""
    head = message.head
    recipients = head.get("To") or head.get("Cc") or head.get("Bcc") or ""
    return ListedMessage(
        message.message_id,
        *_recipient(recipients),
        one_line(_name_of(head.get("From") or "")),
        one_line(head.get("Subject") or ""),
        snippet(message),
        _facts(message, store),
        message.submitted_at,
        is_unread,
    )


def snippet(message: StoredMessage) -> str:
    """The start of what a reader sees: of the text part, or else of the HTML part."""
    text = (message.content.get("TextBody") or "")[: 4 * _SNIPPET].strip()
    if not text:
        start = (message.content.get("HtmlBody") or "")[:_READ_OF_HTML]
        text = html.unescape(_HIDDEN.sub(" ", start))
    return one_line(PLACEHOLDER.sub("", text), most=_SNIPPET)  # a link; its address tells nothing


def _recipient(recipients: str) -> tuple[str, str]:
    """The name and the address of one recipient; of several, or without a name, the whole text."""
    try:
        parsed = mailboxes.parse("To", recipients)
    except CheckFailed:
        parsed = ()
    if len(parsed) == 1 and parsed[0].name:
        return one_line(parsed[0].name), one_line(parsed[0].address)
    return one_line(recipients), ""


def _name_of(sender: str) -> str:
    try:
        recipients = mailboxes.parse("From", sender)
    except CheckFailed:
        return sender
    return next((one.name or one.address for one in recipients), sender)


def _facts(message: StoredMessage, store: Store) -> list[tuple[str, str]]:
    files = len(message.head.get("Attachments") or ())
    status = status_of(message, store)
    facts = [
        (STATUS_KINDS.get(status, ""), "" if status in ("Sent", "Delivered") else status),
        ("", "" if message.stream == "outbound" else message.stream),
        ("", one_line(message.head.get("Tag") or "", most=60)),
        ("", f"{files} file{'' if files == 1 else 's'}" if files else ""),
    ]
    return [(kind, fact) for kind, fact in facts if fact]
