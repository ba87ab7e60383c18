"""Real Jupyter kernels for tests: a notebook is executed in a folder, and nothing is left outside of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    from pathlib import Path


def notebook_of(*sources: str) -> nbformat.NotebookNode:
    """A notebook of code cells."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def execute(
    notebook: nbformat.NotebookNode,
    cwd: Path,
    own: Path,
    *,
    startup: str = "",
    allow_errors: bool = False,
    **environment: str,
) -> nbformat.NotebookNode:
    """Execute *notebook* in place, in a kernel of this Python, and return it.

    Args:
        notebook: what to execute.
        cwd: where its kernel runs.
        own: an empty folder for what IPython and Jupyter write.
        startup: code that the kernel runs before the first cell.
        allow_errors: go on after a cell that raised.
        **environment: more variables for the kernel.
    """
    scripts = own / "ipython" / "profile_default" / "startup"
    scripts.mkdir(parents=True)
    (scripts / "first.py").write_text(startup, encoding="utf-8")
    places = {"IPYTHONDIR": own / "ipython", "JUPYTER_RUNTIME_DIR": own / "runtime", "JUPYTER_DATA_DIR": own / "data"}
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("TQDM_", "POSTMARK_"))}
    variables |= {name: str(place) for name, place in places.items()} | environment
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        allow_errors=allow_errors,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # how prints are cut into messages is chance
    )
    client.execute(cwd=str(cwd), env=variables)
    return notebook
