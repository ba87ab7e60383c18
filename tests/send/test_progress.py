"""The bars of sends and of other work in a terminal, a pipe and notebooks, also without widgets."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from functools import cache
from typing import TYPE_CHECKING

import pytest

from mailframe.notebook import BAR_AFTER_S
from mailframe.results.row_results import RowResults, Status
from mailframe.send.pacing.pace import Clock, Pace, read_pacing
from mailframe.send.progress import Bar
from tests.kernels import execute, notebook_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import nbformat

LINE = re.compile(r"hello: 1,200 rows: 1,200 accepted, [\d,]+ msg/s")
SEND = """
import pandas as pd
import mailframe as mf

people = pd.DataFrame({"email": [f"person{number}@example.com" for number in range(1200)]})
letter = mf.Letter(sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi")
campaign = people.mail.compose(letter, name="hello")
with mf.Sandbox(in_process=True, delay_s=0.15) as sandbox:
    results = campaign.send(sandbox.server, progress={progress})
"""
QUIET = SEND.replace("{progress}", "False")
SHOWN = SEND.replace("{progress}", "True")
NO_CHECK_IS_LONG = "from mailframe.send import progress; progress.BAR_AFTER_S = 600"
"""On a busy machine a check takes longer than usual."""
SLOW_CHECK = """
import time
import pandas as pd
import mailframe as mf

people = pd.DataFrame({"email": [f"person{number}@example.com" for number in range(3)]})
campaign = people.mail.compose(
    sender="me@acme.example", to="{{ email }}", subject="Hi", name="slow",
    text_body=mf.each(lambda row: time.sleep(0.4) or "Hi"),
)
with mf.Sandbox(in_process=True) as sandbox:
    campaign.send(sandbox.server, dry_run=True)
    campaign.send(sandbox.server)
    campaign.send(sandbox.server)
"""
INTERRUPTED_CHECK = """
import os
import signal
import time
import pandas as pd
import mailframe as mf

calls = []

def stop(row):
    calls.append(row)
    if len(calls) == 1:
        time.sleep(0.7)
        os.kill(os.getpid(), signal.SIGINT)
    return "Hi"

people = pd.DataFrame({"email": [f"person{number}@example.com" for number in range(3)]})
campaign = people.mail.compose(
    sender="me@acme.example", to="{{ email }}", subject="Hi", name="slow", text_body=mf.each(stop)
)
with mf.Sandbox(in_process=True) as sandbox:
    print(campaign.send(sandbox.server)["reason"].tolist())
    assert sandbox.requests().empty
"""
QUIET_TWICE = (
    f"{QUIET}\nimport os\nos.environ['TQDM_DISABLE'] = '1'\n{SHOWN}\ndel os.environ['TQDM_DISABLE']"
)
ROWS = """
import time
from mailframe.notebook import BAR_AFTER_S, rows_bar

def work(slow, shown=True):
    with rows_bar("tour", 3, shown=shown) as bar:
        time.sleep(slow)
        bar.update()
        with rows_bar("pictures", 2) as inner:
            time.sleep(slow)
            inner.update()
            inner.update()
        bar.update(2)

"""
CHECK = """
import time
import pandas as pd
import mailframe as mf

people = pd.DataFrame({"email": [f"person{number}@example.com" for number in range(40)]})
slow = mf.each(lambda row: time.sleep(0.03) or "Hi")
campaign = people.mail.compose(
    sender="me@acme.example", to="{{ email }}", subject="Hi", text_body=slow
)
print(len(campaign.problems()))
"""
SLOW = f"{ROWS}\nwork(BAR_AFTER_S)"
FAST = f"{ROWS}\nwork(0)\nwork(BAR_AFTER_S, shown=False)"
BAR = """
from mailframe.send.progress import Bar
from mailframe.results.row_results import RowResults, Status

rows = RowResults(9)
rows.settle_many(range(3), Status.ACCEPTED)
"""


def in_terminal(code: str) -> tuple[str, str]:
    """What *code* writes to a terminal of 100 columns on stderr, and to stdout."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    try:
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave) as process:
            os.close(slave)
            drawn = _drained(master)
            output = process.communicate(timeout=300)[0]
        assert process.returncode == 0, drawn
    finally:
        os.close(master)
    return drawn, output.decode()


def _drained(descriptor: int) -> str:
    read = b""
    while True:
        try:
            more = os.read(descriptor, 65536)
        except OSError:  # what Linux says when the other side of a terminal is closed
            break
        if not more:
            break
        read += more
    return read.decode()


