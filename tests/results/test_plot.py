"""Charts of results and plans: right numbers, readable on any page, and no state of pyplot."""

from __future__ import annotations

import base64
import datetime as dt
import io
import itertools
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import matplotlib as mpl
import nbclient
import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

import mailframe as mf
from mailframe.charts.axes import TEXT
from mailframe.charts.timeline import timeline
from mailframe.errors import FrameError, MailframeError, MissingExtra, ResultsError
from mailframe.postmark.responses import Outcome
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults
from mailframe.results.status_colors import STATUS_COLORS
from mailframe.results.summary_line import About, with_summary_line
from tests import frames

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BACKGROUNDS = ("#ffffff", "#111111")
pytestmark = pytest.mark.filterwarnings("ignore:Glyph .* missing from")


def results(frame: pd.DataFrame | None = None, name: str | None = "spring") -> pd.DataFrame:
    """Ten rows of each kind, with two reasons for a rejection."""
    frame = frames.people(10) if frame is None else frame
    rows = RowResults(len(frame))
    answers = {
        0: (mf.Status.REJECTED, "inactive_recipient", Outcome(406, "Inactive")),
        1: (mf.Status.REJECTED, "invalid_recipient", Outcome(300, "Invalid")),
        2: (mf.Status.SKIPPED, "already_sent", None),
        3: (mf.Status.INVALID, "invalid_address", None),
    }
    for position in range(len(frame)):
        stamp = f"2026-11-26T21:51:{position % 60:02}.1234567Z"
        accepted = (mf.Status.ACCEPTED, None, Outcome(0, "OK", f"id-{position}", stamp))
        status, reason, outcome = answers.get(position % 10, accepted)
        rows.settle(position, status, reason=reason, outcome=outcome)
    return with_summary_line(results_frame(frame, rows), About(name=name))


def texts(axes: Axes) -> list[str]:
    """Every text of a chart."""
    return [
        axes.get_title(loc="left"),
        *(label.get_text() for label in axes.get_yticklabels()),
        *(text.get_text() for text in axes.texts),
    ]


def alt(axes: Axes) -> str:
    """The alternative text."""
    return str(axes.get_figure().get_label())


