"""Small functions, each a payload in and problems out: every limit of Postmark, and what no mail should carry."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, Final

from mailframe import limits
from mailframe.limits import utf16_units
from mailframe.problems import Code, Problem
from mailframe.templating.links import link_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.binding import BoundLetter
    from mailframe.payload import Payload
    from mailframe.render import Draft

_CID: Final = re.compile(r"cid:([^\"'\s<>)]+)")
_BEFORE_CID: Final = re.compile(r"(?:[\"'=]|url\()\s*\Z", re.IGNORECASE)


def check(draft: Draft, payload: Payload) -> None:
    """Note every problem of a payload in its draft."""
    fields = payload.fields
    _check_lengths(draft, fields)
    if "Metadata" in fields:
        _check_metadata(draft, fields["Metadata"])
    _check_recipients(draft, payload)
    _check_bodies(draft, payload)


def _check_recipients(draft: Draft, payload: Payload) -> None:
    if not payload.mailboxes and not any(_is_recipient(problem.field) for problem in draft.problems):
        detail = "To, Cc and Bcc are all empty; Postmark wants one recipient (ErrorCode 300)"
        draft.blame("to", Code.MISSING_RECIPIENT, detail)
    if len(payload.mailboxes) > 1 and len({box.identity for box in payload.mailboxes}) < len(payload.mailboxes):
        detail = "one person stands twice in To, Cc and Bcc and gets this mail twice"
        draft.blame("to", Code.REPEATED_RECIPIENT, detail, value=", ".join(box.address for box in payload.mailboxes))
    if len(payload.mailboxes) > limits.MAX_RECIPIENTS:
        detail = (
            f"{len(payload.mailboxes)} recipients in To, Cc and Bcc; {limits.MAX_RECIPIENTS} are possible (Postmark)"
        )
        draft.blame("to", Code.TOO_MANY_RECIPIENTS, detail)


def _is_recipient(field: str) -> bool:
    return field.partition("[")[0] in ("to", "cc", "bcc")


def _check_lengths(draft: Draft, fields: dict[str, Any]) -> None:
    subject = fields.get("Subject", "")
    if len(subject) * 2 > limits.MAX_SUBJECT_UNITS and utf16_units(subject) > limits.MAX_SUBJECT_UNITS:
        detail = f"{utf16_units(subject):,} characters; {limits.MAX_SUBJECT_UNITS:,} are possible (Postmark)"
        draft.blame("subject", Code.SUBJECT_TOO_LONG, detail, value=subject)
    tag = fields.get("Tag", "")
    if len(tag) * 2 > limits.MAX_TAG_UNITS and utf16_units(tag) > limits.MAX_TAG_UNITS:
        detail = f"{utf16_units(tag):,} characters; {limits.MAX_TAG_UNITS:,} are possible (Postmark)"
        draft.blame("tag", Code.TAG_TOO_LONG, detail, value=tag)


def _check_metadata(draft: Draft, metadata: dict[str, str]) -> None:
    for key, value in metadata.items():
        if utf16_units(value) > limits.MAX_METADATA_VALUE_UNITS:
            detail = (
                f"{value[:40]!r}… has {utf16_units(value)} characters; "
                f"{limits.MAX_METADATA_VALUE_UNITS} are possible (Postmark)"
            )
            draft.blame(f"metadata.{key}", Code.METADATA_TOO_LONG, detail, value=value)
        elif "@" in value:
            detail = "an e-mail address in metadata is personal data in Postmark's logs; an id would do"
            draft.blame(f"metadata.{key}", Code.METADATA_HOLDS_ADDRESS, detail, value=value)


def _check_bodies(draft: Draft, payload: Payload) -> None:
    markup, text = payload.fields.get("HtmlBody", ""), payload.fields.get("TextBody", "")
    if (not markup or markup.isspace()) and (not text or text.isspace()):
        blamed = {problem.field for problem in draft.problems}
        if not blamed & {"html_body", "text_body"}:
            part = "html_body" if draft.values.get("html_body") is not None else "text_body"
            detail = "there is no text in any body; Postmark wants one of them (ErrorCode 300)"
            draft.blame(part, Code.EMPTY_BODY, detail)
        return
    for part, body in (("html_body", markup), ("text_body", text)):
        if len(body) * 4 > limits.MAX_BODY_BYTES:
            size = len(body.encode("utf-8", "replace"))
            if size > limits.MAX_BODY_BYTES:
                detail = f"{size:,} bytes; {limits.MAX_BODY_BYTES:,} are possible (Postmark)"
                draft.blame(part, Code.BODY_TOO_LARGE, detail)
    for fault in link_faults(markup, payload.link_names):
        draft.blame("html_body", Code.UNSAFE_LINK, fault)
    if payload.may_show_inline or draft.pieces:
        _check_content_ids(draft, markup)


def _check_content_ids(draft: Draft, markup: str) -> None:
    inline = {piece.content_id.removeprefix("cid:").lower() for piece in draft.pieces if piece.content_id}
    if not inline and "cid:" not in markup and "CID:" not in markup:
        return
    used = _content_ids(markup)
    for missing in sorted(used - inline):
        detail = f"the HTML shows cid:{missing}, and no attachment has that content_id"
        draft.blame("html_body", Code.UNKNOWN_CONTENT_ID, detail, value=f"cid:{missing}")
    for unused in sorted(inline - used):
        detail = f"the inline image cid:{unused} is shown nowhere in the HTML; drop its content_id for an ordinary file"
        draft.blame("attachments", Code.UNUSED_CONTENT_ID, detail, value=f"cid:{unused}")


def _content_ids(markup: str) -> set[str]:
    """The content ids that attributes and styles point to; a text about "lucid:thing" points to none."""
    text = markup.lower() if "CID:" in markup else markup
    found = _CID.finditer(text)
    return {
        html.unescape(one.group(1)).lower()
        for one in found
        if _BEFORE_CID.search(text, max(0, one.start() - 9), one.start())
    }


def check_letter(bound: BoundLetter) -> Iterator[Problem]:
    """What can be said of a letter for all rows: a broadcast without a text part or an unsubscribe link."""
    if bound.sources.get("message_stream") != limits.BROADCAST_STREAM:
        return
    if "text_body" not in bound.sources:
        detail = "a broadcast without a text part; some people and most spam filters read that one"
        yield Problem(None, "text_body", Code.NO_TEXT_PART, detail)
    for part in ("html_body", "text_body"):
        sources = bound.templates.get(part, ())
        if sources and not any("pm:unsubscribe" in source or "unsubscribe_url" in source for source in sources):
            detail = "a broadcast without {{{ pm:unsubscribe }}}; Postmark then adds a footer link of its own"
            yield Problem(None, part, Code.NO_UNSUBSCRIBE, detail)