def in_pipe(code: str) -> tuple[str, str]:
    """What *code* writes to stderr and to stdout when neither is a terminal."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    return done.stderr, done.stdout


def counts(accepted: int, rejected: int = 0, unknown: int = 0) -> dict[Status, int]:
    """Rows by status, with some that were never to be sent."""
    return {
        Status.ACCEPTED: accepted,
        Status.REJECTED: rejected,
        Status.UNKNOWN: unknown,
        Status.INVALID: 7,
    }


def test_a_check_that_takes_long_has_a_bar():
    """Without a send; it is removed at the end."""
    drawn, output = in_terminal(CHECK)
    assert "checking:" in drawn
    assert "/40 " in drawn
    assert "\n" not in drawn
    assert output == "0\n"


def test_a_terminal_shows_a_bar_that_becomes_one_line() -> None:
    """The bar is redrawn in place, without cursor codes; a check that is short is not drawn."""
    drawn, output = in_terminal(f"{NO_CHECK_IS_LONG}\n{SHOWN}")
    assert "\x1b" not in drawn
    assert drawn.count("\n") == 1
    assert drawn.endswith("\r\n")
    bars, last = drawn.removesuffix("\r\n").rsplit("\r", 1)
    assert LINE.fullmatch(last)
    assert "sending hello:   0%|" in bars
    assert "msg/s, 500 accepted, 0 rejected]" in bars
    assert "checking" not in bars
    assert output == ""


def test_a_slow_check_is_drawn_and_a_second_run_says_that_nothing_was_to_send() -> None:
    """The same bar checks and sends; a dry run checks, and leaves no line."""
    drawn, _ = in_terminal(SLOW_CHECK)
    bars, first, second = re.split(r"\r(?=slow: )|\r?\n(?=slow: )", drawn)
    assert re.search(r"\rchecking slow:   0%\|.* 0/3 .*text_body 2 of 3\]", bars)
    assert re.search(r"\rsending slow:   0%\|.* 0/3 ", bars)
    assert "\n" not in bars
    assert re.fullmatch(r"slow: 3 rows: 3 accepted, [\d,]+ msg/s", first)
    assert second == "slow: nothing to send; 3 rows: 3 skipped (already sent)\r\n"


def test_an_interrupt_while_the_check_is_drawn_sends_nothing() -> None:
    """The bar becomes a line that says so; the results are returned."""
    drawn, output = in_terminal(INTERRUPTED_CHECK)
    assert "\rchecking slow:   0%|" in drawn
    assert "sending" not in drawn
    assert drawn.endswith("\rslow: nothing sent; 3 rows: 3 unsent (interrupted)\r\n")
    assert output == "['interrupted', 'interrupted', 'interrupted']\n"


def test_a_quiet_run_writes_nothing_to_a_terminal() -> None:
    """``progress=False`` and ``TQDM_DISABLE`` leave stderr and stdout empty."""
    assert in_terminal(QUIET_TWICE) == ("", "")


def test_a_pipe_gets_one_line() -> None:
    """A log of a short run holds its last line only."""
    drawn, output = in_pipe(SHOWN)
    assert LINE.fullmatch(drawn.removesuffix("\n"))
    assert drawn.endswith("\n")
    assert output == ""


def test_a_bar_that_cannot_say_when_the_send_ends_does_not_end_it(capfd) -> None:
    """Here the clock has no time that could be a date."""
    pace = Pace(read_pacing(rate="1/h"), 3, clock=Clock(lambda: 0.0, lambda: float("inf")))
    with Bar(3, name="spring", shown=True) as bar:
        bar.send(3, pace)
        bar.count({Status.ACCEPTED: 1})
    assert capfd.readouterr().err == ""


def test_a_broken_pipe_costs_no_results() -> None:
    """The reader of stderr ends before the first line; the send still returns its results."""
    reading, writing = os.pipe()
    os.close(reading)
    code = SHOWN + "\nprint(results['status'].value_counts().to_dict())"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=writing,
            timeout=300,
            check=True,
            text=True,
        )
    finally:
        os.close(writing)
    assert done.stdout == "{'accepted': 1200}\n"


def results(rows: int, *, accepted: int = 0, rejected: int = 0, unknown: int = 0) -> RowResults:
    """Results with these numbers of rows of each status; the others are unsent."""
    made, first = RowResults(rows), 0
    for status, count in counts(accepted, rejected, unknown).items():
        if status is not Status.INVALID:
            made.settle_many(range(first, first + count), status)
            first += count
    return made


def test_a_long_log_holds_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    """However many batches there are, a file gets ten lines on the way and one at the end."""
    with Bar(1000, name="hello", shown=True, log_interval_s=0) as bar:
        bar.send(1000)
        for accepted in range(1, 1001):
            bar.count(counts(accepted))
        bar.finish(results(1000, accepted=1000))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert re.fullmatch(r"sending hello: 10 %, 100 accepted, 0 rejected, .* msg/s", lines[0])
    assert lines[-1].startswith("hello: 1,000 rows: 1,000 accepted, ")


def test_a_log_of_a_long_check_has_lines_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A bar without a last line, as of a refused send, leaves nothing else."""
    with Bar(20, name=None, shown=True, log_interval_s=0) as bar:
        time.sleep(BAR_AFTER_S)
        bar.check(5)
        bar.note("pictures 1 of 2")
        bar.step("waiting for Postmark", is_long=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" %")[0] for line in lines] == [
        "checking rows: 25",
        "checking rows: 100",
    ]
    assert lines[1].startswith("checking rows: 100 %, waiting for Postmark, ")


