"""Checks of payloads and letters: Postmark's limits, and content that no message should have.

A check of a finished payload, or of the letter as a whole, belongs here. Other checks are where
their subject is known:

- ``binding.py``: the letter and the columns that it uses, before any row is rendered.
- ``render.py``: the errors of templates and attachments in one row.
- ``payload.py``: one field while it is read, such as an address or a value of ``track_opens``.
- ``pipeline.py``: the message as JSON, its size and encoding.
- ``keys.py``: the keys of all rows.
- ``preflight.py``: rows with the same recipient, and messages that changed since their check.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mailframe import limits
from mailframe.letter.attachment_files import plain_content_id
from mailframe.letter.letter import ADDRESS_FIELDS, RECIPIENTS, field_of
from mailframe.letter.lint.escaped_markup import EscapedMarkup
from mailframe.letter.lint.foreign_placeholders import foreign_placeholders
from mailframe.letter.lint.template_links import written_links
from mailframe.limits import utf16_units
from mailframe.message.derived_parts import has_auto_text
from mailframe.message.empty_content import content_may_be_empty, has_empty_content
from mailframe.message.html_size import clipped, most_html_bytes
from mailframe.message.letter_lint import lint_letter
from mailframe.message.payload import BODY_FIELDS, POSTMARK_NAMES
from mailframe.message.template_fields import CONSTANT, MODEL_NAME, texts_of
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailframe.message.binding import BoundLetter
    from mailframe.message.payload import Payload
    from mailframe.message.render import Draft


GARBLED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd-\uffff]")
"""Control characters, and traces of a wrong encoding. NUL is an error, others are a warning."""
_SHORTEN: Final = "Shorten it: {{ … | truncate(100) }}"
_LENGTHS: Final = (
    ("subject", limits.MAX_SUBJECT_UNITS, Code.SUBJECT_TOO_LONG),
    ("tag", limits.MAX_TAG_UNITS, Code.TAG_TOO_LONG),
)
_NEAR: Final = 20
"""Characters that are shown before and after a wrong one."""
_GARBLED_BYTES: Final = tuple(
    (first, re.compile(pattern))
    for first, pattern in (
        (b"\x7f", rb"\x7f"),
        (b"\xc2", rb"\xc2[\x80-\x9f]"),
        (b"\xef", rb"\xef\xbf[\xbd-\xbf]"),
    )
)
"""The same in UTF-8, each with its first byte: a search for one byte is faster than a pattern."""
_ESCAPED_CONTROL: Final = re.compile(rb"\\u00")  # how JSON writes the others, except \b and \f
_BODIES: Final = tuple((part, POSTMARK_NAMES[part]) for part in BODY_FIELDS)
_LINES: Final = tuple((part, POSTMARK_NAMES[part]) for part in (*ADDRESS_FIELDS, "subject"))


class Checker:
    """Checks the payloads of one bound letter.

    Args:
        bound: the letter and its frame. Text of its templates is not a problem of a row.
    """

    def __init__(self, bound: BoundLetter) -> None:
        sources = {part: "".join(bound.templates.get(part, ())) for part, _ in _BODIES}
        if has_auto_text(bound.letter):
            sources["text_body"] = sources["html_body"]
        self._written = {
            part: frozenset(GARBLED.findall(source)) for part, source in sources.items()
        }
        self._shown_markup = EscapedMarkup(sources["html_body"])
        self._html_bytes = most_html_bytes(bound)
        self._may_be_empty = content_may_be_empty(bound)
        self._in_model = [
            part
            for part, source in bound.sources.items()
            if field_of(part) == "model"
            and (not isinstance(source, CONSTANT) or "\x00" in str(source))
        ]

    def check(self, draft: Draft, payload: Payload) -> None:
        """Add every problem of a payload to its draft."""
        fields = payload.fields
        _check_lengths(draft, fields)
        if "Metadata" in fields:
            _check_metadata(draft, fields["Metadata"])
        _check_recipients(draft, payload)
        if MODEL_NAME in fields:
            _check_model(draft, self._in_model)
            return  # the bodies are at Postmark
        _check_bodies(draft, payload)
        if self._may_be_empty and has_empty_content(fields.get("HtmlBody", "")):
            detail = (
                "the layout has no content; write text for this case, for example with {% else %}"
            )
            draft.report("html_body", Code.EMPTY_BODY, detail)
        _check_html_size(draft, fields.get("HtmlBody", ""), self._html_bytes)
        markup = self._shown_markup.first(fields.get("HtmlBody", ""))
        if markup:
            detail = (
                f"{markup[:60]!a} comes from a cell and is shown as it is written, because cells "
                "are escaped; for HTML that you trust write mf.html(df['…']) as the column, or "
                "{{ … | striptags }} for its text"
            )
            draft.report("html_body", Code.ESCAPED_MARKUP, detail, value=markup)

    def check_characters(self, draft: Draft, fields: dict[str, Any], body: bytes) -> None:
        """Add a problem for each character that no text should have.

        Args:
            draft: the draft of the row.
            fields: the fields of its payload.
            body: its message as JSON, which is faster to search than the texts.
        """
        texts = [(part, fields.get(name, "")) for part, name in _BODIES]
        if not (
            draft.pieces
            or _may_be_garbled(body)
            or any("\x08" in text or "\x0c" in text for _, text in texts)
        ):
            return  # in a fraction of the time that the pattern takes
        for part, text in texts:
            garbled = set(GARBLED.findall(text))
            if "\x00" in garbled:
                detail = (
                    "it holds the control character '\\x00'; clean the cell: "
                    "{{ … | replace('\\x00', '') }}"
                )
                draft.report(part, Code.CONTROL_CHARACTER, detail, value=_around(text, "\x00"))
            for character in sorted(garbled - self._written[part] - {"\x00"}):
                _report_garbled(draft, part, text, character)
        for part, name in _LINES:
            if "\ufffd" in fields.get(name, ""):
                _report_garbled(draft, part, fields[name], "\ufffd")


def _report_garbled(draft: Draft, part: str, text: str, character: str) -> None:
    value = _around(text, character)
    draft.report(part, Code.GARBLED_TEXT, _why_garbled(character), value=value)


def _around(text: str, character: str) -> str:
    """The text around the first such character, short enough to be shown."""
    at = text.index(character)
    return text[max(0, at - _NEAR) : at + _NEAR]


def _may_be_garbled(body: bytes) -> bool:
    """Whether a message as JSON may hold a character of ``GARBLED`` except U+0008 and U+000C."""
    for first, pattern in _GARBLED_BYTES:
        if first in body and pattern.search(body):
            return True
    return _ESCAPED_CONTROL.search(body) is not None


def _why_garbled(character: str) -> str:
    """The detail for a text with such a character."""
    if character >= "\x80":
        why = (
            "it was read with the wrong encoding; read the file again, for example with "
            "encoding='cp1252'"
        )
    else:
        why = f"which no reader can see; remove it: {{{{ … | replace({character!a}, '') }}}}"
    return f"the text has {character!a}, {why}"


def _check_recipients(draft: Draft, payload: Payload) -> None:
    count = len(payload.mailboxes)
    if not count and not any(field_of(problem.field) in RECIPIENTS for problem in draft.problems):
        detail = (
            "To, Cc and Bcc are all empty; fill in an address, or drop the row "
            "(Postmark: ErrorCode 300)"
        )
        draft.report("to", Code.MISSING_RECIPIENT, detail)
    if count > 1 and len({box.identity for box in payload.mailboxes}) < count:
        detail = "To, Cc and Bcc have the same recipient twice, who gets this mail twice; keep one"
        addresses = ", ".join(box.address for box in payload.mailboxes)
        draft.report("to", Code.REPEATED_RECIPIENT, detail, value=addresses)
    if count > limits.MAX_RECIPIENTS:
        detail = (
            f"{count} recipients in To, Cc and Bcc; {limits.MAX_RECIPIENTS} are possible "
            "(Postmark). Make a row of each, for example with df.explode"
        )
        draft.report("to", Code.TOO_MANY_RECIPIENTS, detail)


def _check_lengths(draft: Draft, fields: dict[str, Any]) -> None:
    for part, most, code in _LENGTHS:
        text = fields.get(POSTMARK_NAMES[part], "")
        if len(text) * 2 > most and (units := utf16_units(text)) > most:
            detail = f"{units:,} characters; {most:,} are possible (Postmark). {_SHORTEN}"
            draft.report(part, code, detail, value=text)


def _check_metadata(draft: Draft, metadata: dict[str, str]) -> None:
    for key, value in metadata.items():
        if utf16_units(value) > limits.MAX_METADATA_VALUE_UNITS:
            detail = (
                f"{value[:40]!r}… has {utf16_units(value)} characters; "
                f"{limits.MAX_METADATA_VALUE_UNITS} are possible (Postmark). "
                "Send an id, or {{ …[:40] }}"
            )
            draft.report(f"metadata.{key}", Code.METADATA_TOO_LONG, detail, value=value)
        elif "@" in value:
            detail = "an email address in metadata is personal data in Postmark's logs; send an id"
            draft.report(f"metadata.{key}", Code.METADATA_HOLDS_ADDRESS, detail, value=value)


def _check_bodies(draft: Draft, payload: Payload) -> None:
    markup, text = payload.fields.get("HtmlBody", ""), payload.fields.get("TextBody", "")
    if (not markup or markup.isspace()) and (not text or text.isspace()):
        reported = {problem.field for problem in draft.problems}
        if not reported.intersection((*BODY_FIELDS, "markdown_body")):
            part = "html_body" if draft.values.get("html_body") is not None else "text_body"
            detail = (
                "no body has any text; write one for this case, for example with {% else %} "
                "(Postmark: ErrorCode 300)"
            )
            draft.report(part, Code.EMPTY_BODY, detail)
        return
    for part, body in (("html_body", markup), ("text_body", text)):
        most = limits.MAX_BODY_BYTES
        if len(body) * 4 > most and (size := len(body.encode("utf-8", "replace"))) > most:
            detail = f"{size:,} bytes; {most:,} are possible (Postmark). Shorten it, or link to it"
            draft.report(part, Code.BODY_TOO_LARGE, detail)
    for fault in payload.links.unsafe:
        draft.report("html_body", Code.UNSAFE_LINK, fault.detail, value=fault.url)
    for fault in payload.links.incomplete:
        draft.report("html_body", Code.INCOMPLETE_LINK, fault.detail, value=fault.url)
    for fault in payload.links.data_images:
        draft.report("html_body", Code.UNSUPPORTED_IMAGE, fault.detail, value=fault.url)
    unrendered = not markup and any(
        problem.field in ("html_body", "markdown_body") for problem in draft.problems
    )
    if (payload.links.content_ids or draft.pieces) and not unrendered:
        _check_content_ids(draft, payload.links.content_ids)


def _check_model(draft: Draft, parts: Iterable[str]) -> None:
    """Add a problem for each character of the model that no text should have."""
    for part in parts:
        for text in texts_of(draft.values.get(part)):
            for character in sorted(set(GARBLED.findall(text))):
                if character == "\x00":
                    detail = "it holds the control character '\\x00'; clean the cell"
                    draft.report(part, Code.CONTROL_CHARACTER, detail, value=_around(text, "\x00"))
                else:
                    _report_garbled(draft, part, text, character)


def _check_html_size(draft: Draft, markup: str, most: int) -> None:
    if len(markup) * 4 <= most:
        return
    size = len(markup.encode("utf-8", "replace"))
    if most < size <= limits.MAX_BODY_BYTES:  # above it, there is an error
        draft.report("html_body", Code.CLIPPED_BY_GMAIL, clipped(size, what="the HTML has"))


def _check_content_ids(draft: Draft, used: frozenset[str]) -> None:
    inline = {plain_content_id(piece.content_id) for piece in draft.pieces if piece.content_id}
    for missing in sorted(used - inline):
        detail = (
            f"the HTML shows cid:{missing}, and no attachment has that content_id; "
            "attach it, or correct the name"
        )
        draft.report("html_body", Code.UNKNOWN_CONTENT_ID, detail, value=f"cid:{missing}")
    for unused in sorted(inline - used):
        detail = (
            f"the inline image cid:{unused} is not shown in the HTML; drop its content_id for an "
            "ordinary file, or write optional=True if it can be missing"
        )
        draft.report("attachments", Code.UNUSED_CONTENT_ID, detail, value=f"cid:{unused}")


def check_letter(bound: BoundLetter, columns: Iterable[object]) -> Iterator[Problem]:
    """The problems of a letter as a whole: text of its templates, and parts that are missing.

    Args:
        bound: the letter and its frame.
        columns: the columns of the frame, whose names may stand in placeholders of other tools.
    """
    yield from _check_written(bound, list(columns))
    for detail in written_links(bound.html.sources).details:
        yield Problem(None, "html_body", Code.INCOMPLETE_LINK, detail)
    yield from lint_letter(bound)
    yield from _check_broadcast(bound)


def _check_written(bound: BoundLetter, columns: list[object]) -> Iterator[Problem]:
    """Text of the templates: placeholders of other tools, and traces of a wrong encoding."""
    for environment in (bound.html, bound.plain):
        for name, source in environment.sources.items():
            field = (
                name if name in bound.sources else "html_body" if environment.html else "text_body"
            )
            for foreign in foreign_placeholders(source, environment=environment, columns=columns):
                how = (
                    f"write {foreign.instead}"
                    if foreign.instead
                    else "write {{ … }} with the name of a column"
                )
                detail = (
                    f"{name}, line {foreign.line}: {foreign.text!a} stays in the mail as it is "
                    f"written; {how}"
                )
                yield Problem(None, field, Code.FOREIGN_PLACEHOLDER, detail, value=foreign.text)
            for character in sorted(set(GARBLED.findall(source)) - {"\x00"}):
                line = source.count("\n", 0, source.index(character)) + 1
                yield Problem(
                    None,
                    field,
                    Code.GARBLED_TEXT,
                    f"{name}, line {line}: {_why_garbled(character)}",
                )


def _check_broadcast(bound: BoundLetter) -> Iterator[Problem]:
    """Missing parts that every broadcast should have; other letters can do without a text part."""
    is_broadcast = bound.sources.get("message_stream") == limits.BROADCAST_STREAM
    if not is_broadcast or "template" in bound.sources:
        return
    if "text_body" not in bound.sources:
        detail = (
            "a broadcast without a text part, which some readers and most spam filters use; "
            "add text_body"
        )
        yield Problem(None, "text_body", Code.NO_TEXT_PART, detail)
    for part in BODY_FIELDS[:1] if has_auto_text(bound.letter) else BODY_FIELDS:
        sources = bound.templates.get(part, ())
        if sources and not any(
            "pm:unsubscribe" in source or "unsubscribe_url" in source for source in sources
        ):
            detail = (
                "a broadcast without {{{ pm:unsubscribe }}}; add it, or Postmark adds a footer of "
                "its own"
            )
            yield Problem(None, part, Code.NO_UNSUBSCRIBE, detail)
