"""The file of a picture: a figure as PNG, a file as it is, and its size in pixels."""

from __future__ import annotations

import struct
import sys
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np

from mailframe.errors import LetterError
from mailframe.letter.attachment_files import check_size

CSS_DPI: Final = 96
"""Pixels of CSS in an inch; a figure of 6 inches is 576 pixels wide."""
SHARP: Final = 2
"""Pixels of a drawn figure for each pixel of CSS, so that it is sharp on good screens."""
MAX_PIXELS: Final = 50_000_000
"""Of a drawn figure: it takes 200 MB of memory, and no screen shows it."""
_SHOWN: Final = 100
_TAKES: Final = (
    "a figure or axes of Matplotlib, a figure of Plotly or Altair, a Pillow image, bytes of a "
    "PNG, JPEG or GIF, a path, or a function of a row that returns one"
)


def image_file(source: Any) -> tuple[bytes, float]:
    """The file of a source, and its pixels for each pixel of CSS."""
    if isinstance(source, bytes | bytearray):
        return bytes(source), 1
    if isinstance(source, str | Path):
        return _of_path(source), 1
    source = _figure_of(source)
    if not isinstance(source, type):
        for attribute, draw, scale in _DRAWN:
            if hasattr(source, attribute):
                return draw(source), scale
    raise LetterError(f"mf.image takes {_TAKES}, not a {type(source).__name__}")


def _figure_of(source: Any) -> Any:
    """The figure of axes, which ``DataFrame.plot`` and seaborn return, or of an array of axes."""
    if isinstance(source, np.ndarray) and source.size and source.dtype == object:
        source = source.flat[0]
    figure = getattr(source, "figure", None)
    figure = getattr(figure, "figure", figure)  # of axes in a part of a figure
    return figure if hasattr(figure, "savefig") else source


def _of_path(path: str | Path) -> bytes:
    shown = f"{str(path)[:_SHOWN]!r}"
    if str(path).lower().startswith(("http:", "https:", "data:", "cid:")):
        raise LetterError(
            f"mf.image reads files, and {shown} is an address; write it as "
            "src of an img tag in the HTML"
        )
    try:
        file = Path(path).expanduser()
        check_size(file.name, file.stat().st_size)
        return file.read_bytes()
    except OSError as error:
        raise LetterError(f"mf.image: {shown}: {error.strerror}") from None
    except (ValueError, RuntimeError) as error:  # a NUL; ~name of an unknown user
        raise LetterError(f"mf.image: {shown}: {error}") from None


def _of_matplotlib(figure: Any) -> bytes:
    width, height = (inches * CSS_DPI * SHARP for inches in figure.get_size_inches())
    if not width * height <= MAX_PIXELS:
        raise LetterError(
            f"mf.image: the figure has {width:,.0f} by {height:,.0f} pixels, and "
            f"{MAX_PIXELS:,} are possible; make it smaller with figsize=, in inches"
        )
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=CSS_DPI * SHARP, metadata={"Software": None})
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)  # pyplot keeps each figure until it is closed
    return buffer.getvalue()


def _of_altair(chart: Any) -> bytes:
    buffer = BytesIO()
    chart.save(buffer, format="png", scale_factor=SHARP)
    return buffer.getvalue()


def _of_pillow(picture: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


_DRAWN: Final[tuple[tuple[str, Any, float], ...]] = (
    ("savefig", _of_matplotlib, SHARP),
    ("to_image", lambda figure: figure.to_image(format="png", scale=SHARP), SHARP),
    ("transform_filter", _of_altair, SHARP),
    ("getbands", _of_pillow, 1),
)
"""An attribute that tells whose figure it is, how it becomes a PNG, and pixels for one of CSS."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_GIF: Final = (b"GIF87a", b"GIF89a")
_JPEG: Final = b"\xff\xd8\xff"
_SIZES_OF_JPEG: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Segments with the size (ITU-T T.81, table B.1): start of frame, without tables."""


def image_size(content: bytes) -> tuple[str, tuple[int, int]]:
    """The extension of an image, and its width and height in pixels.

    Raises:
        LetterError: it is no PNG, JPEG or GIF, the formats that mail programs show.
    """
    try:
        if content.startswith(_PNG):
            return "png", _positive(*struct.unpack(">II", content[16:24]))
        if content.startswith(_GIF):
            return "gif", _positive(*struct.unpack("<HH", content[6:10]))
        if content.startswith(_JPEG):
            return "jpg", _positive(*_size_of_jpeg(content))
    except (struct.error, IndexError):
        raise LetterError("mf.image: the file is cut off before its size") from None
    kind = "an SVG" if b"<svg" in content[:1000] else "no PNG, JPEG or GIF"
    raise LetterError(
        f"mf.image: the file is {kind}; mail programs show PNG, JPEG and GIF, so save it as one"
    )


def _size_of_jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if content[at] != 0xFF:  # noqa: PLR2004 - the start of a marker
            raise IndexError
        marker = content[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - a byte that fills the place before a marker
            at += 1
            continue
        if marker in _SIZES_OF_JPEG:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + int(struct.unpack(">H", content[at + 2 : at + 4])[0])


def _positive(width: int, height: int) -> tuple[int, int]:
    if not (width and height):
        raise LetterError(f"mf.image: the file is {width} by {height} pixels")
    return width, height
