"""The menu: ``mf.`` offers the public names, and not the modules that happen to be imported."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mailframe.errors import MissingExtra
from mailframe.letter.suggestions import did_you_mean, nearest
from mailframe.notebook import has_widgets

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_PACKAGES = frozenset({"sandbox"})
"""Subpackages that are public, besides the names of the menu."""


class Menu(ModuleType):
    """The package as a caller sees it.

    Python makes each imported module an attribute of its package, so ``mf.send`` would be a module
    that looks like a function. ``import mailframe.send.run`` and ``from mailframe.send.run import
    …`` work as in any package.
    """

    __all__: list[str]
    _lazy: Mapping[str, str]

    def __dir__(self) -> list[str]:
        return list(self.__all__)

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and _is_hidden(name, self.__all__)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name in vars(self).get("_lazy", {}):
            return self._imported(name)
        message = f"module {self.__name__!r} has no attribute {name!r}"
        if not name.startswith("_"):
            campaign = vars(self).get("Campaign")
            if callable(getattr(campaign, name, None)):
                message += f"; a campaign has it: df.mail.compose(…).{name}(…)"
            else:
                message += did_you_mean(f"mf.{near}" for near in nearest(name, self.__all__))
        raise AttributeError(message)

    def _imported(self, name: str) -> Any:
        """A name that is imported at its first use.

        Raises:
            MissingExtra: ipywidgets is not installed.
        """
        try:
            value = getattr(importlib.import_module(self._lazy[name]), name)
        except ImportError:
            raise MissingExtra(f"mf.{name}", "notebook") from None
        setattr(self, name, value)
        return value


def install(package: str, *, lazy: Mapping[str, str]) -> None:
    """Make a package show only its menu; the modules that are imported already are hidden too.

    Args:
        package: the name of the package.
        lazy: the names that are imported at their first use, because their modules need ipywidgets;
            each with its module.
    """
    module = sys.modules[package]
    vars(module)["_lazy"] = lazy
    if not has_widgets():  # ``from mailframe import *`` works without ipywidgets
        vars(module)["__all__"] = [name for name in module.__all__ if name not in lazy]
    for name, value in list(vars(module).items()):
        if isinstance(value, ModuleType) and _is_hidden(name, module.__all__):
            delattr(module, name)
    module.__class__ = Menu


def _is_hidden(name: str, menu: Collection[str]) -> bool:
    return name not in menu and name not in _PACKAGES