def luminance(color: str) -> float:
    """The relative luminance of a color (WCAG 2.2)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colors (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_default_shows_each_status_with_its_reasons():
    """Numbers and shares, the reasons of a status below it if there are several."""
    axes = results().mail.plot()
    assert texts(axes) == [
        *("10 rows of spring", "accepted", "rejected", "", "", "invalid", "skipped"),
        *("6  60.0%", "2  20.0%", "1", "406 inactive_recipient", "1", "300 invalid_recipient"),
        *("1  10.0%", "invalid_address", "1  10.0%", "already_sent"),
    ]
    widths = [patch.get_width() for patch in axes.patches]
    assert widths == [6, 2, 1, 1, 1, 1]
    assert alt(axes) == (
        "Bar chart of 10 rows of spring by status: 6 accepted (60.0%); 2 rejected (20.0%): "
        "1 406 inactive_recipient, 1 300 invalid_recipient; 1 invalid (10.0%): invalid_address; "
        "1 skipped (10.0%): already_sent."
    )


def test_by_a_column_has_a_stacked_bar_for_each_value():
    """In the order of ``by``, with the share that was accepted."""
    frame = frames.people(10).assign(plan=["pro"] * 6 + ["free"] * 3 + [None])
    axes = results(frame).mail.plot("plan")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["pro", "free", "missing"]
    assert "33.3% accepted" in texts(axes)
    assert sum(patch.get_width() for patch in axes.patches) == 10
    assert "pro 6 (2 accepted, 2 rejected, 1 invalid, 1 skipped)" in alt(axes)
    assert axes.get_title(loc="left") == "10 rows of spring by plan"


def test_many_values_end_in_one_bar_of_the_others():
    """Twenty bars at most, and no row is lost."""
    axes = results(frames.people(50)).mail.plot(by="n")
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert (len(labels), labels[-1]) == (20, "31 others")
    assert sum(patch.get_width() for patch in axes.patches) == 50


def test_by_several_columns_joins_their_values():
    """One bar for each combination."""
    axes = results().mail.plot(by=["first_name", "n"])
    assert "Ada · 0" in texts(axes)


def test_over_time_counts_what_was_accepted():
    """The last total is that of all accepted rows with a timestamp."""
    axes = results(frames.people(120)).mail.plot(over="time")
    assert axes.lines[0].get_ydata()[-1] == 72
    assert axes.get_title(loc="left") == "72 accepted, 2026-11-26 21:51:04 to 21:51:59 UTC"
    assert "72 accepted" in alt(axes)
    one = results(frames.people(5)).mail.plot(over="time")
    assert one.get_title(loc="left") == "1 accepted, 2026-11-26 21:51:04 UTC"
    axes.get_figure().draw_without_rendering()
    assert [label.get_text() for label in axes.get_xticklabels()][1].count(":") == 2


def test_a_line_of_many_messages_has_few_points():
    """And ends at the same total."""
    rows = RowResults(30_000)
    for position in range(30_000):
        stamp = f"2026-11-26T{position // 3600:02}:{position // 60 % 60:02}:{position % 60:02}Z"
        rows.settle(position, mf.Status.ACCEPTED, outcome=Outcome(0, "OK", "id", stamp))
    axes = results_frame(pd.DataFrame(index=range(30_000)), rows).mail.plot(over="time")
    assert len(axes.lines[0].get_ydata()) <= 1_002
    assert axes.lines[0].get_ydata()[-1] == 30_000


def test_the_caller_s_axes_are_drawn_in_and_returned():
    """Their figure is not replaced; a label of its own stays."""
    figure = Figure(label="mine")
    left, right = figure.subplots(1, 2)
    assert results().mail.plot(ax=left) is left
    assert results().mail.plot(over="time", ax=right) is right
    assert figure.get_label() == "mine"
    assert left.patches
    assert right.lines
    figure.savefig(io.BytesIO())


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"by": "absent"}, FrameError, "no column 'absent'"),
        ({"over": "SubmittedAt"}, MailframeError, 'is not "time"'),
        ({"over": "time", "by": "n"}, MailframeError, "either by a column or over time"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, text):
    """With what to give instead."""
    with pytest.raises(error, match=text):
        results().mail.plot(**arguments)


def test_nothing_to_draw_is_an_error():
    """No rows, no stamps, no results, no messages."""
    with pytest.raises(ResultsError, match="no rows"):
        results(frames.people(0)).mail.plot()
    with pytest.raises(ResultsError, match="no accepted row has a SubmittedAt"):
        results(frames.people(3)).mail.plot(over="time")
    with pytest.raises(ResultsError, match="not a results DataFrame"):
        frames.people().mail.plot()
    plan = frames.people(1).mail.compose(
        sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="{{ first_name.absent }}"
    )
    with pytest.raises(MailframeError, match="no message to draw"):
        plan.plan().plot()


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    """Results and plans."""
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.startswith("mailframe.charts.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtra, match=r'pip install "mailframe\[charts\]"'):
        results().mail.plot()
    with pytest.raises(MissingExtra, match=r'pip install "mailframe\[charts\]"'):
        campaign().plan().plot()


def campaign(rows: int = 1_200) -> mf.Campaign:
    """A campaign of some batches."""
    return frames.people(rows).mail.compose(
        sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="hi"
    )


def test_a_plan_shows_the_messages_and_the_bytes_of_each_batch():
    """Those that ``batches()`` makes."""
    composed = campaign()
    plan = composed.plan()
    assert plan.of_batches == tuple((len(batch), batch.size) for batch in composed.batches())
    axes = plan.plot()
    messages, sizes = axes.get_figure().axes
    assert [patch.get_height() for patch in messages.patches] == [500, 500, 200]
    assert sum(patch.get_height() for patch in sizes.patches) == pytest.approx(plan.bytes / 1e6)
    assert alt(axes).startswith("Bar charts of 1,200 messages in 3 batches: 200 to 500 messages")
    assert "image/png" in axes._repr_mimebundle_()[0]


def test_colors_are_readable_on_light_and_dark_pages():
    """Text 4.3, areas 3 (WCAG 2.2, 1.4.11), and a transparent background."""
    for background in BACKGROUNDS:
        assert contrast(TEXT, background) >= 4.3
        for color in STATUS_COLORS.values():
            assert contrast(color, background) >= 3
    data, _ = results().mail.plot()._repr_mimebundle_()
    picture = imread(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture[0, 0, 3] == 0
    assert picture.shape[1] == 1_440


COLOR_BLIND = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
}
"""How linear red, green and blue are seen (Machado, Oliveira, Fernandes 2009, severity 1)."""


def lab(color: str, seen: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """A color in CIELAB, as somebody sees it."""
    parts = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    rgb = np.clip(np.array(seen) @ linear, 0, 1)
    xyz = np.array([(0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)])
    x, y, z = np.cbrt(np.maximum(xyz @ rgb / (0.9505, 1, 1.089), 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("seen", COLOR_BLIND)
def test_any_two_statuses_can_be_told_apart(seen):
    """Also with red-green color blindness; 25 is far above the difference that is just seen."""
    for one, other in itertools.combinations(STATUS_COLORS.values(), 2):
        distance = np.linalg.norm(lab(one, COLOR_BLIND[seen]) - lab(other, COLOR_BLIND[seen]))
        assert distance >= 25, (one, other)


def test_axes_in_a_part_of_a_figure_are_drawn_in():
    """The figure as a whole has the label."""
    figure = Figure()
    part, _ = figure.subfigures(1, 2)
    results().mail.plot(ax=part.subplots())
    assert figure.get_label().startswith("Bar chart")


def test_a_cell_is_text_and_no_formula():
    """Of a label, a name and a value; the page escapes it."""
    evil = '$x$ <b>"&'
    frame = pd.DataFrame({evil: [evil] * 10})
    axes = results(frame, name=evil).mail.plot(by=evil)
    page = axes._repr_mimebundle_()[0]["text/html"]
    assert "<b>" not in page
    for text in [*axes.texts, *axes.get_yticklabels(), axes._left_title]:
        assert not text.get_parse_math()
        assert not text.get_usetex()
    with mpl.rc_context({"text.usetex": True}):
        results(frame).mail.plot(by=evil)._repr_mimebundle_()


def test_the_picture_has_its_alternative_text_and_size():
    """In the HTML, and in the metadata that nbconvert reads."""
    axes = results().mail.plot()
    data, metadata = axes._repr_mimebundle_()
    size = metadata["image/png"]
    assert size["alt"] == alt(axes)
    assert size["width"] == 720
    assert 'alt="Bar chart of 10 rows of spring by status: 6 accepted' in data["text/html"]
    axes.get_figure().set_label("Another text")
    assert 'alt="Another text"' in axes._repr_mimebundle_()[0]["text/html"]


def test_a_chart_can_be_changed_before_it_is_shown():
    """The next picture has the change."""
    axes = results().mail.plot()
    before = axes._repr_mimebundle_()[0]["image/png"]
    axes.set_title("Mine", loc="left")
    assert axes._repr_mimebundle_()[0]["image/png"] != before


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(frames.ZOO))
def test_every_frame_of_the_zoo_is_drawn(name):
    """By a column that can be counted; by status all charts are alike, and looked at elsewhere."""
    frame = frames.ZOO[name]()
    if not len(frame):
        return
    made = results(frame)
    label = made.columns[min(1, made.shape[1] - 1)]
    if list(made.columns).count(label) > 1:
        return
    try:
        made.mail.plot(by=[label])  # it measures, and so draws, every text
    except FrameError as error:
        assert "cannot be counted" in str(error)  # noqa: PT017


def test_pyplot_is_not_imported_and_no_setting_changes():
    """In a process of its own."""
    script = textwrap.dedent(
        """
        import sys
        import matplotlib
        settings = lambda: {name: matplotlib.rcParams._get(name) for name in matplotlib.rcParams}
        before = settings()  # reading the backend would import pyplot
        import pandas as pd
        import mailframe as mf
        people = pd.DataFrame({"email": ["a@example.com", "b@example.com", "b@"], "n": [1, 2, 2]})
        letter = mf.Letter(sender="me@acme.example", to="{{ email }}", text_body="Hi")
        campaign = people.mail.compose(letter, subject="Hi", name="spring")
        with mf.Sandbox(in_process=True) as sandbox:
            results = campaign.send(
                sandbox.server, on_invalid="skip", ledger=None, progress=False
            )
        for axes in (results.mail.plot(), results.mail.plot("n"), campaign.plan().plot(),
                     results.mail.plot(over="time")):
            axes._repr_mimebundle_()
        assert settings() == before
        assert "matplotlib.pyplot" not in sys.modules
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


