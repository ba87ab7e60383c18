"""``mf.image``: pictures and charts in a message, each with an attachment of its own."""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections import OrderedDict
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pandas as pd
from markupsafe import escape

from mailframe.errors import LetterError, MissingExtra
from mailframe.letter.attachment import Attachment
from mailframe.letter.attachment_files import AttachmentFault, EncodedAttachment, check_size
from mailframe.letter.jinja.values import PrintedImage
from mailframe.letter.row_functions import Row, RowFunction, refuse_column
from mailframe.message.image_files import image_file, image_size
from mailframe.notebook import rows_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from mailframe.notebook import RowsBar

MAX_KEPT_BYTES: Final = 64_000_000
"""Of drawn images, which are kept for other rows with the same values."""
_ID_DIGITS: Final = 20
_NOT_SENDABLE: Final = "the function or its row cannot be sent to another process"
_DRAWING: Final = RLock()
_PLACEHOLDER: Final = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"
)
"""A GIF of one transparent pixel."""


@dataclass(frozen=True, slots=True)
class InlineImage:
    """A picture that is shown in HTML parts; other parts print its alternative text.

    ``mf.image`` makes it. Called with a frame, it is the column that has it in each row.

    Attributes:
        content: the file.
        extension: ``png``, ``jpg`` or ``gif``.
        alt: the text for readers who do not see the picture.
        width: of the picture on the screen, in pixels of CSS.
        height: the same.
    """

    content: bytes
    extension: str
    alt: str
    width: int
    height: int

    def __call__(self, frame: pd.DataFrame) -> pd.Series[Any]:
        """The column of a frame."""
        return pd.Series([self] * len(frame), index=frame.index, dtype=object)

    def __repr__(self) -> str:
        return f"<image: {self.alt!r}, {self.width}x{self.height}>"

    def printed(self) -> PrintedImage:
        """The value of a template, with the attachment that it needs."""
        digest = hashlib.sha256(self.content).hexdigest()[:_ID_DIGITS]
        name = f"image-{digest}.{self.extension}"
        settings = Attachment(name, self.content, content_id=name)
        encoded = EncodedAttachment.of(name, self.content, settings)
        html = (
            f'<img src="cid:{name}" alt="{escape(self.alt)}" width="{self.width}" '
            f'height="{self.height}" style="max-width:100%;height:auto;border:0">'
        )
        return PrintedImage(self.alt, html=html, url=f"cid:{name}", attachment=encoded)


def image(
    source: Any,
    *,
    alt: str | Callable[[Row], str],
    width: int | None = None,
    processes: int | None = None,
) -> Any:
    """A picture or chart for each row, or one for all rows, with its own attachment.

    ``{{ chart }}`` prints the ``<img>`` in HTML, with its size, and the alternative text elsewhere.

    Args:
        source: a function that draws one figure from a row, ``row["plan"]`` or ``row.plan``; or a
            figure of Matplotlib, Plotly or Altair, a Pillow image, bytes of a PNG, JPEG or GIF, or
            the path of such a file. A function is called when a message needs the picture, and
            once for all rows with the same values in the columns that it reads.
        alt: the text for readers who do not see the picture, empty for a decoration; a function of
            the row if *source* is one.
        width: of the picture on the screen, in pixels of CSS; by default that of the figure, or the
            pixels of the file.
        processes: the number of processes that draw; by default this one alone. Needs joblib:
            ``pip install "mailframe[charts]"``.

    Returns:
        A value for ``DataFrame.assign``, or for ``mf.Letter(constants=)``.

    Raises:
        LetterError: *source* is nothing of these, *alt* is no text, or *processes* no number of
            processes.

    >>> dot = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000"
    ...                     "010001000002014400 3b".replace(" ", ""))
    >>> people = pd.DataFrame({"email": ["ann@example.com"]}).assign(dot=mf.image(dot, alt="."))
    >>> message = people.mail.compose(sender="me@acme.example", to="{{ email }}", subject="Hi",
    ...     html_body="<p>{{ dot }}</p>", text_body="{{ dot }}").message(0).payload
    >>> message["TextBody"], message["Attachments"][0]["ContentType"]
    ('.', 'image/gif')
    """
    _check_positive("processes", processes)
    refuse_column(source, call="mf.image")
    refuse_column(alt, call="mf.image(alt=)")
    if callable(source) and not isinstance(source, InlineImage):
        return RowFunction(_ImageOfRow(source, alt, width, processes))
    return _read(source, alt=_checked_alt(alt), width=width)


