"""compose: a frame and a letter become a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mailframe.campaign import Campaign
from mailframe.errors import LetterError
from mailframe.letter.letter import FIELDS, Letter
from mailframe.letter.suggestions import refuse_unknown
from mailframe.message.given_frame import FrameT, given_frame
from mailframe.message.groups import GROUPING, Grouping
from mailframe.message.keys import key_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LEAST_VARIANTS: Final = 2


def compose(
    df: FrameT,
    letter: Letter | None = None,
    *,
    name: str | None = None,
    key: str | Sequence[str] | None = None,
    consent: object = None,
    holdout: object = None,
    seed: str | int | None = None,
    variants: Mapping[str, Letter | Mapping[str, Any]] | None = None,
    weights: Mapping[str, float] | Iterable[float] | None = None,
    variant: object = None,
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
        seed: text or a whole number for the holdout and the variants; by default the name.
        variants: several letters by name, of which each row gets one: a Letter, or the fields in
            which the variant differs from *letter*. The key and the seed decide, as for *holdout*;
            the results have the column ``variant``.
        weights: how often each variant is taken, by name or in their order; by default equally.
        variant: a column with the name of each row's variant, or what varies by row, in place of
            *weights*.
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
    refuse_unknown(letter_fields, [*FIELDS, "letter", "name", "key", "variants", *GROUPING])
    whole = (letter or Letter()).replace(**letter_fields)
    letters = _letters(variants, whole, letter_fields)
    return Campaign(
        frame=given,
        letter=next(iter(letters.values()), whole),
        name=name,
        key=key_columns(given.rows, key),
        grouping=Grouping(
            consent=consent, holdout=holdout, seed=seed, weights=weights, variant=variant
        ),
        variants=letters,
    )


def _letters(variants: object, letter: Letter, fields: Mapping[str, Any]) -> dict[str, Letter]:
    """The letter of each variant.

    Args:
        variants: the argument.
        letter: the letter that a variant of fields differs from.
        fields: the fields that were given beside it, which a whole letter gets, too.

    Raises:
        LetterError: *variants* is not at least two letters by name.
    """
    if variants is None:
        return {}
    if not isinstance(variants, Mapping) or len(variants) < _LEAST_VARIANTS:
        raise LetterError(
            "variants= takes two letters or more by name, such as "
            "{'plain': letter_a, 'bold': letter_b}"
        )
    letters: dict[str, Letter] = {}
    for name, one in variants.items():
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise LetterError(f"variants= has the name {name!r}, which is not a printable text")
        if isinstance(one, Mapping):
            refuse_unknown(one, FIELDS)
            letters[name] = letter.replace(**one)
        elif isinstance(one, Letter):
            letters[name] = one.replace(**fields)
        else:
            raise LetterError(
                f"variants= has a {type(one).__name__} for {name!r}; give an mf.Letter, or a "
                "mapping of fields"
            )
    if len({one.template is None for one in letters.values()}) > 1:
        raise LetterError(
            "variants= has letters with bodies and letters with a template at Postmark, which are "
            "posted differently; send them as two campaigns"
        )
    return letters