CELLS = {
    "alone": "results().mail.plot()",
    "inline": "%matplotlib inline\nresults().mail.plot()",
    "pyplot": "import matplotlib.pyplot as plt\nresults().mail.plot()",
    "own axes": (
        "%matplotlib inline\nimport matplotlib.pyplot as plt\n_, ax = plt.subplots()\n"
        "results().mail.plot(ax=ax);"
    ),
    "not last": "results().mail.plot()\nNone",
}


@pytest.mark.sampled(2)
@pytest.mark.slow
def test_a_kernel_shows_a_chart_once():
    """At the end of a cell, with or without pyplot; on the caller's axes by their figure."""
    setup = "from tests.results.test_plot import results"
    cells = [nbformat.v4.new_code_cell(cell) for cell in (setup, *CELLS.values())]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    pictures = {
        name: sum("image/png" in output.get("data", {}) for output in cell["outputs"])
        for name, cell in zip(CELLS, notebook.cells[1:], strict=True)
    }
    assert pictures == {"alone": 1, "inline": 1, "pyplot": 1, "own axes": 1, "not last": 0}


def test_the_alternative_text_is_short_and_has_no_controls():
    """A label may be long and hostile."""
    frame = frames.people(10).assign(plan=["two\nlines\x00\u202e" + "x" * 5_000] * 10)
    for axes in (results(frame).mail.plot("plan"), results(name="a\x1b\nb").mail.plot()):
        alt = str(axes.get_figure().get_label())
        assert alt.isprintable()
        assert len(alt) < 500


