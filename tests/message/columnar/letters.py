"""Random letters and random frames for them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

import mailframe as mf
from tests.expressions import col
from tests.message.columnar.grammar import LOCAL, written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from random import Random

FILES: Final = ("piece", "setting", "lib", "base")
FILTERS: Final = {
    "shout": lambda value: f"{value}!<i>",
    "halves": lambda value: [str(value), None, 1.0],
}
CONSTANTS: Final = {"company": "Smith & <Sons>", "sizes": [1, 2.0, "<i>"]}
LANGUAGES: Final = (
    "de",
    "en",
    "{{ 'de' if flag else 'en' }}",
    "{{ 'de' if n is odd else plan }}",
    "{{ plan | replace('team', 'de') | replace('free', '') | trim }}",
    lambda frame: frame["plan"].fillna("fr").map({"team": "de-AT", "free": "en"}),
    "{{ row['name'] | default('de') }}",
)
CATALOG: Final = """
msgid "Hello"
msgstr "Hallo <b>"

msgid "Hi <b>%(x)s</b>"
msgstr "%(x)s, hi"

msgid "Ann"
msgstr "Änn & <i>"

msgid "%(n)s seat"
msgid_plural "%(n)s seats"
msgstr[0] "%(n)s Platz"
msgstr[1] "%(n)s Plätze"
"""
_OPTIONAL_NAMES: Final = (*LOCAL.split(), "m", "x", "loop", "mailframe_row", "mailframe_rows")
"""Names that may be no column; ``bind`` accepts a letter that tests them."""


def random_letter(random: Random, folder: Path) -> mf.Letter:
    """A letter with some fields and templates in its folder; it may not be valid."""
    fields: dict[str, Any] = {"sender": "Acme <hello@acme.dev>", "to": "{{ email }}"}
    fields |= {"subject": _template(random, "line"), "folder": folder}
    for name in (
        ("html_body", "text_body")
        if random.random() < 0.4
        else (random.choice(("html_body", "text_body")),)
    ):
        fields[name] = _template(random, "body")
    for name, make in _OPTIONAL.items():
        if random.random() < 0.12:
            fields[name] = make(random)
    fields |= {"filters": FILTERS, "constants": CONSTANTS}
    if random.random() < 0.3:
        fields["language"] = random.choice(LANGUAGES)
    if "language" in fields and random.random() < 0.7:
        catalog = folder / "locale" / "de" / "LC_MESSAGES" / "messages.po"
        catalog.parent.mkdir(parents=True, exist_ok=True)
        catalog.write_text(CATALOG, encoding="utf-8")
        fields["translations"] = "locale"
    for name in FILES:
        text = _template(random, f"file_{name}").encode("utf-8", "replace")
        (folder / f"{name}.txt").write_bytes(text)
    return mf.Letter(**fields)


def _template(random: Random, rule: str) -> str:
    text = written(random, rule)
    for code in ("\\x20", "\\x07", "\\x09", "\\ufffd", "\\ud83d", "\\ude00"):
        text = text.replace(code, chr(int(f"0x{code[2:]}", 0)))
    names = [name for name in _OPTIONAL_NAMES if "{" in text and re.search(rf"\b{name}\b", text)]
    tests = "".join([f"{{% if {name} is defined %}}{{% endif %}}" for name in names])
    # only blocks can follow {% extends %} in a template that is split
    return f"{text}{{% block z %}}{tests}{{% endblock %}}" if "extends" in text else text + tests


def _line(random: Random) -> str:
    return _template(random, "line")


def _addresses(random: Random) -> Any:
    if random.random() < 0.5:
        return _template(random, "optional")
    return [_template(random, "optional") for _ in range(random.choice((0, 1, 2, 3)))]


def _files(random: Random) -> list[mf.Attachment]:
    files = [mf.Attachment("a.txt", b"a")]
    if random.random() < 0.4:
        files.append(
            mf.Attachment("logo.png", b"png", content_id="logo", optional=random.random() < 0.5)
        )
    if random.random() < 0.3:
        files.append(
            mf.Attachment("{{ name }}.txt", lambda frame: [b"x"] * len(frame), optional=True)
        )
    return files


def _given(random: Random) -> Any:
    return random.choice(
        (
            lambda frame: frame["name"],
            lambda frame: frame["mixed"],
            col("plan"),
            col("n"),
            "x",
        )
    )


_OPTIONAL: Final[dict[str, Callable[[Random], Any]]] = {
    "sender": lambda random: _template(random, "address"),
    "to": lambda random: random.choice(
        (
            _template(random, "address"),
            ["{{ email }}", "Bob <bob@acme.dev>"],
            random.choice(
                (
                    ["{{ email }}"] * 2,
                    [f"a{n}@acme.dev" for n in range(random.choice((49, 50, 51)))],
                )
            ),
            [
                f"a{n}{{{{ plan | default('') | length }}}}@acme.dev"
                for n in range(random.choice((2, 50)))
            ],
            lambda frame: frame["email"],
        )
    ),
    "cc": _addresses,
    "bcc": _addresses,
    "reply_to": _addresses,
    "subject": lambda random: random.choice(
        (_given(random), "{{ name * 300 }}", "{{ 'x' * 1996 }}{{ plan }}", "", "\u200b{{ plan }}")
    ),
    "tag": lambda random: random.choice(
        (_line(random), _given(random), "{{ 'x' * 996 }}{{ plan }}")
    ),
    "headers": lambda random: {
        "X-A": _line(random),
        "X-B": random.choice(("", _line(random), _given(random))),
    },
    "metadata": lambda random: {
        "a": _line(random),
        "b": random.choice((_given(random), "{{ 'x' * 76 }}{{ plan }}")),
    },
    "track_opens": lambda random: random.choice(
        (True, False, "{{ flag }}", "{{ name }}", "yes", lambda f: f["flag"])
    ),
    "track_links": lambda random: random.choice(
        ("HtmlOnly", "HtmlOnly", "{{ plan }}", "{{ 'None' if flag else '' }}")
    ),
    "message_stream": lambda random: random.choice(
        ("broadcast", "{{ plan }}", "{{ 'x' if flag else '' }}")
    ),
    "attachments": _files,
    "allow_empty_subject": lambda _: True,
    "allow_idn_mixed": lambda _: True,
}

# --- frames ---------------------------------------------------------------------------------------

_TEXTS: Final = ("Ann", "Zoë", "a & b", "O'Hara", 'say "x"', "Smith, J", "李雷")
_WILD_TEXTS: Final = (
    "<b>x</b>", "&lt;b&gt;", "b>", "lt;b>", "gt;", "&amp;", "&", "<", "", " ", "two\nlines", "\x00", "\x07", "\ufffd",
    "\ud83d", "\ude00", "\x1f", "\\u001f", "\u2028", "x" * 90, "😀" * 41, "Ann@x.example", "javascript:x", "{{ plan }}", "\u200b",
    "x" * 1001, "y" * 2001, "\x85", "\x1e", "#60;", "copy;", "url&#40;javascript:x)", "url(javascript:x)",
    "@\u0131mport 'javascript:x'", "&LT;B&GT;", "<B>", "&#X3c;b>", "=", "href=javascript:x",
)  # fmt: skip
_PLANS: Final = ("free", "team", "pro ")
_ADDRESSES: Final = (
    "ann@acme.dev", "Bob@Acme.Dev", "zoë@acme.dev", "a@пример.example", "a@аcme.example", "a@example.com",
    "a@b.example, c@d.example", "Ann <ann@acme.dev>", "no address", "", "x" * 65 + "@acme.dev", "a@bücher.example",
)  # fmt: skip
_URLS: Final = ("https://a.example/x?a=1&b=2", "https://b.example")
_WILD_URLS: Final = (
    "javascript:x",
    "www.a.example",
    "",
    "cid:logo",
    "cid:other",
    "data:text/html,x",
    "mailto:a@b.example",
    '"><b>',
    "#",
)
_MIXED: Final = (
    1, True, 1.0, Decimal("1.1"), Decimal("1.10"), 0, -0.0, 0.0, False, "1", "", Decimal("0.0"), Decimal("-0.0"), 2**53 + 2.0,
    None, float("nan"), dt.datetime(2026, 10, 25, 2, 30), dt.datetime(2026, 10, 25, 2, 30, fold=1), dt.date(2026, 10, 25),
    dt.datetime(2026, 10, 25), dt.datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")), dt.time(9), dt.timedelta(1), [1, True], [True, 1],
    {"a": 1}, {"a": True}, b"x", np.int64(1), np.float32(0.1), "x", Decimal("NaN"), pd.NaT, pd.NA, float("inf"), 10**70, (1,),
)  # fmt: skip
_PRINTED: Final = (*_MIXED[:9], "1", "", Decimal("0.0"), Decimal("-0.0"))
_LISTS: Final = (["a", "b"], ["x"], [], ["a", 1, True], None, ["<i>", "&"])
_ORDERS: Final = (
    [{"id": 7, "price": Decimal("1.5")}, {"id": 8, "price": 3.0}], [], [{"id": True, "price": 1}], [{"id": 1}], None,
)  # fmt: skip
_INFOS: Final = (
    {"city": "Rome", "zip": 1},
    {"city": "Rome", "zip": True},
    {},
    {"city": None},
    None,
)


def random_frame(random: Random) -> pd.DataFrame:
    """A frame whose cells are all tidy, or a few wild, or many."""
    rows = random.choice((3, 4, 5, 6, 8, 12))
    wild = random.choice((0.0, 0.0, 0.0, 0.1, 0.3))

    def some(tidy: Sequence[Any], others: Sequence[Any] = ()) -> list[Any]:
        return [
            random.choice(others if others and random.random() < wild else tidy)
            for _ in range(rows)
        ]

    columns = {
        "email": _objects(some([f"p{n}@acme.dev" for n in range(rows)], _ADDRESSES)),
        "name": _objects(some(_TEXTS, _WILD_TEXTS)),
        "plan": some(_PLANS, ("", "HtmlOnly", "free1", None, "\u212a")),
        "day": _days(random, rows, wild),
        "n": _numbers(random, rows, wild),
        "flag": _flags(random, rows, wild),
        "mixed": _objects(some(_PRINTED, _MIXED)),
        "orders": _objects(some(_ORDERS[:2], _ORDERS)),
        "tags": _objects(some(_LISTS[:3], _LISTS)),
        "info": _objects(some(_INFOS[:2], _INFOS)),
        "url": some(_URLS, _WILD_URLS),
        "other": some(("", *_ADDRESSES[:2]), (*_ADDRESSES, None)),
        "part": some(("piece.txt", "logo")),
        "First Name": some(_TEXTS),
        "loop": some((1, 2)),
        "range": some(("r", "s")),
        "mailframe_row": some((5, 6)),
        "mailframe_rows": some((5, 6)),
    }
    return _typed(random, pd.DataFrame(columns))


def _objects(values: Sequence[Any]) -> pd.Series[Any]:
    cells = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        cells[place] = value
    return pd.Series(cells, dtype=object)


def _typed(random: Random, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the columns of text in one of the dtypes for text."""
    for name in ("name", "plan", "email"):
        dtype = random.choice(
            ("str", "object", "string[python]", "string[pyarrow]", "category", "object")
        )
        try:
            frame[name] = frame[name].astype(dtype)
        except UnicodeEncodeError:  # a lone surrogate in Arrow
            frame[name] = frame[name].astype("object")
    return frame


