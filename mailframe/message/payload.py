"""A draft becomes Postmark's JSON object: addresses read and written again, what renders to nothing left out."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.letter.attachments import plain_content_id
from mailframe.letter.lint.links import LinkReader, Links
from mailframe.letter.lint.template_links import settled_content_ids, written_links
from mailframe.limits import TRACK_LINKS
from mailframe.message.addresses import (
    AddressError,
    AddressFault,
    AddressWarningCode,
    Mailbox,
    is_documentation_domain,
    read_mailbox,
)
from mailframe.problems import Code

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.message.binding import BoundLetter
    from mailframe.message.render import Draft

POSTMARK_NAMES: Final[Mapping[str, str]] = {
    "sender": "From",
    "to": "To",
    "cc": "Cc",
    "bcc": "Bcc",
    "reply_to": "ReplyTo",
    "subject": "Subject",
    "tag": "Tag",
    "html_body": "HtmlBody",
    "text_body": "TextBody",
    "headers": "Headers",
    "track_opens": "TrackOpens",
    "track_links": "TrackLinks",
    "attachments": "Attachments",
    "message_stream": "MessageStream",
    "metadata": "Metadata",
}
"""A letter's field and what Postmark calls it, in the order in which it is posted."""

_FAULTS: Final[Mapping[AddressFault, Code]] = {
    AddressFault.EMPTY: Code.EMPTY_ADDRESS,
    AddressFault.SEVERAL: Code.SEVERAL_ADDRESSES,
    AddressFault.NAME_TOO_LONG: Code.MAILBOX_TOO_LONG,
    AddressFault.CONTROL_CHARACTER: Code.CONTROL_CHARACTER,
    AddressFault.UNENCODABLE: Code.UNENCODABLE_TEXT,
}
_NOTES: Final[Mapping[AddressWarningCode, Code]] = {
    AddressWarningCode.NORMALISED: Code.ADDRESS_NORMALISED,
    AddressWarningCode.BIDI_CONTROL: Code.BIDI_IN_NAME,
}
_NO_LINKS: Final = Links()
_LINE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TRUTH: Final = {"yes": True, "true": True, "no": False, "false": False}


class Payload:
    """One message as Postmark's fields, and whom it goes to.

    Attributes:
        fields: of the JSON object, in Postmark's names.
        mailboxes: To, Cc and Bcc together, in this order.
        identity: of the To mailboxes, for comparing people; empty when there is none.
        links: what its HTML points to.
    """

    __slots__ = ("fields", "identity", "links", "mailboxes")

    def __init__(self) -> None:
        self.links = Links()
        self.fields: dict[str, Any] = {}
        self.mailboxes: list[Mailbox] = []
        self.identity = ""


