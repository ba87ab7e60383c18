"""Loops written by hand: Jinja templates compiled once, 500 messages in a request.

They render the templates of the letter, escape HTML, and check nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from jinja2 import Environment

from benchmarks.letter import LETTER
from mailframe.letter.jinja.own_lines import keep_lines_with_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx
    import pandas as pd
    from jinja2 import Template

BATCH_MESSAGES: Final = 500


class Rendering(Protocol):
    """The compiled templates of a letter."""

    def message(self, record: Any) -> dict[str, Any]:
        """The mail of one row as Postmark's fields."""
        ...


def text_environment(**options: Any) -> Environment:
    """An environment for text, in which lines with nothing but tags leave no line, as in mailframe.

    It needs ``keep_lines_with_text`` for each template, which is applied when it is compiled.
    """
    return Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True, **options)  # noqa: S701 - text is no HTML


@dataclass(frozen=True, slots=True)
class Templates:
    """The letter's templates, compiled as Jinja's documentation shows it."""

    to: Template
    subject: Template
    tag: Template
    html_body: Template
    text_body: Template
    customer: Template

    @classmethod
    def compiled(cls) -> Templates:
        """All templates; only that of the HTML part escapes values."""
        plain, markup = text_environment(), Environment(autoescape=True)
        return cls(
            to=plain.from_string(str(LETTER.to)),
            subject=plain.from_string(str(LETTER.subject)),
            tag=plain.from_string(str(LETTER.tag)),
            html_body=markup.from_string(str(LETTER.html_body)),
            text_body=plain.from_string(keep_lines_with_text(str(LETTER.text_body))),
            customer=plain.from_string(str(dict(cast("Any", LETTER.metadata))["customer"])),
        )

    def message(self, record: Any) -> dict[str, Any]:
        """The mail of one row as Postmark's fields."""
        return {
            "From": LETTER.sender,
            "To": self.to.render(record),
            "Subject": self.subject.render(record),
            "Tag": self.tag.render(record),
            "HtmlBody": self.html_body.render(record),
            "TextBody": self.text_body.render(record),
            "Metadata": {"customer": self.customer.render(record)},
            "MessageStream": LETTER.message_stream,
        }


def records(frame: pd.DataFrame) -> Iterable[dict[Any, Any]]:
    """The rows of loop (a): ``to_dict`` of the whole frame."""
    return frame.to_dict("records")


def present(frame: pd.DataFrame) -> Iterable[dict[Any, Any]]:
    """The rows of loop (a) where cells can be missing: a missing cell is left out of its row."""
    cells = frame.astype(object).where(frame.notna(), None)
    for record in cells.to_dict("records"):
        yield {name: cell for name, cell in record.items() if cell is not None}


def iterated(frame: pd.DataFrame) -> Iterator[dict[Any, Any]]:
    """The rows of loop (b): one Series at a time."""
    for _, row in frame.iterrows():
        yield row.to_dict()


def parts(rows: Iterable[dict[Any, Any]], templates: Rendering) -> Iterator[list[dict[str, Any]]]:
    """The messages of each request, at most 500."""
    part: list[dict[str, Any]] = []
    for record in rows:
        part.append(templates.message(record))
        if len(part) == BATCH_MESSAGES:
            yield part
            part = []
    if part:
        yield part


def bodies(rows: Iterable[dict[Any, Any]], templates: Rendering) -> Iterator[bytes]:
    """The request bodies, 500 messages each."""
    return (encoded(part) for part in parts(rows, templates))


def encoded(part: list[dict[str, Any]]) -> bytes:
    """The body of a request."""
    return json.dumps(part).encode()


def sent(
    frame: pd.DataFrame,
    rows: Iterable[dict[Any, Any]],
    client: httpx.Client,
    templates: Rendering | None = None,
) -> pd.DataFrame:
    """Render, post, and join the answers to the rows.

    Raises:
        httpx.HTTPStatusError: the server refused a request.
    """
    answers: list[dict[str, Any]] = []
    for body in bodies(rows, templates or Templates.compiled()):
        answer = client.post("/email/batch", content=body).raise_for_status()
        answers += answer.json()
    columns: dict[str, Any] = {
        name: [item.get(name) for item in answers] for name in ("MessageID", "ErrorCode", "Message")
    }
    return frame.assign(**columns)
