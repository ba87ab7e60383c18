"""How pages look: the colours of JupyterLab's themes where there are such, and the system's elsewhere."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

NO_FORMULAS: Final = "tex2jax_ignore mathjax_ignore"
"""JupyterLab would read "$5 now, $10 later" as a formula."""


def style(name: str) -> str:
    """The style sheet of that name beside this file, as an element."""
    text = files("mailframe.html").joinpath(f"{name}.css").read_text(encoding="utf-8")
    return f"<style>{' '.join(text.partition('*/')[2].split())}</style>"


STYLE: Final = style("card")
