"""Every notebook runs, prints its stored outputs, and stores no secret."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest

from mailframe.sandbox.local.postmark import DEFAULT_TOKEN
from tests.kernels import execute, with_content

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TOKEN = "token-of-no-server-0123456789"
FROZEN_BAR = re.compile(r"\d%\s*\||#{3}|█|\bit/s\b")
MACHINE_PATH = re.compile(r"/(?:home|Users|root|tmp|var|private)/|[A-Z]:\\\\|site-packages")
VARYING = re.compile(
    r"[\d,.]+ (?:msg/s|s\b|ms\b|minutes ago)|\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::[\d.]+)?)?"
)
"""Rates, durations and times differ from run to run."""

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def texts(output: nbformat.NotebookNode) -> dict[str, str]:
    """The texts of an output by MIME type; streams and errors are plain text."""
    if "data" in output:
        return {
            mime: value if isinstance(value, str) else json.dumps(value)
            for mime, value in output["data"].items()
        }
    return {"text/plain": output["text"] if output["output_type"] == "stream" else output["ename"]}


def visible(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Outputs without the empty ones, which the bars of slow work leave.

    What was printed before and after a bar is one output, as it is where the work is fast.
    """
    kept: list[nbformat.NotebookNode] = []
    for output in with_content(outputs):
        if kept and output.get("name") == kept[-1].get("name", ""):
            kept[-1] = output | {"text": kept[-1]["text"] + output["text"]}
        else:
            kept.append(output)
    return kept


def shown(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """The plain text of the outputs of each code cell, without rates and durations."""
    return [
        [VARYING.sub("…", texts(output).get("text/plain", "")) for output in visible(cell.outputs)]
        for cell in code_cells(notebook)
    ]


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook at *path*, executed in *folder* with a copy of the sample data."""
    cwd = folder / "copy" / "notebooks"
    cwd.mkdir(parents=True)
    shutil.copytree(ROOT / "sample_data", cwd.parent / "sample_data")
    return execute(
        nbformat.read(path, as_version=4), cwd, folder / "jupyter", POSTMARK_SERVER_TOKEN=TOKEN
    )


def assert_shows_what_is_stored(fresh: nbformat.NotebookNode, path: Path) -> None:
    """Fail unless the outputs are those in the file at *path*, except rates and durations."""
    stored = nbformat.read(path, as_version=4)
    for cell, before, now in zip(code_cells(stored), shown(stored), shown(fresh), strict=True):
        assert now == before, (
            f"python -m tests.kernels {path}: its outputs are older than {cell.source}"
        )


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_four_notebooks() -> None:
    """Without notebooks the tests of this file would be empty."""
    names = ["01_quickstart", "02_when_things_go_wrong", "03_letters", "04_what_it_did"]
    assert [path.stem for path in NOTEBOOKS] == names


@every_notebook
@pytest.mark.slow
def test_a_notebook_runs_and_shows_what_it_stored(path: Path, tmp_path: Path) -> None:
    """No error, nothing on stderr, no token, and the stored outputs are up to date."""
    fresh = executed(path, tmp_path / "first")
    outputs = [output for cell in code_cells(fresh) for output in cell.outputs]
    assert not [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert TOKEN not in nbformat.writes(fresh)
    assert_shows_what_is_stored(fresh, path)


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_the_first_notebook_can_be_run_again(tmp_path: Path) -> None:
    """It uses the default ledger, which has its campaign by the second time."""
    executed(NOTEBOOKS[0], tmp_path / "first")
    assert_shows_what_is_stored(executed(NOTEBOOKS[0], tmp_path / "second"), NOTEBOOKS[0])


def test_the_second_notebook_leaves_the_ledger_of_its_user_alone() -> None:
    """Each call that uses a ledger names one, so the default ledger is not created."""
    sources = [cell.source for cell in code_cells(nbformat.read(NOTEBOOKS[1], as_version=4))]
    calls = re.findall(r"\.(?:send|adopt|audit|history|reconcile|resolve)\(.*", "\n".join(sources))
    assert calls
    assert [call for call in calls if "ledger=" not in call] == []


def test_the_tour_finds_a_mistake_that_the_first_rows_hide() -> None:
    """In the first notebook, none of the first three rows has a missing name."""
    cells = code_cells(nbformat.read(NOTEBOOKS[0], as_version=4))
    first = next(cell for cell in cells if "draft = " in cell.source)
    tour = next(cell for cell in cells if "tour = " in cell.source)
    assert "Dear ," not in first.outputs[0]["text"]
    assert "0 problems" in first.outputs[0]["text"]
    assert "Dear ," in tour.outputs[0]["text"]


@every_notebook
def test_a_notebook_is_stored_with_its_outputs(path: Path) -> None:
    """Every cell was run, once and in order, so code hosts show the outputs."""
    cells = code_cells(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells if not cell.source.rstrip().endswith(";"))


@every_notebook
def test_a_stored_output_holds_no_secret_path_or_bar(path: Path) -> None:
    """No token, no local path, no unfinished progress bar, no traceback, nothing on stderr."""
    for output in (
        output for cell in code_cells(nbformat.read(path, as_version=4)) for output in cell.outputs
    ):
        assert output["output_type"] != "error"
        assert output.get("name") != "stderr"
        assert not [
            mime
            for mime in output.get("data", {})
            if "widget" in mime and "text/html" not in output["data"]
        ]
        for text in texts(output).values():
            assert DEFAULT_TOKEN not in text
            assert not FROZEN_BAR.search(text)
            assert not MACHINE_PATH.search(text)
            assert str(ROOT) not in text
            assert sys.prefix not in text


@every_notebook
def test_a_notebook_s_metadata_says_nothing_of_a_machine(path: Path) -> None:
    """The kernel is python3, and neither widget states nor times of execution are kept."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert not [cell.metadata for cell in notebook.cells if set(cell.metadata) - {"tags"}]
