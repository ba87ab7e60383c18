"""The plain way to write a results CSV: every cell on its own, all of them at once.

``write_csv`` makes the same bytes some rows at a time; ``test_csv_in_chunks.py`` compares the two.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import json
import lzma
import zipfile
from typing import TYPE_CHECKING, Any

import pandas as pd

from mailframe.results.csv_kinds import KINDS, MISSING, datatype, dtype_name, kind_of, kind_of_dtype
from mailframe.results.csv_table import index_note, labels_dtype, labels_note
from mailframe.results.csv_texts import shield

if TYPE_CHECKING:
    from collections.abc import Sequence


def plain_files(frame: pd.DataFrame, *, name: str, excel_safe: bool) -> tuple[bytes, bytes]:
    """The CSV of a results frame, compressed as *name* says, and its metadata."""
    header, columns, metadata = _table(frame, excel_safe=excel_safe)
    content = _csv(header, columns, bom=excel_safe)
    metadata["url"] = name
    return _packed(content, name), json.dumps(metadata, ensure_ascii=False, indent=1).encode()


def _cells(column: pd.Series) -> tuple[list[str | None], dict[str, Any]]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _category_cells(column)
    values = column.tolist()
    letters = "".join(map(kind_of, values))
    texts = [
        None if letter in MISSING else KINDS[letter].write(value)
        for letter, value in zip(letters, values, strict=True)
    ]
    kinds, missing = set(letters) - set(MISSING), set(letters) & set(MISSING)
    dtype = dtype_name(column.dtype, kinds | missing)
    if len(kinds) > 1 or (len(missing) > 1 and dtype == "object"):
        return texts, {"mailframe:dtype": dtype, "mailframe:kinds": letters}
    kind = next(iter(kinds), kind_of_dtype(column.dtype))
    gap = next(iter(missing), "n")
    return texts, {"mailframe:dtype": dtype, "mailframe:kind": kind, "mailframe:gap": gap}


def _category_cells(column: pd.Series) -> tuple[list[str | None], dict[str, Any]]:
    texts, categories = _cells(pd.Series(column.cat.categories))
    codes = column.cat.codes.tolist()
    note: dict[str, Any] = {
        "mailframe:dtype": "category",
        "mailframe:ordered": bool(column.cat.ordered),
        "mailframe:categories": categories | {"mailframe:texts": texts},
    }
    if len(set(texts)) < len(texts):
        note["mailframe:codes"] = codes
    return [None if code < 0 else texts[code] for code in codes], note


def _shielded(texts: Sequence[str | None], note: dict[str, Any]) -> list[str | None]:
    categories = note.get("mailframe:categories", note)
    letters = note.get("mailframe:kinds") or itertools.repeat(categories.get("mailframe:kind"))
    return [
        text if text is None or letter in {"i", "f", "D"} else shield(text)
        for text, letter in zip(texts, letters, strict=False)
    ]


def _null(texts: Sequence[str | None]) -> str:
    null = ""
    while null in texts:
        null = f"<{null or 'NA'}>"
    return null


def _table(
    frame: pd.DataFrame, *, excel_safe: bool
) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    index, labels = frame.index, frame.columns
    places = [] if isinstance(index, pd.RangeIndex) else range(index.nlevels)
    levels = [pd.Series(index.get_level_values(place)) for place in places]
    names = labels_note(index.names)["mailframe:texts"][: len(levels)]
    names = names + labels_note(labels)["mailframe:texts"]
    header = [shield(name or "") if excel_safe else name or "" for name in names]
    columns: list[list[str]] = []
    described: list[dict[str, Any]] = []
    for title, series in zip(
        header, [*levels, *(column for _, column in frame.items())], strict=True
    ):
        texts, note = _cells(series)
        texts = _shielded(texts, note) if excel_safe else texts
        null = _null(texts)
        columns.append([null if text is None else text for text in texts])
        csvw = {"name": f"column{len(columns)}", "titles": title, "null": null}
        described.append({**csvw, "datatype": datatype(note), **note})
    return (
        header,
        columns,
        {
            "@context": "http://www.w3.org/ns/csvw",
            "dialect": {"encoding": "utf-8", "lineTerminators": ["\n"]},
            "tableSchema": {"columns": described},
            "mailframe:index": index_note(index),
            "mailframe:columns": {
                "mailframe:labels": labels_note(labels),
                "mailframe:names": labels_note([labels.name]),
                "mailframe:dtype": labels_dtype(labels),
            },
            "mailframe:rows": len(index),
            "mailframe:excel-safe": excel_safe,
        },
    )


def _csv(header: list[str], columns: list[list[str]], *, bom: bool) -> bytes:
    content = _written(header, columns, bom=bom, quoting=csv.QUOTE_MINIMAL)
    if b"\r" in content or header[0].startswith("\ufeff"):
        content = _written(header, columns, bom=bom, quoting=csv.QUOTE_ALL)
    return content


def _written(header: list[str], columns: list[list[str]], *, bom: bool, quoting: Any) -> bytes:
    file = io.BytesIO()
    text = io.TextIOWrapper(file, encoding="utf-8-sig" if bom else "utf-8", newline="")
    rows = itertools.chain([header], zip(*columns, strict=True))
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows(rows)
    text.flush()
    return file.getvalue()


def _packed(content: bytes, name: str) -> bytes:
    if name.endswith(".gz"):
        return gzip.compress(content, mtime=0)
    if name.endswith(".bz2"):
        return bz2.compress(content)
    if name.endswith(".xz"):
        return lzma.compress(content)
    if name.endswith(".zip"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            inside = zipfile.ZipInfo(name.removesuffix(".zip"))
            archive.writestr(inside, content, zipfile.ZIP_DEFLATED)
        return file.getvalue()
    return content