class Assembler:
    """Turns drafts of one bound letter into payloads; every fault becomes a problem of the draft."""

    def __init__(self, bound: BoundLetter, *, live: bool) -> None:
        self._live = live
        self._mixed = bound.letter.allow_idn_mixed
        self._may_be_empty = bound.letter.allow_empty_subject
        self._parts = {
            name: [part for part in bound.sources if part.partition("[")[0] == name]
            for name in POSTMARK_NAMES
        }
        self._links = LinkReader(written_links(bound.html.sources).has)
        escaped = not any(problem.code is Code.SAFE_FILTER for problem in bound.warnings)
        known = escaped and bound.templates.get("html_body")
        self._settled_ids = settled_content_ids(bound.html.sources.values()) if known else None
        self._optional = {
            attachment.content_id: f"attachments[{i}]"
            for i, (attachment, _) in enumerate(bound.attachments)
            if attachment.optional and attachment.content_id
        }
        self._sender = _fixed_sender(bound)
        self._headers = _named(bound, "headers.")
        self._metadata = _named(bound, "metadata.")

    def payload(self, draft: Draft) -> Payload:
        """The payload of a draft; incomplete when the draft has errors."""
        made = Payload()
        fields, values = made.fields, draft.values
        self._write_mailboxes(made, draft)
        self._write_texts(fields, draft)
        if fields.get("HtmlBody"):
            made.links = self._what_it_points_to(fields["HtmlBody"])
        if self._optional:
            self._leave_out_unused(draft, made.links)
        if self._headers:
            fields["Headers"] = [
                {"Name": name, "Value": self._line(draft, part, text)}
                for name, part in self._headers
                if (text := values.get(part))
            ]
        self._write_tracking(fields, draft)
        if draft.pieces:
            fields["Attachments"] = [orjson.Fragment(piece.json) for piece in draft.pieces]
        metadata = {
            key: self._line(draft, part, text)
            for key, part in self._metadata
            if (text := values.get(part))
        }
        if metadata:
            fields["Metadata"] = (
                metadata  # last: Message.marked appends the ledger's fields to it
            )
        return made

    def _write_texts(self, fields: dict[str, Any], draft: Draft) -> None:
        for part in ("subject", "tag", "message_stream"):
            text = draft.values.get(part)
            if text:
                fields[POSTMARK_NAMES[part]] = self._line(draft, part, text)
        if not self._may_be_empty and _is_blank(fields.get("Subject", "")):
            self._blame_subject(draft)
        for part in ("html_body", "text_body"):
            if draft.values.get(part):
                fields[POSTMARK_NAMES[part]] = draft.values[part]

    def _what_it_points_to(self, markup: str) -> Links:
        if self._settled_ids is None:
            return self._links.read(markup)
        used = [content_id for url, content_id in self._settled_ids.items() if url in markup]
        return Links(content_ids=frozenset(used)) if used else _NO_LINKS

    def _blame_subject(self, draft: Draft) -> None:
        if not any(problem.field == "subject" for problem in draft.problems):
            what = (
                "the letter has no subject"
                if "subject" not in draft.values
                else "the subject is empty in this row"
            )
            detail = f"{what}; write subject='…', or allow_empty_subject=True to send without one"
            draft.blame("subject", Code.EMPTY_SUBJECT, detail, value=draft.values.get("subject"))

    def _leave_out_unused(self, draft: Draft, links: Links) -> None:
        """Take the optional inline images out of a draft that its HTML does not show."""
        used = links.content_ids
        unused = {
            name: part
            for name, part in self._optional.items()
            if plain_content_id(name) not in used
        }
        draft.pieces[:] = [piece for piece in draft.pieces if piece.content_id not in unused]
        parts = set(unused.values())
        draft.problems[:] = [problem for problem in draft.problems if problem.field not in parts]

    def _write_mailboxes(self, made: Payload, draft: Draft) -> None:
        if self._sender is not None:
            made.fields["From"] = self._sender
        else:
            for box in self._mailboxes(draft, "sender"):
                made.fields["From"] = str(box)
        for name in ("to", "cc", "bcc"):
            boxes = list(self._mailboxes(draft, name)) if self._parts[name] else []
            if boxes:
                made.fields[POSTMARK_NAMES[name]] = ", ".join([str(box) for box in boxes])
                made.mailboxes += boxes
            if name == "to" or not made.identity:  # a mail with Cc or Bcc alone goes to those
                made.identity = boxes[0].identity if boxes else ""
        if self._parts["reply_to"]:
            reply_to = ", ".join(map(str, self._mailboxes(draft, "reply_to")))
            if reply_to:
                made.fields["ReplyTo"] = reply_to

    def _mailboxes(self, draft: Draft, name: str) -> Iterator[Mailbox]:
        for part in self._parts[name]:
            value = draft.values.get(part)
            for text in value if isinstance(value, list) else (value,):
                if text is None or (not text and name not in ("sender", "to")):
                    continue  # blamed already, or an optional field that renders to nothing
                box = self._mailbox(draft, part, text)
                if box is not None:
                    yield box

    def _mailbox(self, draft: Draft, part: str, text: object) -> Mailbox | None:
        try:
            box = read_mailbox(str(text))
        except AddressError as error:
            draft.blame(part, _FAULTS.get(error.code, Code.INVALID_ADDRESS), str(error), value=text)
            return None
        for note in box.notes:
            if note.code is AddressWarningCode.MIXED_SCRIPTS:
                if not self._mixed:
                    detail = f"{note.detail}; correct the address, or write allow_idn_mixed=True if it is right"
                    draft.blame(part, Code.MIXED_SCRIPTS, detail, value=text)
            else:
                draft.blame(part, _NOTES[note.code], note.detail, value=text)
        if self._live and part != "sender" and is_documentation_domain(box.address):
            detail = f"{box.address!r} is on a domain for documentation (RFC 2606), where nobody reads mail; drop the row"
            draft.blame(part, Code.DOCUMENTATION_DOMAIN, detail, value=text)
        return box

    def _line(self, draft: Draft, part: str, text: object) -> str:
        line = str(text)
        found = _LINE.search(line)
        if found:
            detail = f"{line[:60]!a} holds {found.group()!a}; it must be one line of text, so clean the cell"
            draft.blame(part, Code.CONTROL_CHARACTER, detail, value=line)
        return line

    def _write_tracking(self, fields: dict[str, Any], draft: Draft) -> None:
        opens, links = draft.values.get("track_opens"), draft.values.get("track_links")
        if isinstance(opens, str) and opens:
            truth = _TRUTH.get(opens.strip().lower())
            if truth is None:
                detail = f"{opens[:60]!r} is neither yes nor no; write track_opens=True or False"
                draft.blame("track_opens", Code.INVALID_VALUE, detail, value=opens)
            opens = truth
        if isinstance(opens, bool):
            fields["TrackOpens"] = opens
        if links:
            if links not in TRACK_LINKS:
                draft.blame(
                    "track_links",
                    Code.INVALID_VALUE,
                    f"{str(links)[:60]!r} is not valid; write one of {', '.join(TRACK_LINKS)}",
                    value=links,
                )
            fields["TrackLinks"] = links


def _is_blank(text: str) -> bool:
    """Whether a reader sees nothing: white space and invisible characters alone."""
    return not text[:1].isalnum() and all(
        character.isspace() or unicodedata.category(character) in ("Cc", "Cf") for character in text
    )


def _fixed_sender(bound: BoundLetter) -> str | None:
    """The sender as written, when it is the same in every row and nothing is to be said about it."""
    source = bound.sources.get("sender")
    try:
        box = read_mailbox(source) if isinstance(source, str) else None
    except AddressError:
        return None
    return str(box) if box is not None and not box.notes else None


def _named(bound: BoundLetter, prefix: str) -> list[tuple[str, str]]:
    """The names of headers or metadata, each with its part."""
    return [(part.removeprefix(prefix), part) for part in bound.sources if part.startswith(prefix)]
