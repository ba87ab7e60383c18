"""The payload: the parts of a draft become Postmark's fields; empty parts are left out.

The fields are declared in ``letter/letter.py``; the tables below say how each one is written.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.letter.attachment_files import plain_content_id
from mailframe.letter.letter import RECIPIENT_FIELDS, RECIPIENTS, field_of
from mailframe.letter.lint.body_links import LinkReader, Links
from mailframe.letter.lint.template_links import static_content_ids, written_links
from mailframe.limits import TRACK_LINKS
from mailframe.message.address_errors import AddressError, AddressFault
from mailframe.message.addresses import CONTROLS, Mailbox, is_documentation_domain, read_mailbox
from mailframe.message.template_fields import ALIAS_NAME, MODEL_NAME, TemplateFields
from mailframe.problems import Code

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.message.binding import BoundLetter
    from mailframe.message.render import Draft

POSTMARK_NAMES: Final[Mapping[str, str]] = {
    "template": ALIAS_NAME,
    "model": MODEL_NAME,
    "sender": "From",
    "to": "To",
    "cc": "Cc",
    "bcc": "Bcc",
    "reply_to": "ReplyTo",
    "subject": "Subject",
    "tag": "Tag",
    "message_stream": "MessageStream",
    "html_body": "HtmlBody",
    "text_body": "TextBody",
    "headers": "Headers",
    "track_opens": "TrackOpens",
    "track_links": "TrackLinks",
    "attachments": "Attachments",
    "metadata": "Metadata",
}
"""A letter's field and its name in Postmark, in the order in which the fields are posted.

``Metadata`` is the last one: ``Message.marked`` adds to it, and ``mail_digest`` cuts it off. A
template that is named by its ID has ``TemplateId`` in the place of ``TemplateAlias``.
"""
LINE_FIELDS: Final = ("subject", "tag", "message_stream")
"""Fields that are one line of text."""
BODY_FIELDS: Final = ("html_body", "text_body")
"""Fields that are text of any length."""
BOOLEAN_FIELDS: Final = ("track_opens",)
"""Fields that are posted as true or false; texts such as yes and False are read as these."""
CHOICE_FIELDS: Final = {"track_links": TRACK_LINKS}
"""Fields that have one of a few values, with these values."""

_FAULTS: Final[Mapping[AddressFault, Code]] = {
    AddressFault.EMPTY: Code.EMPTY_ADDRESS,
    AddressFault.SEVERAL: Code.SEVERAL_ADDRESSES,
    AddressFault.NAME_TOO_LONG: Code.MAILBOX_TOO_LONG,
    AddressFault.CONTROL_CHARACTER: Code.CONTROL_CHARACTER,
    AddressFault.UNENCODABLE: Code.UNENCODABLE_TEXT,
}
_NO_LINKS: Final = Links()
_TRUTH: Final = {"yes": True, "true": True, "no": False, "false": False}


def content_bytes(attachment: Mapping[str, str]) -> int:
    """The size of an attachment's content before base64.

    Args:
        attachment: one item of the field ``Attachments``.

    >>> content_bytes({"Content": "UGF5"}), content_bytes({"Content": "UGE="})
    (3, 2)
    """
    content = attachment["Content"]
    return len(content) // 4 * 3 - content[-2:].count("=")


@dataclass(slots=True)
class Payload:
    """One message as Postmark's fields, with its recipients.

    Attributes:
        fields: the fields of the JSON object, in Postmark's names.
        mailboxes: the mailboxes of To, Cc and Bcc together, in this order.
        links: the links in its HTML.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    mailboxes: list[Mailbox] = field(default_factory=list)
    links: Links = _NO_LINKS

    @property
    def identity(self) -> str:
        """Of the first mailbox, to find repeated recipients; empty if there is none."""
        return self.mailboxes[0].identity if self.mailboxes else ""