def _numbers(random: Random, rows: int, wild: float) -> Any:
    whole = [random.choice((0, 1, 2, 3)) for _ in range(rows)]
    gaps = [None if random.random() < wild else value for value in whole]
    parts = [
        random.choice((0.0, -0.0, 0.1, 1.0, 1.5, float("nan") if wild else 2.0))
        for _ in range(rows)
    ]
    return random.choice(
        (
            lambda: whole,
            lambda: pd.array(gaps, dtype="Int64"),
            lambda: np.array(parts, dtype="float64"),
            lambda: np.array(parts, dtype="float32"),
            lambda: pd.array(gaps, dtype="Float64"),
            lambda: np.array(whole, dtype="uint8"),
            lambda: _objects([Decimal(value) / 10 for value in whole]),
            lambda: _objects(parts),
            lambda: pd.array(
                [None if v is None else Decimal(v) for v in gaps],
                dtype=pd.ArrowDtype(pa.decimal128(9, 2)),
            ),
            lambda: pd.arrays.SparseArray(parts),
            lambda: pd.Categorical(parts),
            lambda: pd.array(gaps, dtype="int64[pyarrow]"),
            lambda: np.array(parts, dtype=">f8"),
        )
    )()


def _days(random: Random, rows: int, wild: float) -> Any:
    hours = [random.choice((0, 1, 2, 3, 24, 25)) for _ in range(rows)]
    stamps = pd.to_datetime("2026-10-24 23:30") + pd.to_timedelta(hours, unit="h")
    gaps = [pd.NaT if random.random() < wild else stamp for stamp in stamps]
    return random.choice(
        (
            lambda: stamps,
            lambda: stamps.tz_localize("UTC").tz_convert("Europe/Berlin"),
            lambda: pd.DatetimeIndex(gaps),
            lambda: pd.DatetimeIndex(gaps).as_unit("s"),
            lambda: _objects([stamp.to_pydatetime() for stamp in stamps]),
            lambda: _objects([stamp.date() for stamp in stamps]),
            lambda: pd.to_timedelta(hours, unit="h"),
            lambda: pd.PeriodIndex(stamps, freq="D") if wild else stamps,
            lambda: pd.array([s.date() for s in stamps], dtype=pd.ArrowDtype(pa.date32())),
            lambda: [str(stamp.date()) for stamp in stamps],
            lambda: pd.Categorical(stamps),
        )
    )()


def _flags(random: Random, rows: int, wild: float) -> Any:
    flags = [random.random() < 0.5 for _ in range(rows)]
    return random.choice(
        (
            lambda: flags,
            lambda: pd.array(
                [None if random.random() < wild else v for v in flags], dtype="boolean"
            ),
            lambda: _objects([random.choice((1, True, 0, False)) for _ in flags]),
            lambda: pd.Categorical(flags),
            lambda: pd.array(flags, dtype="bool[pyarrow]"),
        )
    )()
