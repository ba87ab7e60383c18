"""Copies and pickles of frozen dataclasses with functions, ``pd.col`` or read-only mappings."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mailframe.errors import NotPicklable
from mailframe.pandas_versions import EXPRESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import FrameType

_T = TypeVar("_T")
_PICKLERS: Final = frozenset({"cloudpickle", "dill"})


def construct(kind: Callable[..., _T], fields: Mapping[str, Any]) -> _T:
    """Return ``kind(**fields)``; a pickle calls it, since it cannot pass keyword arguments."""
    return kind(**fields)


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by name; a read-only mapping as a dict, which can be pickled."""
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {
        name: dict(content) if isinstance(content, MappingProxyType) else content
        for name, content in fields.items()
    }


def deep_copy(value: _T, parts: Iterable[tuple[str, object]], memo: dict[int, Any]) -> _T:
    """A deep copy, except for ``pd.col``, which is immutable and cannot be copied."""
    memo |= {id(part): part for _, part in parts if isinstance(part, EXPRESSION)}
    return construct(type(value), copy.deepcopy(fields_of(value), memo))


def refuse_unpicklable(parts: Iterable[tuple[str, object]]) -> None:
    """Refuse parts that pickle cannot handle; cloudpickle and dill can pickle every function.

    Raises:
        NotPicklable: with the name of the part.
    """
    if _is_called_by_another_pickler():
        return
    for name, part in parts:
        if not (callable(part) or isinstance(part, EXPRESSION)):
            continue
        try:
            pickle.dumps(part)
        except Exception:  # noqa: BLE001 - pickle raises several classes
            kind = "pd.col" if isinstance(part, EXPRESSION) else "a lambda or a local function"
            raise NotPicklable(
                f"{name} is {kind}, which cannot be pickled; write a template such as "
                "'{{ email }}', or a function of a module that both processes can import"
            ) from None


def _is_called_by_another_pickler() -> bool:
    """Whether cloudpickle or dill asks; both can be imported and not be used."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the caller is known by no other way
    while frame is not None:
        if _PICKLERS.intersection(frame.f_globals.get("__name__", "").split(".")):
            return True
        frame = frame.f_back
    return False