def test_the_last_line_of_a_run_that_ends_early_counts_every_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the first word of the reason of unsent rows."""
    with Bar(1200, name="hello", shown=True) as bar:
        bar.send(1200)
        bar.count(counts(495, 5, 500))
        rows = results(1207, accepted=495, rejected=5, unknown=500)
        rows.settle_many(range(1000, 1007), Status.INVALID, reason="missing_value")
        rows.settle_many(range(1007, 1207), Status.UNSENT, reason="stopped: batch 2 is unknown")
        bar.finish(rows)
    output = capsys.readouterr().err
    assert output.startswith(
        "hello: 1,207 rows: 495 accepted, 5 rejected, 7 invalid, 200 unsent (stopped), "
        "500 unknown, "
    )
    assert output.count("\n") == 1


def test_a_name_with_line_breaks_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in a campaign's name are drawn as spaces."""
    with Bar(1, name="a\nb\x1b[2Jc{d}", shown=True) as bar:
        bar.finish(RowResults(1))
    assert capsys.readouterr().err == "a b [2Jc{d}: nothing sent; 1 row: 1 unsent\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_closed_stderr_costs_nothing(monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> None:
    """A bar that cannot be drawn is given up in silence."""
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal  # type: ignore[method-assign]  # a stream that says so
    monkeypatch.setattr(sys, "stderr", stream)
    with Bar(10, name=None, shown=True) as bar:
        bar.send(10)
        stream.close()
        bar.count(counts(5))
        bar.count(counts(10))
        bar.finish(RowResults(10))


def test_no_stderr_at_all_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """``pythonw`` has no stderr."""
    monkeypatch.setattr(sys, "stderr", None)
    with Bar(10, name="hello", shown=True) as bar:
        bar.send(10)
        bar.count(counts(10))
        bar.finish(RowResults(10))


def test_slow_work_has_a_bar_in_a_terminal_that_is_removed() -> None:
    """It is one line, and work inside the block is a text behind it."""
    drawn, output = in_terminal(SLOW)
    states = drawn.split("\r")
    assert any(state.startswith("tour:  33%|") for state in states)
    assert any(state.endswith("row/s, pictures 1 of 2]") for state in states)
    assert "pictures:" not in drawn
    assert "\n" not in drawn
    assert states[-1].strip() == states[-2].strip() == output == ""


def test_other_work_has_no_bar() -> None:
    """Fast work, work with ``progress=False`` and all that is done in it, and work in a pipe."""
    assert in_terminal(FAST) == ("", "")
    assert in_pipe(SLOW) == ("", "")


CELLS = {
    "finished": SHOWN,
    "quiet": QUIET_TWICE,
    "raised": f"""{BAR}
with Bar(9, name='<b>', shown=True) as bar:
    bar.send(9)
    bar.count({{Status.ACCEPTED: 3}})
    bar.finish(rows)
    1 / 0
""",
    "interrupted": f"""
import os, signal
{SHOWN.split("with mf", maxsplit=1)[0]}
with mf.Sandbox(in_process=True) as sandbox:
    sandbox.fault(lambda arrival: os.kill(os.getpid(), signal.SIGINT))
    results = campaign.send(sandbox.server)
""",
    "refused": f"""{BAR}
from comm import get_comm_manager
before = len(get_comm_manager().comms)
with Bar(9, name='hello', shown=True) as bar:
    bar.step("waiting for Postmark", is_long=True)
len(get_comm_manager().comms) - before
""",
    "running": f"""{BAR}
from mailframe.notebook import OUTER_BAR
bar = Bar(10, name='hello', shown=True).__enter__()
bar.step("reading the ledger", is_long=True)
bar.send(10)
bar.count({{Status.ACCEPTED: 3}})
OUTER_BAR.set(None);
""",
    "slow work": f"""
from comm import get_comm_manager
before = len(get_comm_manager().comms)
{SLOW}
len(get_comm_manager().comms) - before
""",
    "fast work": FAST,
    "running work": f"""{ROWS}
bar = rows_bar("tour", 9).__enter__()
time.sleep(BAR_AFTER_S)
bar.update(3)
""",
}
WITHOUT_WIDGETS = "import sys\nsys.modules['ipywidgets'] = None"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, list[object]]]:
    """The outputs of each cell by startup code; one kernel for each, in any order of the tests."""

    @cache
    def run(startup: str) -> dict[str, list[object]]:
        own, cwd = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("cwd")
        loud = (
            "import warnings\nwarnings.simplefilter('always')\n"
            "warnings.filterwarnings('ignore', 'The .ipykernel.comm.Comm. class')"  # ipywidgets 7
        )
        notebook: nbformat.NotebookNode = execute(
            notebook_of(loud, *CELLS.values()), cwd, own, startup=startup, allow_errors=True
        )
        return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells[1:], strict=True)}

    return run


