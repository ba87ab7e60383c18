"""The result of a benchmark, and the printed table: ratios, then figures, then targets."""

from __future__ import annotations

import importlib.metadata
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.timing import Spread

_PACKAGES: Final = ("pandas", "numpy", "pyarrow", "jinja2", "orjson", "httpx")
_WIDTH: Final = 62
TIMES: Final = "\N{MULTIPLICATION SIGN}"
_TO: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Target:
    """The bounds of a ratio."""

    name: str
    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, value: float) -> bool:
        """Whether *value* is within both bounds.

        >>> Target("quick", at_least=1.5).is_met(1.5), Target("small", at_most=1.3).is_met(1.31)
        (True, False)
        """
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most)

    def line(self, value: float) -> str:
        """The target and the measured value in one line.

        >>> Target("quick", at_least=1.5).line(2.14).endswith("✓")
        True
        """
        return f"{self.name}: {value:.2f} {TIMES} {'✓' if self.is_met(value) else '✗'}"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One number relative to another; it depends little on the machine."""

    name: str
    spread: Spread
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, measured on this machine.

    Attributes:
        unit: of the spread.
        beside: the same number in another unit.
    """

    name: str
    spread: Spread
    unit: str
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One benchmark: its name, its input and its results."""

    name: str
    about: str
    ratios: tuple[Ratio, ...]
    figures: tuple[Figure, ...]


def environment() -> dict[str, str]:
    """The versions that figures depend on; no name or path of the machine."""
    versions = {
        "python": platform.python_version(),
        "mailframe": importlib.metadata.version("mailframe"),
    }
    return versions | {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def as_json(parts: Sequence[Part]) -> dict[str, Any]:
    """The report as plain values; each target with whether it is met."""
    return {
        "environment": environment(),
        "parts": [asdict(part) for part in parts],
        "targets": [
            {
                "target": target.name,
                "value": ratio.spread.median,
                "met": target.is_met(ratio.spread.median),
            }
            for ratio, target in _targets(parts)
        ],
    }


def as_text(parts: Sequence[Part]) -> str:
    """The report as text."""
    lines = [f"RATIOS (median, lowest{_TO}highest of the repeats)"]
    for part in parts:
        lines += [
            "",
            f"  {part.name}: {part.about}",
            *(_ratio_line(ratio) for ratio in part.ratios),
        ]
    versions = ", ".join(f"{name} {version}" for name, version in environment().items())
    lines += ["", f"FIGURES OF THIS MACHINE ({versions})"]
    for part in parts:
        lines += ["", f"  {part.name}", *(_figure_line(figure) for figure in part.figures)]
    targets = [f"  {target.line(ratio.spread.median)}" for ratio, target in _targets(parts)]
    return "\n".join([*lines, "", "TARGETS", *targets])


def _targets(parts: Sequence[Part]) -> list[tuple[Ratio, Target]]:
    return [
        (ratio, ratio.target) for part in parts for ratio in part.ratios if ratio.target is not None
    ]


def _ratio_line(ratio: Ratio) -> str:
    spread = ratio.spread
    ends = f"({spread.low:.2f}{_TO}{spread.high:.2f})"
    return f"    {ratio.name:<{_WIDTH}} {spread.median:6.2f} {TIMES}  {ends}"


def _figure_line(figure: Figure) -> str:
    spread = figure.spread
    ends = f"({spread.low:.1f}{_TO}{spread.high:.1f})"
    line = f"    {figure.name:<{_WIDTH}} {spread.median:7.1f} {figure.unit}  {ends}"
    return f"{line}  {figure.beside}".rstrip()