class _ImageOfRow:
    """Draws the picture of a row, once for all rows with the same values in what it reads."""

    makes_html: ClassVar[bool] = True

    def __init__(
        self,
        draw: Callable[[Row], Any],
        alt: str | Callable[[Row], str],
        width: int | None,
        processes: int | None,
    ) -> None:
        self._draw, self._alt, self._width, self._processes = draw, alt, width, processes
        self._drawn = _Drawn()

    def __call__(self, row: Row) -> Any:
        alt = _checked_alt(self._alt(row) if callable(self._alt) else self._alt)
        kept = self._drawn.of(row)
        if kept is None:
            recording = row._recording()  # noqa: SLF001 - not a name of the row
            kept, read = _drawn_in_process(self._draw, self._width, recording)
            row._note(read._names_read)  # noqa: SLF001 - not names of the row
            if kept is None:
                return None
            self._drawn.keep(read, kept)
        return InlineImage(kept.content, kept.extension, alt, kept.width, kept.height)

    def undrawn(self, row: Row) -> InlineImage:
        """A placeholder with the alternative text of the row; nothing is drawn."""
        alt = _checked_alt(self._alt(row) if callable(self._alt) else self._alt)
        return InlineImage(_PLACEHOLDER, "gif", alt, 1, 1)

    def __repr__(self) -> str:
        return getattr(self._draw, "__qualname__", repr(self._draw))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._draw, self._alt, self._width, self._processes)

    def prepare(self, rows: Sequence[Row]) -> None:
        """Draw the pictures of several rows, with a progress bar if it takes long.

        Raises:
            MissingExtra: several processes were asked for, and joblib is not installed.
        """
        missing = [row for row in rows if self._drawn.of(row) is None]
        with rows_bar("pictures", len(missing)) as bar:
            if self._processes is not None and len(missing) > 1:
                self._draw_one(missing.pop(0))  # it tells which columns are read
                missing = self._drawn.distinct(missing)
                self._draw_elsewhere(missing, bar)
                return
            for row in missing:
                if self._drawn.of(row) is None:
                    self._draw_one(row)
                bar.update()

    def _draw_one(self, row: Row) -> None:
        with suppress(Exception):  # it is raised again where the picture is printed
            self._keep(*_drawn_in_process(self._draw, self._width, row._recording()))  # noqa: SLF001

    def _draw_elsewhere(self, rows: Sequence[Row], bar: RowsBar) -> None:
        try:
            import joblib  # noqa: PLC0415 - an extra
        except ImportError:
            raise MissingExtra("mf.image(processes=…)", "charts") from None
        if joblib.effective_n_jobs(self._processes) > 1:
            sent = self._draw, [row._alone() for row in rows[:1]]  # noqa: SLF001 - not a name of the row
            try:  # before a process starts: later, a thread of joblib may print a KeyError, too
                pickle.dumps(joblib.wrap_non_picklable_objects(sent))
            except Exception as error:
                raise self._refused(_NOT_SENDABLE) from error
        pool = joblib.Parallel(n_jobs=self._processes, return_as="generator")
        drawing = joblib.delayed(_drawn_or_none)
        try:
            for drawn in pool(drawing(self._draw, self._width, row._alone()) for row in rows):  # noqa: SLF001
                if drawn is not None:
                    self._keep(*drawn)
                bar.update()
        except BrokenExecutor as error:
            raise self._refused(
                "a process that draws was killed, perhaps for want of memory"
            ) from error
        except pickle.PicklingError as error:
            raise self._refused(_NOT_SENDABLE) from error

    def _refused(self, why: str) -> LetterError:
        return LetterError(
            f"mf.image(processes={self._processes}): {why}; leave out processes=, and the "
            "pictures are drawn in this process"
        )

    def _keep(self, drawn: InlineImage | None, row: Row) -> None:
        if drawn is not None:
            self._drawn.keep(row, drawn)


