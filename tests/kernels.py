"""Jupyter kernels for tests; all their files are in one folder.

``python -m tests.kernels notebooks/*.ipynb`` runs notebooks and stores their outputs in them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from traitlets.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.blocking.client import BlockingKernelClient

TIMEOUT_S = 300
SOCKETS = tempfile.TemporaryDirectory()  # of a short name: that of a socket has 107 bytes at most
NUMBERS = count()


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
        notebook: the notebook.
        cwd: the working directory of the kernel.
        own: a folder for the files of IPython and Jupyter; created if needed.
        startup: code that the kernel runs before the first cell.
        allow_errors: whether to continue after a cell that raised.
        **environment: more environment variables for the kernel.
    """
    variables = _variables(own, startup=startup, **environment)
    _client(notebook, allow_errors=allow_errors).execute(cwd=str(cwd), env=variables)
    return notebook


def execute_and_kill(
    notebook: nbformat.NotebookNode,
    cwd: Path,
    own: Path,
    *,
    moment: threading.Event,
    after_s: float = 0.0,
    **environment: str,
) -> None:
    """Execute *notebook* and kill its kernel *after_s* seconds after *moment*."""
    client = _client(notebook)

    def kill() -> None:
        if moment.wait(TIMEOUT_S):
            time.sleep(after_s)
            os.kill(client.km.provisioner.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(DeadKernelError):
        client.execute(cwd=str(cwd), env=_variables(own, **environment))
    killer.join()


@contextmanager
def kernel(
    cwd: Path, own: Path, **environment: str
) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel for single cells and its manager; ``interrupt_kernel`` is the stop button."""
    manager = KernelManager(kernel_name="python3", **transport())
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager.start_kernel(cwd=str(cwd), env=_variables(own, **environment), **quiet)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT_S)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def transport() -> dict[str, str]:
    """Options of a kernel manager: sockets with a path of their own instead of TCP ports.

    Jupyter chooses ports before its kernel takes them, and another test may be quicker; then the
    kernel dies at its start. And the client of a killed kernel keeps connecting to them.
    """
    if sys.platform == "win32":
        return {}
    return {"transport": "ipc", "ip": str(Path(SOCKETS.name) / str(next(NUMBERS)))}


def _client(notebook: nbformat.NotebookNode, *, allow_errors: bool = False) -> NotebookClient:
    return NotebookClient(
        notebook,
        kernel_name="python3",
        config=Config(KernelManager=transport()),
        timeout=TIMEOUT_S,
        allow_errors=allow_errors,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # how prints are split into messages varies
    )


def _variables(own: Path, *, startup: str = "", **environment: str) -> dict[str, str]:
    """The environment of a kernel: ours without tokens and tqdm settings, and its own folders."""
    scripts = own / "ipython" / "profile_default" / "startup"
    scripts.mkdir(parents=True, exist_ok=True)
    (scripts / "first.py").write_text(startup, encoding="utf-8")
    places = {
        "IPYTHONDIR": own / "ipython",
        "JUPYTER_RUNTIME_DIR": own / "runtime",
        "JUPYTER_DATA_DIR": own / "data",
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TQDM_", "POSTMARK_"))
    }
    return kept | {name: str(place) for name, place in places.items()} | environment


def with_content(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Outputs without the empty ones, which the bars of slow work leave."""
    return [output for output in outputs if output.get("data") != {}]


def store_outputs(path: Path) -> None:
    """Run the notebook at *path* with a ledger of its own and store its outputs in it."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as own:
        execute(notebook, Path(own), Path(own), MAILFRAME_LEDGER=str(Path(own) / "ledger.sqlite3"))
    kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": kernelspec, "language_info": {"name": "python"}}
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = with_content(cell.outputs)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for named in sys.argv[1:]:
        store_outputs(Path(named))
