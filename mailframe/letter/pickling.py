"""Copies and pickles of frozen dataclasses whose fields may hold functions, ``pd.col`` and read-only mappings."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pandas as pd

from mailframe.errors import NotPicklable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_T = TypeVar("_T")
_EXPRESSION: Final = type(pd.col("x"))


def made(kind: Callable[..., _T], fields: Mapping[str, Any]) -> _T:
    """What ``kind(**fields)`` makes; a pickle calls it, for a class has no other way to say field names."""
    return kind(**fields)


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by name; a read-only mapping, which pickle refuses, as a dict."""
    found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {
        name: dict(held) if isinstance(held, MappingProxyType) else held
        for name, held in found.items()
    }


def deep_copy(value: _T, parts: Iterable[tuple[str, object]], memo: dict[int, Any]) -> _T:
    """A deep copy but for ``pd.col``, which cannot change and refuses to be copied."""
    memo |= {id(part): part for _, part in parts if isinstance(part, _EXPRESSION)}
    return made(type(value), copy.deepcopy(fields_of(value), memo))


def refuse_unpicklable(parts: Iterable[tuple[str, object]]) -> None:
    """Say in words which part pickle cannot take; cloudpickle and dill take functions by their code."""
    if any(name.rpartition(".")[2] in ("cloudpickle", "dill") for name in sys.modules):
        return
    for part, value in parts:
        if not (callable(value) or isinstance(value, _EXPRESSION)):
            continue
        try:
            pickle.dumps(value)
        except Exception:  # noqa: BLE001 - whatever pickle says of it
            kind = (
                "pd.col"
                if isinstance(value, _EXPRESSION)
                else "a lambda or a function of this place"
            )
            raise NotPicklable(
                f"{part} is {kind}, which cannot be pickled; write a template such as '{{{{ email }}}}', "
                "or a function at the top of a module that both processes import"
            ) from None
