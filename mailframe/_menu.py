"""The menu: ``mf.`` offers the public names, each imported at its first use, and no modules."""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import MissingExtra
from mailframe.letter.suggestions import did_you_mean, nearest
from mailframe.notebook import has_widgets

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_PACKAGES: Final = frozenset({"sandbox"})
"""Subpackages that are public, besides the names of the menu."""

_WITH_WIDGETS: Final = frozenset({"Preview"})
"""Names whose modules need ipywidgets."""

_VERBS: Final = frozenset(
    {
        "batches",
        "diff",
        "gallery",
        "message",
        "messages",
        "pipe",
        "plan",
        "preview",
        "problems",
        "send",
        "send_test",
        "to_eml",
        "tour",
    }
)
"""The methods of a campaign, for an error text. ``from mailframe import limits`` asks for an
attribute that does not exist, so this must not import the campaign."""

_ONE_AT_A_TIME: Final = threading.RLock()
"""Threads that import overlapping modules in another order can stop each other."""


class Menu(ModuleType):
    """The package as a caller sees it.

    Python makes each imported module an attribute of its package, so ``mf.send`` would be a module
    that looks like a function. ``import mailframe.send.run`` and ``from mailframe.send.run import
    …`` work as in any package.
    """

    __all__: list[str]
    _lazy: Mapping[str, str]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the name, as cloudpickle does for modules: a function may refer to this one."""
        return importlib.import_module, (self.__name__,)

    def __dir__(self) -> list[str]:
        return list(self.__all__)

    def __setattr__(self, name: str, value: object) -> None:
        # ``mf.outcomes`` is a function, and the folder of its name is a module
        is_lazy = name in vars(self).get("_lazy", {})
        if not (isinstance(value, ModuleType) and (is_lazy or _is_hidden(name, self.__all__))):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name in vars(self).get("_lazy", {}):
            return self._imported(name)
        if name in _PACKAGES:
            return importlib.import_module(f"{self.__name__}.{name}")
        message = f"module {self.__name__!r} has no attribute {name!r}"
        if name in _VERBS:
            message += f"; a campaign has it: df.mail.compose(…).{name}(…)"
        elif not name.startswith("_"):
            message += did_you_mean(f"mf.{near}" for near in nearest(name, self.__all__))
        raise AttributeError(message)

    def _imported(self, name: str) -> Any:
        """A public name, imported at its first use and kept.

        Raises:
            MissingExtra: it needs ipywidgets, which is not installed.
        """
        try:
            with _ONE_AT_A_TIME:
                value = getattr(importlib.import_module(self._lazy[name]), name)
        except ImportError:
            if name in _WITH_WIDGETS:
                raise MissingExtra(f"mf.{name}", "notebook") from None
            raise
        setattr(self, name, value)
        return value


def install(package: str, *, lazy: Mapping[str, str]) -> None:
    """Make a package show only its menu; the modules that are imported already are hidden too.

    Args:
        package: the name of the package.
        lazy: the names that are imported at their first use, each with its module. After a reload
            of the package they are imported again.
    """
    module = sys.modules[package]
    vars(module)["_lazy"] = lazy
    if not has_widgets():  # ``from mailframe import *`` works without ipywidgets
        vars(module)["__all__"] = [name for name in module.__all__ if name not in _WITH_WIDGETS]
    for name, value in list(vars(module).items()):
        is_module = isinstance(value, ModuleType)
        if name in lazy or (is_module and _is_hidden(name, module.__all__)):
            delattr(module, name)
    module.__class__ = Menu


def _is_hidden(name: str, menu: Collection[str]) -> bool:
    return name not in menu and name not in _PACKAGES