@pytest.mark.parametrize("projection", ["polar", None])
def test_other_axes_are_refused(projection):
    """Bars are drawn on flat axes, and several axes are an array."""
    figure = Figure()
    axes = figure.subplots(2) if projection is None else figure.add_subplot(projection=projection)
    for wrong in (axes, "ax"):
        with pytest.raises(MailframeError, match="flat axes"):
            results().mail.plot(ax=wrong)


@pytest.mark.parametrize("kind", ["naive", "text", "number"])
def test_stamps_that_were_overwritten(kind):
    """Times without a zone are UTC; anything else is refused with the column."""
    frame = pd.DataFrame(results())
    stamps = frame["SubmittedAt"]
    columns = {"naive": stamps.dt.tz_localize(None), "text": "x", "number": 1}
    frame["SubmittedAt"] = columns[kind]
    if kind == "naive":
        assert "UTC" in frame.mail.plot(over="time").get_title(loc="left")
        return
    with pytest.raises(ResultsError, match="'SubmittedAt' has the dtype"):
        frame.mail.plot(over="time")


@pytest.mark.parametrize(
    "seconds", [0, 0.09, 0.1, 1.5, 61, 3_600, 10_700, 172_800, 200_000, 7_600_000, 90_000_000]
)
def test_a_time_axis_of_any_length_has_its_ticks(seconds):
    """Two days need longer steps than matplotlib has; it warned, and a warning is an error here."""
    first = dt.datetime(2026, 11, 27, 20, 19, 7, tzinfo=dt.UTC)
    times = [first, first + dt.timedelta(seconds=seconds)]
    axes = timeline(times, [1, 2], label="opened", color=TEXT, title="", alt="")
    axes.get_figure().draw_without_rendering()
    low, high = axes.get_xlim()
    assert sum(low <= tick <= high for tick in axes.get_xticks()) >= 2
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert len({*labels}) == len(labels)
