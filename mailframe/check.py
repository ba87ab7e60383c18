"""Small functions, each a payload in and problems out: every limit of Postmark, and what no mail should carry."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mailframe import limits
from mailframe.limits import utf16_units
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.binding import BoundLetter
    from mailframe.payload import Payload
    from mailframe.render import Draft

SAFE_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})
"""What a link or an image of a mail may point to; mail clients drop or block the rest, some of it runs."""
_LINK: Final = re.compile(r"(?:href|src)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*))", re.IGNORECASE)
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_IGNORED_IN_URLS: Final = re.compile("[\x00-\x20]")  # browsers drop them: "java\tscript:" runs
_CONTENT_ID: Final = re.compile(r"cid:([^\"'\s>)]+)", re.IGNORECASE)


def check(draft: Draft, payload: Payload) -> None:
    """Note every problem of a payload in its draft."""
    fields = payload.fields
    _check_lengths(draft, fields)
    if "Metadata" in fields:
        _check_metadata(draft, fields["Metadata"])
    if len(payload.mailboxes) > limits.MAX_RECIPIENTS:
        detail = (
            f"{len(payload.mailboxes)} recipients in To, Cc and Bcc; {limits.MAX_RECIPIENTS} are possible (Postmark)"
        )
        draft.blame("to", Code.TOO_MANY_RECIPIENTS, detail)
    _check_bodies(draft, fields)


def _check_lengths(draft: Draft, fields: dict[str, Any]) -> None:
    subject = fields.get("Subject", "")
    if len(subject) * 2 > limits.MAX_SUBJECT_UNITS and utf16_units(subject) > limits.MAX_SUBJECT_UNITS:
        detail = f"{utf16_units(subject):,} characters; {limits.MAX_SUBJECT_UNITS:,} are possible (Postmark)"
        draft.blame("subject", Code.SUBJECT_TOO_LONG, detail)
    tag = fields.get("Tag", "")
    if len(tag) * 2 > limits.MAX_TAG_UNITS and utf16_units(tag) > limits.MAX_TAG_UNITS:
        detail = f"{utf16_units(tag):,} characters; {limits.MAX_TAG_UNITS:,} are possible (Postmark)"
        draft.blame("tag", Code.TAG_TOO_LONG, detail)


def _check_metadata(draft: Draft, metadata: dict[str, str]) -> None:
    for key, value in metadata.items():
        if utf16_units(value) > limits.MAX_METADATA_VALUE_UNITS:
            detail = (
                f"{value[:40]!r}… has {utf16_units(value)} characters; "
                f"{limits.MAX_METADATA_VALUE_UNITS} are possible (Postmark)"
            )
            draft.blame(f"metadata.{key}", Code.METADATA_TOO_LONG, detail)
        elif "@" in value:
            detail = "an e-mail address in metadata is personal data in Postmark's logs; an id would do"
            draft.blame(f"metadata.{key}", Code.METADATA_HOLDS_ADDRESS, detail)


def _check_bodies(draft: Draft, fields: dict[str, Any]) -> None:
    markup, text = fields.get("HtmlBody", ""), fields.get("TextBody", "")
    if not markup.strip() and not text.strip():
        blamed = {problem.field for problem in draft.problems}
        if not blamed & {"html_body", "text_body"}:
            draft.blame(
                "html_body",
                Code.EMPTY_BODY,
                "both bodies are empty; Postmark wants one of them (ErrorCode 300)",
            )
        return
    for part, body in (("html_body", markup), ("text_body", text)):
        if len(body) * 4 > limits.MAX_BODY_BYTES:
            size = len(body.encode("utf-8", "replace"))
            if size > limits.MAX_BODY_BYTES:
                detail = f"{size:,} bytes; {limits.MAX_BODY_BYTES:,} are possible (Postmark)"
                draft.blame(part, Code.BODY_TOO_LARGE, detail)
    for fault in _link_faults(markup):
        draft.blame("html_body", Code.UNSAFE_LINK, fault)
    _check_content_ids(draft, markup)


def _link_faults(markup: str) -> Iterator[str]:
    """What is wrong with the addresses that links and images of an HTML body point to."""
    folded = markup.lower()
    for name in ("href", "src"):
        at = folded.find(name)
        while at >= 0:
            found = _LINK.match(markup, at)
            if found:
                fault = _url_fault(found.group(1) or found.group(2) or found.group(3) or "", name)
                if fault:
                    yield fault
            at = folded.find(name, at + 3)


@lru_cache(maxsize=1024)
def _url_fault(url: str, attribute: str) -> str:
    plain = _IGNORED_IN_URLS.sub("", html.unescape(url) if "&" in url else url)
    scheme = _SCHEME.match(plain)
    if not scheme or scheme.group(1).lower() in SAFE_SCHEMES:
        return ""
    if attribute == "src" and plain.lower().startswith("data:image/"):
        return ""
    return f"{attribute}={url[:60]!a} points to {scheme.group(1)}:; a mail may use {', '.join(sorted(SAFE_SCHEMES))}"


def _check_content_ids(draft: Draft, markup: str) -> None:
    inline = {piece.content_id.removeprefix("cid:").lower() for piece in draft.pieces if piece.content_id}
    if not inline and "cid:" not in markup:
        return
    used = {html.unescape(found).lower() for found in _CONTENT_ID.findall(markup)}
    for missing in sorted(used - inline):
        detail = f"the HTML shows cid:{missing}, and no attachment has that content_id"
        draft.blame("html_body", Code.UNKNOWN_CONTENT_ID, detail)
    for unused in sorted(inline - used):
        detail = f"the inline image cid:{unused} is shown nowhere in the HTML; drop its content_id for an ordinary file"
        draft.blame("attachments", Code.UNUSED_CONTENT_ID, detail)


def check_letter(bound: BoundLetter) -> Iterator[Problem]:
    """What can be said of a letter for all rows: a broadcast without a text part or an unsubscribe link."""
    if bound.sources.get("message_stream") != limits.BROADCAST_STREAM:
        return
    if "text_body" not in bound.sources:
        detail = "a broadcast without a text part; some people and most spam filters read that one"
        yield Problem(None, "text_body", Code.NO_TEXT_PART, detail)
    for part in ("html_body", "text_body"):
        environment = bound.environment(part)
        sources = environment.sources.values() if isinstance(getattr(bound.letter, part), str) else ()
        if sources and not any("pm:unsubscribe" in source or "unsubscribe_url" in source for source in sources):
            detail = "a broadcast without {{{ pm:unsubscribe }}}; Postmark then adds a footer link of its own"
            yield Problem(None, part, Code.NO_UNSUBSCRIBE, detail)
