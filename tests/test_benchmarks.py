"""The benchmarks run at tiny sizes; nothing here asserts a speed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import orjson
import pandas as pd
import pytest

import mailframe as mf
from benchmarks import loops
from benchmarks.__main__ import main
from benchmarks.answering import Answering
from benchmarks.child import measure
from benchmarks.costs import Cost
from benchmarks.frame import people
from benchmarks.importing import importing
from benchmarks.latency import latency
from benchmarks.letter import LETTER, compose
from benchmarks.memory import in_child, memory
from benchmarks.million import million, report
from benchmarks.previewing import previewing
from benchmarks.refreshing import refreshing
from benchmarks.report import Figure, Part, Ratio, Target, as_json, as_text
from benchmarks.results_child import STEPS as RESULTS_STEPS
from benchmarks.results_costs import results_costs
from benchmarks.sandbox_child import QUESTIONS
from benchmarks.sandboxing import sandboxing
from benchmarks.scale import in_way, write_source
from benchmarks.sending import sending
from benchmarks.server import answering, client
from benchmarks.speed import same_mails, speed
from benchmarks.stages import split
from benchmarks.timing import CPU, Case, Spread, interleaved, times_faster
from benchmarks.touring import touring
from benchmarks.workloads import PLAIN, WORKLOADS, Workload
from mailframe.pandas_versions import text_dtype

ROWS = 40
STEPS = ("plan", "send", "second send", "write CSV", "read CSV")


def spread_is_ordered(spread: Spread) -> bool:
    """Whether the median lies between the ends."""
    return spread.low <= spread.median <= spread.high


# --- what is measured ----------------------------------------------------------------------------


def test_the_frame_has_26_columns_of_mixed_dtypes():
    """Mixed dtypes with missing values; each call returns the same frame."""
    frame = people(ROWS)
    assert frame.shape == (ROWS, 26)
    dtypes = {str(dtype) for dtype in frame.dtypes}
    assert {str(text_dtype()), "int64", "float64", "bool", "category"} <= dtypes
    assert frame["credit"].isna().any()
    assert frame["last_login"].isna().any()
    pd.testing.assert_frame_equal(frame, people(ROWS))


def test_the_campaign_has_no_problems():
    """Every row of the frame can be sent, so the loops and mailframe have the same work."""
    assert compose(people(ROWS)).problems().empty


def test_the_mail_has_three_parts_and_about_4_kb():
    """HTML, text, subject, a named recipient, a tag, one metadata field, a stream."""
    payload = compose(people(ROWS)).message(3).payload
    assert {"HtmlBody", "TextBody", "Subject", "Tag", "Metadata", "MessageStream"} < set(payload)
    assert 3_500 < same_mails(PLAIN, people(ROWS)) < 4_700
    assert payload["MessageStream"] == "broadcast"
    assert "{{{ pm:unsubscribe }}}" in str(payload["HtmlBody"])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("rows", [1, 499, 500, 501])
@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))
def test_the_loops_make_the_mails_of_mailframe(workload: Workload, rows: int):
    """Field for field, at the borders of a batch too; otherwise ``same_mails`` raises."""
    assert same_mails(workload, workload.frame(rows)) > 0


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))
def test_a_workload_has_no_errors_and_uses_the_columns_that_it_lists(workload: Workload):
    """Every row can be sent, and the better loop leaves out no column of the letter."""
    frame = workload.frame(ROWS)
    assert not workload.compose(frame).problems()["severity"].eq("error").any()
    assert same_mails(workload, frame[list(workload.used_columns)]) > 0


def test_the_sample_has_missing_values_and_the_unique_frame_has_each_value_once():
    """What the letter prints: names, companies, plans, amounts, and dates to the second."""
    assert WORKLOADS["sample"].frame(1_000).isna().any().sum() >= 6
    frame = WORKLOADS["unique"].frame(1_000)
    printed = [name for name in WORKLOADS["unique"].used_columns if name != "is_annual"]
    assert all(frame[name].is_unique for name in printed)
    assert not frame[printed].isna().to_numpy().any()


def test_mails_that_differ_are_an_error():
    """The loop prints a missing text as nan, so the comparison is refused."""
    frame = people(ROWS)
    frame.loc[5, "company"] = None
    with pytest.raises(AssertionError, match="39 and 40 messages of 40 rows"):
        same_mails(PLAIN, frame)


def test_a_loop_puts_500_messages_in_a_request():
    """As Postmark allows."""
    bodies = loops.bodies(loops.records(people(501)), loops.Templates.compiled())
    assert [len(orjson.loads(body)) for body in bodies] == [500, 1]


# --- the parts -----------------------------------------------------------------------------------


@pytest.mark.sampled(3)
def test_speed_reports_ratios_figures_and_a_target():
    """One ratio has the target; each stage of a pass has a figure."""
    part = speed(PLAIN, rows=ROWS, repeat=2)
    assert [ratio.target is not None for ratio in part.ratios].count(True) == 1
    assert all(ratio.spread.low > 0 and spread_is_ordered(ratio.spread) for ratio in part.ratios)
    names = " ".join(figure.name for figure in part.figures)
    assert all(
        stage in names for stage in ("binding", "cells", "render", "assemble", "check", "encode")
    )


@pytest.mark.sampled(3)
def test_speed_leaves_out_iterrows_where_cells_are_missing():
    """A row of iterrows has lost its dtypes, so that loop cannot make the same messages."""
    names = [figure.name for figure in speed(WORKLOADS["sample"], rows=ROWS, repeat=1).figures]
    assert any(name.startswith("better loop") for name in names)
    assert not any(name.startswith("loop (b)") for name in names)


@pytest.mark.sampled(3)
def test_latency_compares_whole_sends_with_posting_alone():
    """At 0 ms the target is the loop, at 50 ms posting; another latency has none."""
    part = latency(PLAIN, rows=ROWS, repeat=1, latencies_ms=(0, 1, 50))
    assert [ratio.target is not None for ratio in part.ratios] == [
        *(True, False, False, False),
        *(False, False, False, False),
        *(False, False, True, False),
    ]
    assert len(part.figures) == 12
    assert all(ratio.spread.low > 0 for ratio in part.ratios)


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_million_runs_each_step_in_a_process_of_its_own():
    """Plan, send, second send and the CSV both ways, at a size of a test."""
    part = million(PLAIN, sizes=[ROWS], repeat=1)
    assert [figure.name for figure in part.figures] == [f"{ROWS} rows: {step}" for step in STEPS]
    assert [ratio.target is not None for ratio in part.ratios] == [True] * 6


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_scale_renders_and_sends_in_a_process_of_its_own(tmp_path: Path):
    """Of the ways one, at a size of a test; Dask and Spark have tests of their own."""
    write_source(tmp_path / "people", ROWS)
    costs = in_way("one process, as a dataset", rows=ROWS, source=tmp_path / "people")
    assert list(costs) == ["start", "render", "send"]
    assert all(cost.rows == ROWS for cost in costs.values())


def test_million_tells_what_a_row_adds_and_has_targets_for_the_largest_size():
    """What both sizes need is left out of the bytes a row."""
    measured = {
        rows: {
            step: [Cost(step, rows, 1.0, 2.0, 5_000_000 + 100 * rows, exact=True)] for step in STEPS
        }
        for rows in (1_000, 2_000)
    }
    part = report(PLAIN, measured)
    assert part.figures[-1].spread == Spread(100.0, 100.0, 100.0)
    assert [ratio.target is not None for ratio in part.ratios] == [False] * 6 + [True] * 6


def test_the_stages_come_in_the_order_of_a_row():
    """Bind first, encode last; cells alone cannot take less than nothing."""
    found = split(LETTER, people(ROWS), repeat=2)
    assert list(found) == ["bind", "cells", "render", "assemble", "check", "encode"]
    assert found["bind"].low > 0
    assert found["cells"].low > 0


@pytest.mark.sampled(3)
def test_the_import_is_timed_in_new_processes():
    """After that of pandas; the target is beyond pandas."""
    part = importing(repeat=2)
    assert [ratio.target is not None for ratio in part.ratios] == [True]
    names = [figure.name for figure in part.figures]
    assert names[:2] == ["import pandas", "import mailframe after it"]
    assert all(spread_is_ordered(figure.spread) for figure in part.figures)


@pytest.mark.sampled(3)
def test_sending_reports_both_servers():
    """Four contestants on each of two servers, each accepted in full; two of them are mailframe."""
    part = sending(rows=ROWS, repeat=1)
    assert len(part.figures) == 8
    assert len(part.ratios) == 8
    assert all(spread_is_ordered(ratio.spread) for ratio in part.ratios)


@pytest.mark.sampled(3)
def test_results_are_measured_in_a_process_for_each_step():
    """Figures for each step, and a share of both bounds of the CSV."""
    part = results_costs(sizes=[100])
    assert len(part.figures) == len(RESULTS_STEPS)
    assert len(part.ratios) == 2
    assert all(figure.spread.median >= 0 and "peak" in figure.beside for figure in part.figures)


@pytest.mark.sampled(3)
def test_a_preview_is_timed_at_its_opening_and_at_each_step():
    """Two targets for the largest frame; a frame of one row is timed without steps."""
    part = previewing(sizes=[1, ROWS], repeat=1)
    assert [ratio.target is not None for ratio in part.ratios] == [True, True]
    assert [figure.name for figure in part.figures] == [
        "1 rows: open", "1 rows: 100 steps", f"{ROWS} rows: open", f"{ROWS} rows: 100 steps",
    ]  # fmt: skip
    assert all(ratio.spread.low > 0 for ratio in part.ratios)


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_a_refresh_is_measured_at_first_and_after_more_events():
    """With the number of requests."""
    figures = refreshing(sizes=[ROWS]).figures
    assert [figure.name for figure in figures] == [f"first, {ROWS} rows", f"1 % more, {ROWS} rows"]
    assert [int(figure.beside.split()[0]) for figure in figures] == [11, 5]


@pytest.mark.sampled(3)
def test_a_tour_is_timed_beside_bare_rendering():
    """The letter has the 20 branches that the target speaks of, or the part says so."""
    part = touring(sizes=[ROWS], repeat=1)
    assert [ratio.target is not None for ratio in part.ratios] == [True, False]
    assert len(part.figures) == 2
    assert 20 <= int(part.about.split("letter of ")[1].split()[0]) < 100


@pytest.mark.sampled(3)
def test_the_sandbox_is_timed_beside_a_send():
    """Over a socket too, and with messages that a process of its own keeps and searches."""
    part = sandboxing(rows=500, sizes=[500], repeat=1)
    assert [ratio.target is not None for ratio in part.ratios] == [True]
    assert len(part.figures) == 8 + len(QUESTIONS)
    assert all(figure.spread.median > 0 for figure in part.figures if "memory" not in figure.name)


def test_a_child_measures_one_send():
    """In a process of its own, with a peak that is no less than what was there before."""
    found = in_child(ROWS)
    assert found.rows == ROWS
    assert found.peak >= found.before > 0
    assert found.columns > 0
    assert found.row_results > 0


def test_the_figure_leaves_out_what_the_caller_keeps():
    """Peak less what was there before, less our columns, less the RowResults behind them."""
    found = measure(ROWS)
    assert found.beyond == found.peak - found.before - found.columns - found.row_results


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_memory_compares_each_size_with_the_smallest():
    """The largest has the target, with the ledger that a send keeps by itself."""
    part = memory(sizes=[10, 20], repeat=1)
    assert [ratio.target is not None for ratio in part.ratios] == [True, False]
    assert [figure.name.split()[0] for figure in part.figures] == ["10", "10", "20", "20"]


# --- the server that stores nothing --------------------------------------------------------------


def test_the_answering_server_accepts_every_message():
    """One MessageID a row, the To echoed, no row held back."""
    results = compose(people(501)).send(Answering().server(), progress=False, ledger=None)
    assert results["status"].eq(mf.Status.ACCEPTED).all()
    assert results["MessageID"].nunique() == 501
    assert results["To"].iloc[0].endswith("<person.0@mail0.example.com>")


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_the_answering_server_finds_each_recipient_in_pieces_of_any_size(size: int):
    """A name with escaped quotes, and a body that speaks of "To" itself, do not mislead it."""
    to = ['"A \\"B\\", C" <a@example.com>', "b@example.com"]
    body = orjson.dumps([{"To": each, "TextBody": '"To":"c@example.com"'} for each in to])
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    request = httpx.Request("POST", "http://127.0.0.1:1/email/batch", content=pieces)
    answer = json.loads(Answering().handle_request(request).read())
    assert [item["To"] for item in answer] == to
    assert [item["ErrorCode"] for item in answer] == [0, 0]


def test_the_server_in_its_own_process_answers_as_postmark_does():
    """A batch with a list, one message with an object, each with its own MessageID."""
    with answering() as url, client(url) as http:
        batch = http.post("/email/batch", json=[{"To": "a@example.com"}, {"To": "b@example.com"}])
        one = http.post("/email", json={"To": "c@example.com"}).json()
        assert http.get("/server").json()["DeliveryType"] == "Sandbox"
        assert http.get("/messages/outbound").json()["TotalCount"] == 0
    assert [item["To"] for item in batch.json()] == ["a@example.com", "b@example.com"]
    assert len({item["MessageID"] for item in [*batch.json(), one]}) == 3


def test_the_server_ends_with_its_block():
    """Nothing listens afterwards."""
    with answering() as url:
        pass
    with client(url) as http, pytest.raises(httpx.ConnectError):
        http.get("/server")


# --- the clock and the report --------------------------------------------------------------------


def test_repeats_are_interleaved():
    """A B, A B: a slow moment of the machine meets both."""
    order: list[str] = []
    interleaved(
        {name: Case(lambda: None, lambda _, name=name: order.append(name)) for name in "AB"},
        repeat=2,
    )
    assert order == ["A", "B", "A", "B"]


def test_making_ready_is_not_timed():
    """The clock starts when the contestant is ready."""
    ready: list[str] = []
    case = Case(lambda: ready.append("ready"), lambda _: ready.append("run"))
    assert case.seconds() >= 0
    assert ready == ["ready", "run"]


def test_the_clock_of_the_cpu_does_not_count_waiting():
    """A contestant that sleeps costs nothing there."""
    assert Case(lambda: None, lambda _: time.sleep(0.2), CPU).seconds() < 0.1


def test_ratios_are_taken_repeat_by_repeat():
    """A pair that was slow together gives the same ratio as a pair that was fast together."""
    assert times_faster([2.0, 20.0, 9.0], [1.0, 10.0, 3.0]) == Spread(median=2.0, low=2.0, high=3.0)


@pytest.mark.parametrize(("value", "met"), [(1.49, False), (1.5, True), (1.51, True)])
def test_a_target_at_least_is_met_from_its_bound_on(value: float, met: bool):
    """The bound itself counts."""
    assert Target("quick", at_least=1.5).is_met(value) is met


@pytest.mark.parametrize(("value", "met"), [(1.29, True), (1.3, True), (1.31, False)])
def test_a_target_at_most_is_met_up_to_its_bound(value: float, met: bool):
    """The bound itself counts."""
    assert Target("small", at_most=1.3).is_met(value) is met


def test_the_table_has_ratios_first_then_figures_then_targets():
    """Machine-independent numbers come first."""
    one = Spread(2.0, 1.0, 3.0)
    part = Part(
        "speed",
        "3 rows",
        (Ratio("a against b", one, Target("quick", at_least=1.5)),),
        (Figure("a", one, "µs/row"),),
    )
    text = as_text([part])
    assert (
        text.index("RATIOS")
        < text.index("a against b")
        < text.index("FIGURES")
        < text.index("TARGETS")
    )
    assert text.splitlines()[-1].endswith("✓")
    assert as_json([part])["targets"] == [{"target": "quick", "value": 2.0, "met": True}]


@pytest.mark.sampled(3)
def test_the_command_prints_the_table_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """``--only`` runs one part; the file names versions and no path of the machine."""
    file = tmp_path / "figures.json"
    assert main(["--only", "send", "--rows", "10", "--repeat", "1", "--json", str(file)]) == 0
    assert "RATIOS" in capsys.readouterr().out
    said = json.loads(file.read_text(encoding="utf-8"))
    assert [part["name"] for part in said["parts"]] == ["send"]
    assert set(said["environment"]) >= {"python", "pandas", "jinja2"}
    assert str(Path.home()) not in file.read_text(encoding="utf-8")


@pytest.mark.sampled(3)
def test_a_part_can_be_named_without_only(capsys: pytest.CaptureFixture[str]):
    """``python -m benchmarks send`` is ``--only send``."""
    assert main(["send", "--rows", "10", "--repeat", "1"]) == 0
    assert "answers, keeps nothing" in capsys.readouterr().out


@pytest.mark.parametrize("rows", ["0", "-1", "many"])
def test_a_size_below_one_is_refused(rows: str, capsys: pytest.CaptureFixture[str]):
    """With the usual words of a command line."""
    with pytest.raises(SystemExit):
        main(["--rows", rows])
    assert "--rows" in capsys.readouterr().err


def test_all_contestants_read_the_same_templates():
    """The loops compile the strings of the letter itself."""
    assert (
        loops.Templates.compiled()
        .subject.render(people(1).to_dict("records")[0])
        .startswith(people(1)["first_name"].iloc[0])
    )
    assert isinstance(LETTER.subject, str)
