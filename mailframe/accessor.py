"""``df.mail``: a door without state. pandas builds a new accessor at every access, so nothing can live here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

import pandas as pd

from mailframe import campaign
from mailframe.errors import AccessorError, FrameError
from mailframe.results import csv, excel
from mailframe.results import frame as results

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from mailframe.letter.letter import Letter

_NO_VALUES: Final = 'df.mail is mailframe and holds no values; the column is df["mail"]'


class MailAccessor:
    """What a frame can do with mail: ``compose`` for any frame, the others for results frames.

    A column that is called ``mail`` is ``df["mail"]``. What only a column has is refused here with these words.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def compose(
        self,
        letter: Letter | None = None,
        *,
        name: str | None = None,
        key: str | Sequence[str] | None = None,
        **letter_fields: Any,
    ) -> campaign.Campaign:
        """A campaign over this frame; the same as ``mf.compose(df, …)``.

        >>> people = pd.DataFrame({"email": ["ann@example.com"]})
        >>> people.mail.compose(sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="hello")
        <Campaign 'hello': 1 row, <Letter: sender, to, subject, text_body>>
        """
        return campaign.compose(self._frame, letter, name=name, key=key, **letter_fields)

    def summary(self) -> pd.DataFrame:
        """Of a results frame: how many rows came to which status, ErrorCode and reason.

        Raises:
            ResultsError: this frame is no results frame.
        """
        return results.summary(self._frame)

    def to_csv(self, path: str | os.PathLike[str], excel_safe: bool = False) -> None:  # noqa: FBT002 - fixed by product.md
        """Write a results frame so that ``mf.read_results`` gives the identical frame back.

        Args:
            path: of the CSV file; its column types go into ``<path>-metadata.json`` beside it (W3C CSVW).
                ``.gz``, ``.bz2``, ``.xz`` and ``.zip`` compress it, as in pandas; ``~`` is the home folder.
            excel_safe: make cells harmless that a spreadsheet would run, such as ``=cmd|…``.

        Raises:
            ResultsError: this frame is no results frame, or cannot be written.
        """
        csv.write_csv(self._frame, path, excel_safe=excel_safe)

    def to_excel(self, path: str | os.PathLike[str]) -> None:
        """Write a results frame as an Excel file, for reading; ``mf.read_results`` reads CSV alone.

        Text stays text: zip codes keep their zeros and no cell is run as a formula. Stamps are UTC without a zone,
        to the millisecond, for Excel knows no zones; whole numbers of more than 15 digits are text.

        Args:
            path: of the ``.xlsx`` file; one that is there is replaced. ``~`` is the home folder.

        Raises:
            MissingExtra: openpyxl is not installed: ``pip install "mailframe[excel]"``.
            ResultsError: this frame is not a results frame, or Excel cannot hold it.
        """
        excel.write_excel(self._frame, path)

    def __repr__(self) -> str:
        return f"<mail of a frame of {len(self._frame):,} rows: {_verbs()}>"

    def __getattr__(self, name: str) -> NoReturn:
        said = f"df.mail has no {name!r}; it has {_verbs()}"
        if not name.startswith("_") and self._has_column():
            said = f'df.mail is mailframe and has no {name!r}; the column is df["mail"]: write df["mail"].{name}'
        raise AccessorError(said, name=name, obj=self)

    def __getitem__(self, place: object) -> NoReturn:
        raise FrameError(
            f'df.mail is mailframe and holds no values; the column is df["mail"]: df["mail"][{place!r}]'
        )

    def __setitem__(self, place: object, value: object) -> NoReturn:
        raise FrameError(
            f'df.mail[…] = … sets no value, for df.mail is mailframe; write df.loc[{place!r}, "mail"] = …'
        )

    def __iter__(self) -> NoReturn:
        # pandas asks for both: without them df["x"] = df.mail would put the accessor into every cell.
        raise FrameError(_NO_VALUES)

    def __len__(self) -> int:
        raise FrameError(_NO_VALUES)

    def __bool__(self) -> bool:
        return True

    def __lt__(self, other: object) -> NoReturn:
        raise FrameError(
            'df.mail is mailframe and is compared with no value; the column is df["mail"]'
        )

    __le__ = __gt__ = __ge__ = __lt__

    def __eq__(self, other: object) -> bool:
        if self._has_column():
            raise FrameError(
                'df.mail is mailframe and equals no value; the column is df["mail"]: df["mail"] == …'
            )
        return self is other

    __hash__ = object.__hash__

    def _has_column(self) -> bool:
        frame = self.__dict__.get("_frame")  # a copy that is being made has none yet
        return frame is not None and "mail" in frame.columns


def _verbs() -> str:
    return ", ".join(
        name for name, value in vars(MailAccessor).items() if name[0] != "_" and callable(value)
    )


class _Door:
    """``mail`` as an attribute of frames: reading it gives the accessor, setting it is refused."""

    def __init__(self, accessor: type[MailAccessor]) -> None:
        self._accessor = accessor

    def __get__(
        self, frame: pd.DataFrame | None, kind: type | None = None
    ) -> MailAccessor | type[MailAccessor]:
        return self._accessor if frame is None else self._accessor(frame)

    def __set__(self, frame: pd.DataFrame, value: object) -> None:
        # No AttributeError: pandas would take one as a sign to try other ways silently.
        raise FrameError(
            'df.mail = … sets no column, for df.mail is mailframe; write df["mail"] = …'
        )

    def __delete__(self, frame: pd.DataFrame) -> None:
        raise AccessorError(
            'del df.mail deletes no column, for df.mail is mailframe; write del df["mail"]'
        )


def register() -> None:
    """Make ``df.mail`` known to pandas; a reload puts the new class in the place of the old one without a warning."""
    known = getattr(pd.DataFrame, "mail", None)
    if known is MailAccessor:
        return
    if isinstance(known, type) and (known.__module__, known.__qualname__) == (
        __name__,
        MailAccessor.__qualname__,
    ):
        delattr(pd.DataFrame, "mail")
    pd.api.extensions.register_dataframe_accessor("mail")(MailAccessor)
    # The attribute that pandas made lets ``df.mail = …`` hide it silently.
    pd.DataFrame.mail = _Door(MailAccessor)  # type: ignore[attr-defined]  # pandas-stubs knows no accessors