@pytest.fixture(params=["", WITHOUT_WIDGETS], ids=["widgets", "no_widgets"])
def outputs(
    request: pytest.FixtureRequest, executed: Callable[[str], dict[str, list[object]]]
) -> dict[str, list[object]]:
    """The outputs of each cell as nbclient saves them; a warning would be one of them."""
    return executed(request.param) | {"has_widgets": [] if request.param else [True]}


@pytest.mark.slow
def test_a_saved_notebook_holds_one_plain_line(outputs: dict[str, list]) -> None:
    """Neither a widget nor a bar stays in the file, and nothing on stderr."""
    (output,) = outputs["finished"]
    assert output["output_type"] == "display_data"
    assert list(output["data"]) == ["text/plain"]
    assert LINE.fullmatch(output["data"]["text/plain"])


@pytest.mark.slow
def test_a_quiet_cell_has_no_output(outputs: dict[str, list]) -> None:
    """``progress=False`` and ``TQDM_DISABLE`` leave nothing, not even an empty output."""
    assert outputs["quiet"] == []


@pytest.mark.sampled(2)
@pytest.mark.slow
def test_a_cell_that_raised_keeps_its_line(outputs: dict[str, list]) -> None:
    """The line stands above the traceback, and says how far it came."""
    line, error = outputs["raised"]
    assert line["data"]["text/plain"].startswith("<b>: 9 rows: 3 accepted, 6 unsent, ")
    assert error["ename"] == "ZeroDivisionError"


@pytest.mark.slow
def test_an_interrupted_cell_keeps_its_line(outputs: dict[str, list]) -> None:
    """The stop button leaves the counts of what was answered."""
    (line,) = outputs["interrupted"]
    assert line["data"]["text/plain"].startswith(
        "hello: 1,200 rows: 500 accepted, 700 unsent (interrupted), "
    )


@pytest.mark.slow
def test_a_running_cell_shows_a_widget_with_a_text_or_a_text_bar(
    outputs: dict[str, list],
) -> None:
    """A kernel that is killed leaves a text, or the bar as it was; never a bar at 0 %."""
    (output,) = outputs["running"]
    if outputs["has_widgets"]:
        assert "application/vnd.jupyter.widget-view+json" in output["data"]
        assert output["data"]["text/plain"] == "sending hello: 10 messages"
    else:
        assert list(output["data"]) == ["text/plain"]
        assert output["data"]["text/plain"].startswith("sending hello: ")


@pytest.mark.slow
def test_a_refused_send_leaves_no_line_and_no_widget(outputs: dict[str, list]) -> None:
    """The error says it all; the output of the bar is without content."""
    emptied, widgets = outputs["refused"]
    assert emptied["data"] == {}
    assert widgets["data"] == {"text/plain": "0"}


@pytest.mark.sampled(2)
@pytest.mark.slow
def test_slow_work_leaves_an_output_without_content(outputs: dict[str, list]) -> None:
    """No front end shows it; a bar of a dead kernel was there before. No widget is left open."""
    emptied, widgets = outputs["slow work"]
    assert emptied["data"] == {}
    assert widgets["data"] == {"text/plain": "0"}


@pytest.mark.slow
def test_fast_work_leaves_no_output(outputs: dict[str, list]) -> None:
    """Nor does work with ``progress=False``."""
    assert outputs["fast work"] == []


@pytest.mark.slow
def test_slow_work_shows_a_bar_while_it_runs(outputs: dict[str, list]) -> None:
    """A widget where there are widgets."""
    (output,) = outputs["running work"]
    assert output["data"]["text/plain"].startswith("tour: ")
    assert len(output["data"]) == (2 if outputs["has_widgets"] else 1)