class Assembler:
    """Turns drafts of one bound letter into payloads; every fault becomes a problem of the draft.

    Args:
        bound: the letter and its frame.
        live: whether the server is live; see ``Preparer``.
    """

    def __init__(self, bound: BoundLetter, *, live: bool) -> None:
        self._live = live
        self._mixed = bound.letter.allow_idn_mixed
        has_template = bound.letter.template is not None
        self._template = TemplateFields(bound.letter) if has_template else None
        self._may_be_empty = bound.letter.allow_empty_subject or has_template
        self._sender = fixed_sender(bound)
        self._parts: dict[str, list[str]] = {}
        for part in bound.sources:
            name = field_of(part)
            if name in RECIPIENT_FIELDS or (name == "sender" and self._sender is None):
                self._parts.setdefault(name, []).append(part)
        self._links = LinkReader(written_links(bound.html.sources).has)
        is_fixed = not bound.values_add_links and bound.templates.get("html_body")
        self._settled_ids = static_content_ids(bound.html.sources.values()) if is_fixed else None
        self._optional = {
            attachment.content_id: f"attachments[{i}]"
            for i, (attachment, _) in enumerate(bound.attachments)
            if attachment.optional and attachment.content_id and not has_template
        }
        self._headers = _named(bound, "headers.")
        self._metadata = _named(bound, "metadata.")

    def payload(self, draft: Draft) -> Payload:
        """The payload of a draft; incomplete when the draft has errors."""
        made = Payload()
        fields, values = made.fields, draft.values
        if self._template is not None:
            self._template.write(fields, draft)
        self._write_mailboxes(made, draft)
        self._write_texts(fields, draft)
        if fields.get("HtmlBody"):
            made.links = self._links_of(fields["HtmlBody"])
        if self._optional:
            self._leave_out_unused(draft, made.links)
        if self._headers:
            fields["Headers"] = [
                {"Name": name, "Value": self._line(draft, part, text)}
                for name, part in self._headers
                if (text := values.get(part))
            ]
        self._write_choices(fields, draft)
        if draft.pieces:
            fields["Attachments"] = [orjson.Fragment(piece.json) for piece in draft.pieces]
        metadata = {
            key: self._line(draft, part, text)
            for key, part in self._metadata
            if (text := values.get(part))
        }
        if metadata:
            fields["Metadata"] = metadata
        return made

    def _write_texts(self, fields: dict[str, Any], draft: Draft) -> None:
        for part in LINE_FIELDS:
            text = draft.values.get(part)
            if text:
                fields[POSTMARK_NAMES[part]] = self._line(draft, part, text)
        if not self._may_be_empty and is_blank(fields.get("Subject", "")):
            self._add_empty_subject(draft)
        for part in BODY_FIELDS:
            if draft.values.get(part):
                fields[POSTMARK_NAMES[part]] = draft.values[part]

    def _links_of(self, markup: str) -> Links:
        if self._settled_ids is None:
            return self._links.read(markup)
        used = [content_id for url, content_id in self._settled_ids.items() if url in markup]
        return Links(content_ids=frozenset(used)) if used else _NO_LINKS

    def _add_empty_subject(self, draft: Draft) -> None:
        if not any(problem.field == "subject" for problem in draft.problems):
            subject = draft.values.get("subject")
            what = "the subject is empty in this row"
            if "subject" not in draft.values:
                what = "the letter has no subject"
            detail = f"{what}; write subject='…', or allow_empty_subject=True to send without one"
            draft.report("subject", Code.EMPTY_SUBJECT, detail, value=subject)

    def _leave_out_unused(self, draft: Draft, links: Links) -> None:
        """Remove the optional inline images of a draft that its HTML does not show."""
        unused = {n for n in self._optional if plain_content_id(n) not in links.content_ids}
        parts = {self._optional[name] for name in unused}
        draft.pieces[:] = [piece for piece in draft.pieces if piece.content_id not in unused]
        draft.problems[:] = [problem for problem in draft.problems if problem.field not in parts]

    def _write_mailboxes(self, made: Payload, draft: Draft) -> None:
        if self._sender is not None:
            made.fields["From"] = self._sender
        for name, parts in self._parts.items():
            boxes = list(self._mailboxes(draft, name, parts))
            if boxes:
                made.fields[POSTMARK_NAMES[name]] = ", ".join([str(box) for box in boxes])
            if name in RECIPIENTS:
                made.mailboxes += boxes

    def _mailboxes(self, draft: Draft, name: str, parts: list[str]) -> Iterator[Mailbox]:
        for part in parts:
            value = draft.values.get(part)
            for text in value if isinstance(value, list) else (value,):
                if text is None or (not text and name not in ("sender", "to")):
                    continue  # it has a problem already, or is an empty optional field
                box = self._mailbox(draft, part, text)
                if box is not None:
                    yield box

    def _mailbox(self, draft: Draft, part: str, text: object) -> Mailbox | None:
        try:
            box = read_mailbox(str(text))
        except AddressError as error:
            code = _FAULTS.get(error.code, Code.INVALID_ADDRESS)
            draft.report(part, code, str(error), value=text)
            return None
        for warning in box.warnings:
            detail = warning.detail
            if warning.code is Code.MIXED_SCRIPTS:
                if self._mixed:
                    continue
                detail += "; correct the address, or write allow_idn_mixed=True if it is right"
            draft.report(part, warning.code, detail, value=text)
        if self._live and part != "sender" and is_documentation_domain(box.address):
            detail = (
                f"{box.address!r} is on a domain for documentation (RFC 2606), which gets no mail; "
                "drop the row"
            )
            draft.report(part, Code.DOCUMENTATION_DOMAIN, detail, value=text)
        return box

    def _line(self, draft: Draft, part: str, text: object) -> str:
        line = str(text)
        control = CONTROLS.search(line)
        if control:
            detail = (
                f"{line[:60]!a} holds {control.group()!a}; it must be one line of text, "
                "so clean the cell"
            )
            draft.report(part, Code.CONTROL_CHARACTER, detail, value=line)
        return line

    def _write_choices(self, fields: dict[str, Any], draft: Draft) -> None:
        for part in BOOLEAN_FIELDS:
            value = draft.values.get(part)
            if isinstance(value, str) and value:
                value = _truth(draft, part, value)
            if isinstance(value, bool):
                fields[POSTMARK_NAMES[part]] = value
        for part, choices in CHOICE_FIELDS.items():
            choice = draft.values.get(part)
            if choice:
                if choice not in choices:
                    detail = f"{str(choice)[:60]!r} is not valid; write one of {', '.join(choices)}"
                    draft.report(part, Code.INVALID_VALUE, detail, value=choice)
                fields[POSTMARK_NAMES[part]] = choice


