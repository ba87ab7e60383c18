"""A letter of a campaign as a preview shows it: its rows as they are, or masked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mailframe.letter.jinja.compiling import compile_part
from mailframe.letter.jinja.values import GivenValues
from mailframe.message.binding import rebound
from mailframe.message.payload import POSTMARK_NAMES
from mailframe.message.pipeline import Preparer
from mailframe.message.preflight import letter_problems
from mailframe.message.template_fields import ALIAS_NAME, ID_NAME
from mailframe.review.preview.masking import MaskingEnvironment, masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailframe.message.binding import BoundLetter
    from mailframe.problems import Problem

_MASKED_HTML: Final = "The HTML comes directly from the frame and is masked."


class ShownLetter:
    """A letter that is bound to the frame of a campaign.

    Args:
        bound: the letter.
        mask: whether to show the shape of values instead of the values.

    Attributes:
        real: prepares rows as they are sent.
        shown: prepares rows as they are shown.
        columns: the columns that the letter uses, by name.
    """

    def __init__(self, bound: BoundLetter, *, mask: bool) -> None:
        self._bound = bound
        self.real = Preparer(bound)
        self.shown = Preparer(_masking(bound)) if mask else self.real
        self.columns = {column.name: column for column in bound.columns}
        self._columns_read: dict[str, set[object]] = {}
        self._problems: list[Problem] | None = None

    def columns_read(self, field: str) -> set[object]:
        """The columns that the templates of a field read."""
        if field not in self._columns_read:
            bound = self._bound
            names = [
                compile_part(bound.environment(part), value, name=part)[1]
                for part, value in bound.letter.parts()
                if part.partition("[")[0] == field and isinstance(value, str)
            ]
            self._columns_read[field] = {name for used in names for name in used.read}
        return self._columns_read[field]

    def problems(self, columns: Iterable[object]) -> list[Problem]:
        """The problems of every row of the letter, such as a link without a scheme.

        Args:
            columns: the columns of the frame.
        """
        if self._problems is None:
            self._problems = letter_problems(self._bound, columns)
        return self._problems

    def without_varying(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields, with those masked that come from the frame without a template.

        Not the attachments: a masked letter has only those that are the same in all rows.
        """
        varying = {
            POSTMARK_NAMES[part.replace("[", ".").partition(".")[0]]
            for part, source in self._bound.sources.items()
            if isinstance(source, GivenValues) and not part.startswith("attachments")
        }
        return {
            name: masked_field(name, value) if name in varying else value
            for name, value in fields.items()
        }


def _masking(bound: BoundLetter) -> BoundLetter:
    """The letter with masked values, and with the attachments that are the same in all rows."""
    constant = tuple(
        (attachment, piece) for attachment, piece in bound.attachments if piece is not None
    )
    return rebound(replace(bound, attachments=constant), MaskingEnvironment)


def masked_field(name: str, value: Any) -> Any:
    """The shape of a field that comes from the frame as it is."""
    if name == "HtmlBody":
        return _MASKED_HTML
    if name in (ALIAS_NAME, ID_NAME):  # the name of one of the templates of the server, no data
        return value
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, bool):
        return value
    return _masked_value(value) if isinstance(value, dict) else []


def _masked_value(value: Any) -> Any:
    """A value of metadata or of a model: the same lists, names and truth values."""
    if isinstance(value, dict):
        return {key: _masked_value(one) for key, one in value.items()}
    if isinstance(value, list):
        return list(map(_masked_value, value))
    return value if isinstance(value, bool) else masked(str(value))
