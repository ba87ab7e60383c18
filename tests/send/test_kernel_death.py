"""A kernel is killed or interrupted during a send, and the notebook is run again: no duplicate.

The judge is the sandbox's list of accepted messages, in the process of the test.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import mailframe as mf
from tests.kernels import execute, execute_and_kill, kernel, notebook_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

pytestmark = pytest.mark.slow  # real kernels

ROWS = 3_000
BATCHES = 6
CELLS = (
    "import os\nimport pandas as pd\nimport mailframe as mf",
    f'people = pd.DataFrame({{"email": [f"p{{n}}@example.com" for n in range({ROWS})]}})',
    'letter = mf.Letter(sender="me@a.example", to="{{ email }}", subject="Hi", text_body="Hi")',
    'campaign = people.mail.compose(letter, name="hi")',
    'results = campaign.send(mf.Postmark("any-token", base_url=os.environ["SANDBOX_URL"]))',
    'results.mail.to_csv("results.csv")',
)


def prepare(sandbox: mf.Sandbox, what: str, *, batch: int, delay_s: float = 60) -> threading.Event:
    """Let the sandbox do *what*; the event is set when it has processed that request."""
    moment = threading.Event()
    if what == "start":
        sandbox.fault("slow", path="/server", delay_s=delay_s)
        sandbox.listen(lambda seen: moment.set() if seen.path == "/server" else None)
        return moment
    if what != "any":
        sandbox.fault({"taken": "slow", "lost": "hang_lost"}[what], request=batch, delay_s=delay_s)
    sandbox.listen(lambda seen: moment.set() if seen.number == batch else None)
    return moment


def posted(sandbox: mf.Sandbox) -> int:
    """How many batches have arrived."""
    return int(sandbox.requests()["number"].notna().sum())


def copies(sandbox: mf.Sandbox) -> Counter[str]:
    """How many messages of the campaign each person got."""
    return Counter(sandbox.messages()["To"])


def judged(results: pd.DataFrame, sandbox: mf.Sandbox) -> dict[str, int]:
    """How many rows have each status; fails for a duplicate, a missing row or a false status."""
    got = copies(sandbox)
    holders = dict(zip(sandbox.messages()["MessageID"], sandbox.messages()["To"], strict=True))
    assert not [to for to, number in got.items() if number > 1]
    assert results["email"].tolist() == [f"p{n}@example.com" for n in range(ROWS)]
    for row in results[["email", "status", "reason", "MessageID"]].itertuples():
        if row.status in ("accepted", "skipped"):
            assert row.status == "accepted" or row.reason == "already_sent"
            assert holders[row.MessageID] == row.email
        else:
            assert row.status == "unknown" or not got[row.email], (
                f"{row.email} is {row.status} and was mailed"
            )
    return Counter(results["status"])


@pytest.mark.parametrize(
    ("seed", "deaths"),
    [(1, ("taken",)), (2, ("lost", "any")), (3, ("start", "any"))],
    ids=lambda value: str(value) if isinstance(value, int) else "-".join(value),
)
def test_a_killed_kernel_makes_no_duplicate_and_loses_no_row(
    seed: int, deaths: tuple[str, ...], tmp_path: Path
):
    """The notebook is killed by SIGKILL once or twice, and then runs to its end in a fresh kernel.

    ``start``: the server was asked for its id. ``taken``: a batch was accepted and is not answered
    yet. ``lost``: a batch was sent and will not be accepted; it stays unknown. ``any``: soon after
    a batch was accepted, at a random moment, in a request or between two.
    """
    chance = random.Random(seed)
    notebook, own = notebook_of(*CELLS), tmp_path / "jupyter"
    with mf.Sandbox() as sandbox:
        for death in deaths:
            moment = prepare(sandbox, death, batch=posted(sandbox) + chance.randint(1, 2))
            after_s = chance.uniform(0, 0.04) if death == "any" else 0.1
            execute_and_kill(
                notebook, tmp_path, own, moment=moment, after_s=after_s, SANDBOX_URL=sandbox.url
            )
            assert (death == "start") == (posted(sandbox) == 0), "it died too early or too late"
        assert 0 < posted(sandbox) < BATCHES, "it died after the campaign"
        execute(notebook, tmp_path, own, SANDBOX_URL=sandbox.url)
        counts = judged(mf.read_results(tmp_path / "results.csv"), sandbox)
        lost, anywhere = 500 * deaths.count("lost"), 500 * deaths.count("any")
        # between the record and the request it cannot be known
        assert lost <= counts["unknown"] <= lost + anywhere
        assert counts["accepted"] > 0
        assert (
            counts["accepted"] + counts["skipped"]
            == len(copies(sandbox))
            == ROWS - counts["unknown"]
        )


@pytest.mark.parametrize(
    ("presses", "answer_s", "first", "second"),
    [
        (1, 6.0, {"accepted": 1_000, "unsent": 2_000}, {"skipped": 1_000, "accepted": 2_000}),
        (
            2,
            60.0,
            {"accepted": 500, "unknown": 500, "unsent": 2_000},
            {"skipped": 1_000, "accepted": 2_000},
        ),
    ],
    ids=["once", "twice"],
)
def test_the_stop_button_returns_results_and_the_next_run_completes(
    presses: int, answer_s: float, first: dict[str, int], second: dict[str, int], tmp_path: Path
):
    """Once waits for the batch in flight; twice does not, and the next run finds it at Postmark."""
    with (
        mf.Sandbox() as sandbox,
        kernel(tmp_path, tmp_path / "jupyter", SANDBOX_URL=sandbox.url) as (manager, client),
    ):
        moment = prepare(sandbox, "taken", batch=2, delay_s=answer_s)
        asked = client.execute("\n".join(CELLS))
        assert moment.wait(60)
        for _ in range(presses):
            time.sleep(1.0)  # so that two interrupts are not one
            manager.interrupt_kernel()
        while (reply := client.get_shell_msg(timeout=120))["parent_header"].get("msg_id") != asked:
            pass
        assert reply["content"]["status"] == "ok"
        assert judged(mf.read_results(tmp_path / "results.csv"), sandbox) == first
        client.execute_interactive(
            "\n".join(CELLS[3:]), timeout=120, output_hook=lambda _message: None
        )
        assert judged(mf.read_results(tmp_path / "results.csv"), sandbox) == second
        assert len(copies(sandbox)) == ROWS
