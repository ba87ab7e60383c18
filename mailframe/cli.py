"""``python -m mailframe``: the same command line as ``mailframe``; see ``mailframe_cli``."""

from __future__ import annotations

from mailframe_cli import main, script

__all__ = ["main", "script"]
