"""``import mailframe as mf``: what ``mf.`` offers is the menu, and no file of the package that happens to be loaded."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from mailframe.letter.suggestions import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Collection

_PACKAGES = frozenset({"sandbox"})
"""What a caller imports from by its own name, besides the menu."""


class Menu(ModuleType):
    """The package as a caller sees it.

    Python makes each imported file of a package an attribute of it, so ``mf.send`` was a module that looked like a
    function. ``import mailframe.send.run`` and ``from mailframe.send.run import …`` work as for any package.
    """

    __all__: list[str]

    def __dir__(self) -> list[str]:
        return list(self.__all__)

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and _is_hidden(name, self.__all__)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> NoReturn:
        said = f"module {self.__name__!r} has no attribute {name!r}"
        if not name.startswith("_"):
            campaign = vars(self).get("Campaign")
            if callable(getattr(campaign, name, None)):
                said += f"; a campaign has it: df.mail.compose(…).{name}(…)"
            else:
                said += did_you_mean(f"mf.{near}" for near in nearest(name, self.__all__))
        raise AttributeError(said)


def install(package: str) -> None:
    """Let a package show its menu alone; what was imported until now is hidden too."""
    module = sys.modules[package]
    for name, value in list(vars(module).items()):
        if isinstance(value, ModuleType) and _is_hidden(name, module.__all__):
            delattr(module, name)
    module.__class__ = Menu


def _is_hidden(name: str, menu: Collection[str]) -> bool:
    return name not in menu and name not in _PACKAGES
