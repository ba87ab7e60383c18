"""Changes of the suppressions of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pandas as pd

from mailframe.errors import AccountError
from mailframe.message.addresses import LONE_SURROGATE
from mailframe.pandas_versions import text_column
from mailframe.postmark.account.columns import frame_of
from mailframe.postmark.account.lists import BOUNCE_COLUMNS
from mailframe.postmark.account.questions import answer_of, items_of

if TYPE_CHECKING:
    from mailframe.postmark.client import Postmark

MAX_CHANGED: Final = 50
"""Addresses of one request (postmarkapp.com/developer/api/suppressions-api; 422 / 1410)."""
_COLUMNS: Final = ("Status", "Message")


def change_suppressions(
    server: Postmark, addresses: object, *, stream: str, is_removal: bool
) -> pd.DataFrame:
    """Suppress addresses in a stream, or remove them from its list; see ``Postmark.suppress``."""
    wanted = _addresses(addresses)
    path = f"/message-streams/{quote(stream, safe='')}/suppressions"
    path += "/delete" if is_removal else ""
    done: list[dict[str, Any]] = []
    try:
        for start in range(0, len(wanted), MAX_CHANGED):
            done += _changed(server, path, wanted.iloc[start : start + MAX_CHANGED].tolist())
    except AccountError as error:
        error.results = _with_statuses(wanted, done)
        raise
    return _with_statuses(wanted, done)


def activate(server: Postmark, bounce: object) -> pd.DataFrame:
    """Activate the address of a bounce again; see ``Postmark.activate``."""
    if isinstance(bounce, bool) or not hasattr(bounce, "__index__"):
        raise AccountError(
            f"bounce={bounce!r} is not the ID of a bounce; server.bounces() has it in the column ID"
        )
    number = bounce.__index__()
    path = f"/bounces/{number}/activate"
    result = answer_of(lambda: server.change(path, None, method="PUT"), what=f"PUT {path}")
    value = (result.object or {}).get("Bounce")
    if not isinstance(value, dict) or value.get("ID") != number:
        raise AccountError(f"PUT {path}: the answer has no Bounce with this ID")
    return frame_of([value], BOUNCE_COLUMNS)


def _addresses(given: object) -> pd.Series[Any]:
    """The addresses of one text, a list or a Series, whose index stays."""
    if isinstance(given, str):
        given = [given]
    if isinstance(given, bytes | Mapping | pd.DataFrame) or not isinstance(given, Iterable):
        raise AccountError(
            f"addresses are one address, a list or a Series, not a {type(given).__name__}"
        )
    cells = given if isinstance(given, pd.Series) else pd.Series(list(given), dtype=object)
    for label, cell in cells.items():
        if not isinstance(cell, str) or not cell.strip() or LONE_SURROGATE.search(cell):
            raise AccountError(
                f"the address of row {label!r} is {cell!r}; leave such rows out, for example with "
                ".dropna(); nothing was changed"
            )
    return text_column(cells.tolist(), cells.index, "EmailAddress")


def _changed(server: Postmark, path: str, addresses: list[str]) -> list[dict[str, Any]]:
    """What Postmark says of each address of one request."""
    value = {"Suppressions": [{"EmailAddress": address} for address in addresses]}
    what = f"POST {path}"
    result = answer_of(lambda: server.change(path, value), what=what)
    items = items_of(result.object or {}, "Suppressions", what=what)
    if len(items) != len(addresses):
        raise AccountError(f"{what}: {len(items)} answers for {len(addresses)} addresses")
    return items


def _with_statuses(addresses: pd.Series[Any], done: list[dict[str, Any]]) -> pd.DataFrame:
    """One row per address; without a status where it was not asked for."""
    rows = done + [{}] * (len(addresses) - len(done))
    statuses = frame_of(rows, dict.fromkeys(_COLUMNS, "str")).set_axis(addresses.index)
    return pd.concat([addresses, statuses], axis="columns")