def _drawn_in_process(
    draw: Callable[[Row], Any], width: int | None, row: Row
) -> tuple[InlineImage | None, Row]:
    """The picture of a row, and the row with the names of the columns that were read."""
    with _own_figures():
        source = draw(row)
        if source is None and _has_drawing():
            raise LetterError(
                "mf.image: the function drew a figure and returned None; end it with "
                "return plt.gcf()"
            )
        return (None if source is None else _read(source, alt="", width=width)), row


def _has_drawing() -> bool:
    """Whether the current figure of pyplot has axes; no figure is made."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot is not None and bool(pyplot.get_fignums()) and bool(pyplot.gcf().axes)


def _drawn_or_none(
    draw: Callable[[Row], Any], width: int | None, row: Row
) -> tuple[InlineImage | None, Row] | None:
    try:
        return _drawn_in_process(draw, width, row)
    except Exception:  # noqa: BLE001 - it is raised again where the picture is printed
        return None


@contextmanager
def _own_figures() -> Iterator[None]:
    """A row's own current figure and settings of Matplotlib, of which ``pyplot`` has one each.

    Without this, ``plt.plot`` would draw into what another row or cell has left open. One picture
    is drawn at a time, because pyplot is not made for threads.
    """
    with _DRAWING:
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            try:
                yield
            finally:
                _close_figures(set())
            return
        before = set(pyplot.get_fignums())
        current = pyplot.gcf().number if before else None
        with pyplot.rc_context():
            pyplot.figure()
            try:
                yield
            finally:
                _close_figures(before)
                if current is not None:
                    pyplot.figure(current)


def _close_figures(kept: set[int]) -> None:
    """Close the figures of pyplot but some, by number."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        for number in set(pyplot.get_fignums()) - kept:
            pyplot.close(number)


class _Drawn:
    """Drawn images by the values that were read to draw them; the ones used last are kept."""

    def __init__(self) -> None:
        self._images: OrderedDict[Hashable, InlineImage] = OrderedDict()
        self._names: dict[tuple[Hashable, ...], None] = {}
        self._bytes = 0
        self._lock = Lock()

    def of(self, row: Row) -> InlineImage | None:
        """The image of a row with the same values; None if there is none."""
        with self._lock:
            for names in self._names:
                key = row._key(names)  # noqa: SLF001 - not a name of the row
                if key is not None and (names, key) in self._images:
                    self._images.move_to_end((names, key))
                    row._note(names)  # noqa: SLF001 - not a name of the row
                    return self._images[names, key]
        return None

    def distinct(self, rows: Sequence[Row]) -> list[Row]:
        """One row for each set of values that has no image yet."""
        names = next(iter(self._names), None)
        if names is None:
            return list(rows)
        keys = {row._key(names): row for row in rows if self.of(row) is None}  # noqa: SLF001
        unknown = keys.pop(None, None)
        return [*keys.values(), *([] if unknown is None else [unknown])]

    def keep(self, read: Row, drawn: InlineImage) -> None:
        """Keep an image with the values that were read."""
        names = read._names_read  # noqa: SLF001 - not a name of the row
        key = read._key(names)  # noqa: SLF001 - not a name of the row
        if key is None:
            return
        with self._lock:
            self._names[names] = None
            self._images[names, key] = drawn
            self._bytes += len(drawn.content)
            while self._bytes > MAX_KEPT_BYTES and len(self._images) > 1:
                self._bytes -= len(self._images.popitem(last=False)[1].content)


def _check_positive(name: str, number: object) -> None:
    if number is not None and not (type(number) is int and number > 0):
        raise LetterError(f"mf.image: {name} is {number!r}; give a whole number from 1")


def _checked_alt(alt: Any) -> str:
    if not isinstance(alt, str):
        only = ", which only a function that draws can have" if callable(alt) else ""
        raise LetterError(
            f"mf.image: alt is a {type(alt).__name__}{only}; give text, or '' for a decoration"
        )
    return str(alt)


def _read(source: Any, *, alt: str, width: int | None) -> InlineImage:
    """The image of a source that is no function."""
    content, scale = (source.content, 1) if isinstance(source, InlineImage) else image_file(source)
    extension, pixels = image_size(content)
    try:
        check_size(f"image.{extension}", len(content))
    except AttachmentFault as fault:
        raise LetterError(f"mf.image: {fault}") from None
    _check_positive("width", width)
    shown = width or max(1, round(pixels[0] / scale))
    return InlineImage(content, extension, alt, shown, max(1, round(pixels[1] * shown / pixels[0])))
