"""A JupyterLab 4 server in a temporary folder, which also serves Notebook 7, and its pages."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat.sign import NotebookNotary

from tests.kernels import transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import FrameLocator, Locator, Page

START_S = 180
RUN_MS = 120_000
CONNECTED = """() => {
  const kernel = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel?.status === 'idle';
}"""
COMMAND = """([name, args]) => {
  window.mailframeDone = null;
  window.jupyterapp.commands.execute(name, args).then(
    () => { window.mailframeDone = 'done'; }, error => { window.mailframeDone = String(error); });
}"""
OUTPUTS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
  .filter(cell => cell.type === 'code').map(cell => cell.outputs.toJSON())"""


@dataclass(frozen=True, slots=True)
class Lab:
    """One running server.

    Attributes:
        home: the folder of its notebooks; its own settings lie beside it.
        url: where it listens, ends with a slash.
        token: what its pages are opened with.
    """

    home: Path
    url: str
    token: str

    def write(
        self,
        name: str,
        cells: Sequence[str | nbformat.NotebookNode],
        *,
        trusted: bool = False,
        **metadata: object,
    ) -> Path:
        """Write a notebook.

        Args:
            name: its file name, ends with ``.ipynb``.
            cells: sources of code cells, or whole cells, which may have outputs.
            trusted: sign it, so that stored HTML and widgets are shown as they are.
            **metadata: more metadata of the notebook, say ``widgets=``.

        Returns:
            Where it lies.
        """
        whole = [
            nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells
        ]
        kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
        notebook = nbformat.v4.new_notebook(
            cells=whole, metadata={"kernelspec": kernelspec} | metadata
        )
        if trusted:
            self._sign(notebook)
        path = self.home / name
        nbformat.write(notebook, path)
        return path

    def open(self, page: Page, name: str) -> None:
        """Open a notebook in a new workspace, and wait until its kernel is connected and idle."""
        self._open(page, f"lab/tree/{name}?reset&token={self.token}")

    def open_notebook7(self, page: Page, name: str) -> None:
        """Open a notebook in Notebook 7 and wait until its kernel is connected and idle."""
        self._open(page, f"notebooks/{name}?token={self.token}")

    def run_all(self, page: Page) -> list[list[dict[str, object]]]:
        """Run all cells and return the outputs of each code cell, in nbformat's JSON.

        Raises:
            AssertionError: a cell raised; says what.
        """
        self.command(page, "notebook:run-all-cells")
        page.wait_for_function(CONNECTED, timeout=RUN_MS)
        cells = page.evaluate(OUTPUTS)
        for output in (output for cell in cells for output in cell):
            assert output["output_type"] != "error", f"{output['ename']}: {output['evalue']}"
        return cells

    def command(self, page: Page, name: str, **args: object) -> None:
        """Execute a command of the application and wait until it is done."""
        page.evaluate(
            COMMAND, [name, args]
        )  # to await it inside would hang when the page asks something
        page.wait_for_function("() => window.mailframeDone", timeout=RUN_MS)
        assert page.evaluate("() => window.mailframeDone") == "done"

    def set(self, plugin: str, **settings: object) -> None:
        """Change settings of a plugin of JupyterLab, for pages that are opened from now on."""
        place = f"settings/@jupyterlab/{plugin}.jupyterlab-settings"
        _write_json(self.home.parent / place, settings)

    def dark(self, page: Page) -> None:
        """Switch JupyterLab to its dark theme."""
        self._theme(page, "JupyterLab Dark", light="false")

    def light(self, page: Page) -> None:
        """Switch JupyterLab to its light theme."""
        self._theme(page, "JupyterLab Light", light="true")

    def output(self, page: Page, number: int = 0) -> Locator:
        """The output area of the code cell with that number, from 0."""
        return page.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea-output")

    def _open(self, page: Page, place: str) -> None:
        page.goto(self.url + place)
        page.wait_for_function(CONNECTED, timeout=RUN_MS)

    def _theme(self, page: Page, theme: str, *, light: str) -> None:
        self.command(page, "apputils:change-theme", theme=theme)
        page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")
        page.locator("#jupyterlab-splash").wait_for(state="detached")  # it fades over the page

    def _sign(self, notebook: nbformat.NotebookNode) -> None:
        notary = NotebookNotary(data_dir=str(self.home.parent / "data"))
        try:
            notary.sign(notebook)
        finally:
            notary.store.close()


def frame_in_frame(page: Page, number: int = 0) -> FrameLocator:
    """The inner document of the preview with that number on *page*, from 0: there the mail is."""
    return page.frame_locator("iframe.mf-frame").nth(number).frame_locator("iframe")


@contextmanager
def served(folder: Path) -> Iterator[Lab]:
    """A server in *folder* that ends with the block, and takes its kernels along."""
    home, token = folder / "home", secrets.token_hex(16)
    home.mkdir(parents=True)
    environment = _environment(folder)
    _settings(folder, token)
    with (folder / "log.txt").open("wb") as log:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser"]
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)
        try:
            yield Lab(home, _address(server, folder), token)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=START_S)


def _environment(folder: Path) -> dict[str, str]:
    """The environment with Jupyter's folders in *folder* and this Python's programs first."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "TQDM_", "POSTMARK_"))
    }
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return kept | {name: str(folder / place) for name, place in places.items()} | {"PATH": path}


def _settings(folder: Path, token: str) -> None:
    """Write what the server and its two applications are told, in files of their own."""
    server = {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": 0,
            "root_dir": str(folder / "home"),
            "allow_root": True,
            "open_browser": False,
        },
        "IdentityProvider": {"token": token},
        "KernelManager": transport(),
        "LanguageServerManager": {"autodetect": False},
        "LabApp": {"expose_app_in_browser": True, "news_url": None},
        "JupyterNotebookApp": {"expose_app_in_browser": True},
    }
    _write_json(folder / "config" / "jupyter_server_config.json", server)
    page = {"buildAvailable": False, "buildCheck": False}  # Node would look for extensions
    _write_json(folder / "config" / "labconfig" / "page_config.json", page)
    news = (
        folder
        / "settings"
        / "@jupyterlab"
        / "apputils-extension"
        / "notification.jupyterlab-settings"
    )
    _write_json(news, {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True})


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def _address(server: subprocess.Popen[bytes], folder: Path) -> str:
    """Wait until *server* has state_file where it listens, and return that."""
    state_file = folder / "runtime" / f"jpserver-{server.pid}.json"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        if (
            state_file.exists()
            and state_file.stat().st_size
            and (text := state_file.read_text(encoding="utf-8")).endswith("}")
        ):
            return str(json.loads(text)["url"]).replace("localhost", "127.0.0.1")
        time.sleep(0.05)
    raise AssertionError(
        "JupyterLab did not start: " + (folder / "log.txt").read_text(encoding="utf-8")[-2000:]
    )
