"""``python -m mailframe``."""

from mailframe.cli import script

script()