def _truth(draft: Draft, part: str, text: str) -> bool | None:
    """The boolean that a text stands for; None with a problem if it is neither yes nor no."""
    truth = truth_of(text)
    if truth is None:
        detail = f"{text[:60]!r} is neither yes nor no; write {part}=True or False"
        draft.report(part, Code.INVALID_VALUE, detail, value=text)
    return truth


def truth_of(text: str) -> bool | None:
    """The boolean that a text stands for; None if it is neither yes nor no."""
    return _TRUTH.get(text.strip().lower())


def is_blank(text: str) -> bool:
    """Whether a text has only white space and invisible characters."""
    return not text[:1].isalnum() and all(
        character.isspace() or unicodedata.category(character) in ("Cc", "Cf") for character in text
    )


def fixed_sender(bound: BoundLetter) -> str | None:
    """The sender as written, if it is the same in every row and has no warnings."""
    source = bound.sources.get("sender")
    try:
        box = read_mailbox(source) if isinstance(source, str) else None
    except AddressError:
        return None
    return str(box) if box is not None and not box.warnings else None


def _named(bound: BoundLetter, prefix: str) -> list[tuple[str, str]]:
    """The names of headers or metadata, each with its part."""
    return [(part.removeprefix(prefix), part) for part in bound.sources if part.startswith(prefix)]
