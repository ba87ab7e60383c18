"""compose: a frame and a letter become a campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailframe.campaign import Campaign
from mailframe.errors import LetterError
from mailframe.letter.letter import FIELDS, Letter
from mailframe.letter.suggestions import refuse_unknown
from mailframe.message.given_frame import FrameT, given_frame
from mailframe.message.groups import GROUPING, Grouping
from mailframe.message.keys import key_columns

if TYPE_CHECKING:
    from collections.abc import Sequence


def compose(
    df: FrameT,
    letter: Letter | None = None,
    *,
    name: str | None = None,
    key: str | Sequence[str] | None = None,
    consent: object = None,
    holdout: object = None,
    seed: str | int | None = None,
    **letter_fields: Any,
) -> Campaign[FrameT]:
    """A campaign with one message per row of *df*. Nothing is rendered or sent yet.

    Args:
        df: one row per message: a DataFrame of pandas or polars, a pyarrow Table, a DuckDB relation
            (its query runs once), or another frame with the Arrow PyCapsule interface. It is
            copied, so later changes to it have no effect.
        letter: the templates; its fields can also be given, or replaced, one by one.
        name: the campaign's name; white space around it and its Unicode normal form are ignored.
        key: the column, or columns, that identify a row; by default the address.
        consent: a column of truth values, or what varies by row: only these people get the message,
            and the other rows are ``skipped`` with the reason ``no_consent``. A missing value is no
            consent.
        holdout: the share of people who get nothing, for a comparison, such as ``0.05``; or a
            column of truth values, or what varies by row. They are ``skipped`` with the reason
            ``holdout``. A share is decided by the key and the seed, so that a row is in the holdout
            in every run or in none.
        seed: text or a whole number for the holdout; by default the name.
        **letter_fields: fields of ``mf.Letter``.

    Raises:
        NotAFrame: *df* is no frame.
        MissingExtra: *df* is not of pandas, and pyarrow is not installed.
        FrameError: the columns have several levels, or a column does not exist, or one that should
            have truth values has others.
        LetterError: a template does not compile, or uses columns that *df* does not have; or a
            share is asked for without a key.

    >>> people = pd.DataFrame({"email": ["ann@example.com"], "name": ["Ann"]})
    >>> letter = mf.Letter(sender="me@acme.example", to="{{ email }}", text_body="Hi {{ name }}")
    >>> compose(people, letter, subject="Hi", name="hi")
    <Campaign 'hi': 1 row, subject 'Hi'>
    """
    given: Any = given_frame(df)
    if letter is not None and not isinstance(letter, Letter):
        raise LetterError(
            f"compose takes an mf.Letter, not a {type(letter).__name__}; "
            "mf.Letter.load reads a folder"
        )
    refuse_unknown(letter_fields, [*FIELDS, "letter", "name", "key", *GROUPING])
    whole = (letter or Letter()).replace(**letter_fields)
    grouping = Grouping(consent=consent, holdout=holdout, seed=seed)
    columns = key_columns(given.rows, key)
    return Campaign(frame=given, letter=whole, name=name, key=columns, grouping=grouping)
