"""One message, as it is posted, as Jupyter shows it: the header, and the body in its frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.limits import DEFAULT_STREAM
from mailframe.message.payload import POSTMARK_NAMES, content_bytes
from mailframe.message.template_fields import MODEL_NAME, model_lines, template_of
from mailframe.pages.card import card
from mailframe.pages.mail import Mail, ShownAttachment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.pages.mail import RenderedTemplate


_HEADER_PARTS: Final = ("sender", "to", "cc", "bcc", "reply_to")


def message_card(payload: Mapping[str, Any], *, size: int) -> str:
    """The message as HTML.

    Args:
        payload: Postmark's fields.
        size: the bytes that are posted.
    """
    return str(card(posted_mail(payload, size=f"{size:,} bytes")))


def posted_mail(
    posted: Mapping[str, Any], *, size: str, recipients: Mapping[str, tuple[str, str]] | None = None
) -> Mail:
    """What a page shows of a message: its header, its parts and its attachments.

    Args:
        posted: Postmark's fields, as they are posted.
        size: the size, in words.
        recipients: recipients that are not valid: what is shown, and what is wrong in a word or
            two, by the name of their field.
    """
    texts = {name: text for name, (text, _) in (recipients or {}).items()}
    return Mail(
        headers=(*_headers({**posted, **texts}), ("Size", size)),
        not_valid={name: fault for name, (_, fault) in (recipients or {}).items()},
        subject=posted.get("Subject", ""),
        html=posted.get("HtmlBody"),
        text=posted.get("TextBody"),
        payload=_cut(posted),
        attachments=tuple(_attachments(posted)),
        inline=_inline(posted),
        **(_of_template(posted) if MODEL_NAME in posted else {}),
    )


def _of_template(posted: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of a message whose mail Postmark makes."""
    template = template_of(posted)
    about = (
        f"Postmark renders this mail with its template {template!r}; "
        "campaign.preview(server=server) shows it."
    )
    return {
        "model": tuple(model_lines(posted[MODEL_NAME])) if posted[MODEL_NAME] else (),
        "about": about if template is not None else "This row has no template.",
        "no_subject": "the subject of the template",
        "no_html": "The HTML part is made by Postmark.",
        "no_text": "The text part is made by Postmark.",
    }


def rendered_mail(mail: Mail, rendered: RenderedTemplate) -> Mail:
    """A message with a template, with the mail that Postmark made of it."""
    return replace(
        mail,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        about=rendered.about,
        no_html="The template has no HTML part.",
        no_text="The template has no text part.",
    )


def _headers(posted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The header as mail programs show it, then what Postmark does with the message.

    Not all fields: attachments and bodies have places of their own, and ``TrackOpens`` and
    ``TrackLinks`` change nothing that a recipient sees; the payload has them.
    """
    for part in _HEADER_PARTS:
        name = POSTMARK_NAMES[part]
        yield ("Reply-To" if part == "reply_to" else name, posted.get(name, ""))
    yield "Template", str(template_of(posted) or "")
    yield "Tag", posted.get("Tag", "")
    yield "Stream", posted.get("MessageStream", f"{DEFAULT_STREAM} (Postmark's default)")
    metadata, headers = posted.get("Metadata", {}), posted.get("Headers", [])
    yield "Metadata", " · ".join(f"{key}={value}" for key, value in metadata.items())
    yield "Headers", " · ".join(f"{pair['Name']}: {pair['Value']}" for pair in headers)


def _cut(posted: Mapping[str, Any]) -> str:
    """The payload as JSON, without the content of attachments."""
    short = dict(posted)
    if "Attachments" in short:
        short["Attachments"] = [
            {**file, "Content": f"<{content_bytes(file):,} bytes in base64>"}
            for file in short["Attachments"]
        ]
    return orjson.dumps(short, option=orjson.OPT_INDENT_2).decode()


def _attachments(posted: Mapping[str, Any]) -> Iterator[ShownAttachment]:
    for file in posted.get("Attachments", []):
        size = content_bytes(file)
        yield ShownAttachment(file["Name"], file["ContentType"], size, file.get("ContentID", ""))


def _inline(posted: Mapping[str, Any]) -> dict[str, str]:
    """The inline images: content ID in lower case to ``data:`` address."""
    return {
        file["ContentID"]
        .removeprefix("cid:")
        .lower(): f"data:{file['ContentType']};base64,{file['Content']}"
        for file in posted.get("Attachments", [])
        if file.get("ContentID")
    }
