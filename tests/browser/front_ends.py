"""Shows one notebook in several front ends: ``python -m tests.browser.front_ends FOLDER [NAME…]``.

It stores a picture of each. Voila, papermill and marimo are not installed with the extra ``test``:
``pip install voila papermill marimo``. Names: the keys of ``FRONT_ENDS``.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from tests.browser.chromium import ONE_PROCESS, launched
from tests.browser.lab import CONNECTED, RUN_MS, served
from tests.kernels import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

SETUP = """import os, tempfile
os.environ["MAILFRAME_LEDGER"] = tempfile.mkdtemp() + "/ledger.db"
import mailframe as mf
from mailframe.demo import sample_campaign, sample_customers
campaign = sample_campaign(600)
bare = sample_customers(600).mail.compose(
    campaign.letter.replace(subject="{{ first_name }}, your {{ plan }} plan renews"),
    name="renewals-2026-12", key="customer_id",
)
sandbox = mf.Sandbox(suppressions={"broadcast": campaign.frame["email"].iloc[5::40].tolist()})
sandbox.start();"""
CELLS = (
    "campaign.preview()",
    "bare.problems()",
    "bare.plan()",
    "campaign",
    'campaign.send(sandbox.server, on_invalid="skip")',
    "campaign.gallery(n=4)",
    "bare.send(sandbox.server, progress=False)",  # it raises: there are invalid rows
)
WIDTH, HEIGHT = 1_280, 6_000
DRAWN_MS = 5_000
START_S = 120


def notebook() -> nbformat.NotebookNode:
    """The notebook; its last cell raises."""
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, *CELLS)]
    cells[-1].metadata["tags"] = ["raises-exception"]
    kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})


def in_jupyter(page: Page, folder: Path, *, seven: bool = False) -> None:
    """JupyterLab or Notebook 7, live."""
    with served(folder / "server") as lab:
        nbformat.write(notebook(), lab.home / "it.ipynb")
        lab.set("notebook-extension/tracker", windowingMode="none")
        (lab.open_notebook7 if seven else lab.open)(page, "it.ipynb")
        lab.command(page, "notebook:run-all-cells")
        page.wait_for_function(CONNECTED, timeout=RUN_MS)
        page.wait_for_timeout(DRAWN_MS)
        take(page, folder)


def by_nbconvert(page: Page, folder: Path, *options: str, state: bool = False) -> None:
    """A page that nbconvert makes of an executed notebook."""
    path = folder / "it.ipynb"
    if state:
        command = ["nbconvert", "--execute", "--to", "notebook", "--inplace"]
        nbformat.write(notebook(), path)
        run("jupyter", *command, str(path))
    else:
        nbformat.write(execute(notebook(), folder, folder / "own", allow_errors=True), path)
    run("jupyter", "nbconvert", "--to", "html", *options, str(path))
    show(page, path.with_suffix(".html").as_uri(), folder)


def by_papermill(page: Page, folder: Path) -> None:
    """Run the notebook with papermill, and make a page of it with nbconvert."""
    path = folder / "it.ipynb"
    nbformat.write(notebook(), path)
    options = ["--no-progress-bar", "-k", "python3"]
    run("papermill", *options, str(path), str(path), check=False)  # the last cell raises
    run("jupyter", "nbconvert", "--to", "html", str(path))
    show(page, path.with_suffix(".html").as_uri(), folder)


def in_voila(page: Page, folder: Path) -> None:
    """Voila serves the outputs, with a kernel."""
    path = folder / "it.ipynb"
    nbformat.write(notebook(), path)
    options = ["--no-browser", "--port={port}", "--show_tracebacks=True", str(path)]
    with server("voila", *options, folder=folder) as url:
        show(page, url, folder)


def in_marimo(page: Page, folder: Path) -> None:
    """Convert the notebook to the format of marimo, and run it as an app."""
    path = folder / "it.ipynb"
    nbformat.write(notebook(), path)
    run("marimo", "-y", "convert", str(path), "-o", str(folder / "it.py"))
    options = ["run", "--headless", "--no-token", "--port={port}", str(folder / "it.py")]
    with server("marimo", *options, folder=folder) as url:
        show(page, url, folder, waits_for="text=renewals-2026-11")


FRONT_ENDS: dict[str, Callable[[Page, Path], None]] = {
    "jupyterlab": in_jupyter,
    "notebook7": lambda page, folder: in_jupyter(page, folder, seven=True),
    "nbconvert": by_nbconvert,
    "nbconvert-state": lambda page, folder: by_nbconvert(page, folder, state=True),
    "nbconvert-sanitize": lambda page, folder: by_nbconvert(page, folder, "--sanitize-html"),
    "papermill": by_papermill,
    "voila": in_voila,
    "marimo": in_marimo,
}


def run(program: str, *arguments: str, check: bool = True) -> None:
    """Run a program of this environment until it ends."""
    subprocess.run([str(Path(sys.executable).with_name(program)), *arguments], check=check)


@contextmanager
def server(program: str, *arguments: str, folder: Path) -> Iterator[str]:
    """Run a program of this environment that serves a page, and give the page's address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [argument.replace("{port}", str(port)) for argument in arguments]
    path = Path(sys.executable).with_name(program)
    process = subprocess.Popen([str(path), *command], cwd=folder)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    """Wait until something listens on *port*."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"nothing listens on {port}")


def show(page: Page, url: str, folder: Path, *, waits_for: str = "body") -> None:
    """Open a page, wait until it is drawn, and take its picture."""
    page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
    page.goto(url, timeout=RUN_MS)
    page.locator(waits_for).first.wait_for(timeout=RUN_MS)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(DRAWN_MS)
    take(page, folder)


def take(page: Page, folder: Path) -> None:
    """Store the picture of the page beside the folder, under the folder's name."""
    page.screenshot(path=folder.with_suffix(".png"))


def main(out: Path, names: list[str]) -> None:
    """Take a picture of each front end."""
    out.mkdir(parents=True, exist_ok=True)
    os.environ.pop("MAILFRAME_PREVIEW", None)
    with launched(ONE_PROCESS, in_shell=True) as browser:
        for name in names or FRONT_ENDS:
            with tempfile.TemporaryDirectory() as folder:
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
                (Path(folder) / name).mkdir()
                FRONT_ENDS[name](page, Path(folder) / name)
                page.close()
                (out / f"{name}.png").write_bytes((Path(folder) / f"{name}.png").read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
