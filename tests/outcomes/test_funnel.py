"""Funnel, links and charts: the numbers that the sandbox knows, and how they are shown."""

from __future__ import annotations

from itertools import pairwise

import matplotlib as mpl
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import FrameError, MailframeError, ResultsError
from mailframe.outcomes.columns import with_outcomes
from mailframe.outcomes.events import events_frame
from tests.outcomes.campaigns import LETTER, RATES, ROWS, sent
from tests.outcomes.test_columns import results_of
from tests.results.test_plot import alt, texts

STAGES = ["accepted", "delivered", "opened", "clicked", "bounced", "unsubscribed", "complained"]
AT = "2026-11-27T12:00:00Z"


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """Refreshed results of a campaign of which all has happened, the truth, and the events."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = sent(sandbox, tmp_path_factory.mktemp("funnel"), LETTER)
        truth = sandbox.simulate(**RATES)
        return results.mail.refresh(sandbox.server, progress=False), truth, sandbox.events()


def made(rows: list[list[dict[str, str]]], **columns: list[object]) -> pd.DataFrame:
    """Results of one row per list of events."""
    frame = pd.DataFrame({"n": range(len(rows)), **columns})
    results = results_of(frame, [f"m{n}" for n in range(len(rows))])
    events = [one | {"MessageID": f"m{n}", "at": AT} for n, row in enumerate(rows) for one in row]
    return with_outcomes(results, events_frame(events), complete={"opens": True, "clicks": True})


def test_the_stages_are_what_the_sandbox_knows(campaign):
    """No list says what was delivered; shares are of the rows of which it is known."""
    results, truth, _ = campaign
    table = results.mail.funnel()
    assert table.index.tolist() == STAGES
    numbers = truth.as_dict() | {"accepted": ROWS, "delivered": pd.NA}
    assert table["rows"].tolist() == [numbers[stage] for stage in STAGES]
    assert table["rows"].dtype == "Int64"
    assert table["share"].fillna(-1).tolist() == [
        -1 if pd.isna(numbers[stage]) else numbers[stage] / ROWS for stage in STAGES
    ]


def test_each_value_has_its_own_stages(campaign):
    """The values as ``by`` has them; the sum over them is the whole."""
    results, _, _ = campaign
    table = results.mail.funnel("plan")
    assert table.index.names == ["plan", "stage"]
    assert table.index.tolist() == [(plan, stage) for plan in ("pro", "free") for stage in STAGES]
    for plan in ("pro", "free"):
        alone = results.query("plan == @plan").mail.funnel()
        pd.testing.assert_frame_equal(table.loc[plan], alone)
    two = results.assign(half=pd.Categorical(["b", "a"] * (ROWS // 2))).mail.funnel(
        ["half", "plan"]
    )
    assert two.loc[("a", "pro", "accepted"), "rows"] == ROWS // 3
    assert two.index.names == ["half", "plan", "stage"]


def test_links_are_those_of_the_rows(campaign):
    """The most clicks first; of a part only its clicks."""
    results, _, events = campaign
    clicks = events.query("RecordType == 'Click'")
    clicks = clicks.assign(link=[one["OriginalLink"] for one in clicks["Details"]])
    for part in (results, results.query("plan == 'free'")):
        of_part = clicks[clicks["MessageID"].isin(part["MessageID"])]
        table = part.mail.links().set_index("link")
        groups = of_part.groupby("link")["MessageID"]
        assert table["clicks"].to_dict() == groups.size().to_dict()
        assert table["rows"].to_dict() == groups.nunique().to_dict()
        assert table["clicks"].is_monotonic_decreasing
        assert (table["share"] == table["rows"] / len(part)).all()


def test_links_grow_with_new_clicks_and_not_with_old_ones():
    """As the counts do; without clicks there is a table without rows."""
    none = made([[], []])
    assert none.mail.links().empty
    click = {"MessageID": "m0", "kind": "clicked", "link": "https://acme.example/a", "at": AT}
    later = click | {"at": "2026-11-27T13:00:00Z"}
    one = with_outcomes(none, events_frame([click, click]))
    both = with_outcomes(one, events_frame([later]), are_new=True)
    whole = with_outcomes(both, events_frame([later, click]))
    for table, clicks in ((one, 1), (both, 2), (whole, 2)):
        assert table.mail.links()[["clicks", "rows"]].to_numpy().tolist() == [[clicks, 1]]
        assert table["clicks"].tolist() == [clicks, 0]


@pytest.mark.parametrize("call", ["links", "funnel"])
def test_results_without_a_refresh_are_refused(campaign, tmp_path, call):
    """The text says what to run; a file has the columns, but no links."""
    bare = made([[]])[["n", *results_of(pd.DataFrame({"n": [1]}), ["m0"]).columns[1:]]]
    bare.attrs = {}
    with pytest.raises(ResultsError, match=r"results\.mail\.refresh\(server\)"):
        getattr(bare.mail, call)()
    if call == "links":
        campaign[0].mail.to_csv(tmp_path / "results.csv")
        with pytest.raises(ResultsError, match="A file does not keep them"):
            mf.read_results(tmp_path / "results.csv").mail.links()
    else:
        with pytest.raises(FrameError, match="no column 'nope'"):
            campaign[0].mail.funnel("nope")


OPENED, DELIVERED = {"kind": "opened"}, {"kind": "delivered"}


@pytest.mark.parametrize(
    ("rows", "delivered"),
    [
        ([[OPENED], []], pd.NA),  # lists
        ([[DELIVERED, OPENED], [DELIVERED], []], 2),  # a webhook
        ([[DELIVERED], [OPENED]], pd.NA),  # some questions for details
        ([[DELIVERED], []], 1),
    ],
)
def test_deliveries_are_counted_only_where_they_were_recorded(rows, delivered):
    """An opened row without one shows that they were not."""
    assert made(rows).mail.funnel()["rows"].tolist()[1] is delivered


def test_rows_of_which_nothing_is_known_are_in_no_share():
    """Not tracked, or deleted at Postmark."""
    results = made([[OPENED], [], []]).assign(opens=pd.array([1, None, 0], dtype="Int64"))
    table = results.mail.funnel()
    assert table.loc["opened"].tolist() == [1, 0.5]
    unknown = results.assign(clicks=pd.array([None] * 3, dtype="Int64")).mail.funnel()
    assert unknown.loc["clicked"].isna().all()


def test_variants_have_one_order_in_all_tables_and_charts():
    """Alphabetical, with numbers by their value; or that of their categories."""
    names = ["v10", "v9", "plain", "v10", "v10", "v9", "plain", "v9", "v9"]
    table = made([[OPENED] if n % 2 else [] for n in range(9)], variant=names).assign(
        status="accepted"
    )
    chosen = pd.Categorical(names, ["v9", "v10", "unused", "plain"])
    for results, order in (
        (table, ["plain", "v9", "v10"]),
        (table.assign(variant=chosen), ["v9", "v10", "plain"]),
    ):
        lists = [
            results.mail.compare("opened").loc["variant"].index,
            results.mail.funnel("variant").index.get_level_values("variant").unique(),
            results.mail.by("variant").index,
            [text for text in texts(results.mail.plot("funnel", by="variant")) if text in names],
            [text for text in texts(results.mail.plot("variant")) if text in names],
        ]
        assert [[*one] for one in lists] == [order] * 5
    other = table.rename(columns={"variant": "kind"}).mail.by("kind")
    assert other.index.tolist() == ["v9", "v10", "plain"]


# --- charts --------------------------------------------------------------------------------------


def test_the_funnel_is_drawn_with_its_numbers(campaign):
    """In texts and in the alternative text; what an open is, stands beside it."""
    results, truth, _ = campaign
    axes = results.mail.plot("funnel")
    shown = texts(axes)
    assert shown[:7] == [f"{ROWS} accepted of autumn", "accepted", *STAGES[2:]]
    share = f"{truth.opened:,}  {truth.opened / ROWS:.1%}"
    assert share in shown
    assert "with opens by privacy proxies" in shown
    assert f"{truth.clicked} ({truth.clicked / ROWS:.1%}) clicked" in alt(axes)


def test_the_funnel_by_a_column_has_shares(campaign):
    """One bar for each value at each stage, and a key; the caption says what an open is."""
    results, _, _ = campaign
    axes = results.mail.plot("funnel", by="plan")
    table = results.mail.funnel("plan")
    for plan in ("pro", "free"):
        row = table.loc[(plan, "opened")]
        assert f"{row['share']:.1%}" in texts(axes)
        assert f"{row['rows']:,.0f}" in texts(axes)
        assert plan in texts(axes)
    assert axes.get_xlabel() == "Opens include those by privacy proxies."
    assert f"{ROWS} accepted of autumn by plan, as shares. opened: pro" in alt(axes)
    many = results.assign(n=range(ROWS)).mail.plot("funnel", by="n")
    assert f"by n: 6 of {ROWS} values" in texts(many)[0]


def test_the_key_of_a_chart_has_as_many_lines_as_its_names_need():
    """All names are in the picture, and the bars are as long as before."""
    names = [f"a subject line of some length, number {n}" for n in range(6)]
    axes = made([[OPENED]] * 6, variant=names).mail.plot("funnel", by="variant")
    figure = axes.get_figure()
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text() in names]
    assert len(boxes) == 6
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert all(above.y0 >= below.y1 - 1 for above, below in pairwise(boxes))
    assert max(bar.get_window_extent().width for bar in axes.patches) > figure.bbox.width / 2
    statuses = made([[OPENED]] * 6).assign(status=[*mf.Status]).mail.plot("n")
    statuses.get_figure().draw_without_rendering()
    key = [text for text in statuses.texts if text.get_text() in set(mf.Status)]
    assert len({round(text.get_window_extent().y0) for text in key}) == 1


def test_the_timeline_has_a_line_for_each_kind_of_time(campaign):
    """Each ends at its number of rows, and labels do not cover each other."""
    results, truth, _ = campaign
    axes = results.mail.plot("timeline")
    labels = [f"{truth.opened} opened", f"{truth.clicked} clicked"]
    labels.append(f"{truth.unsubscribed} unsubscribed")
    assert [text.get_text() for text in axes.texts] == labels[::-1]
    assert [line.get_ydata()[-1] for line in axes.lines[::2]] == [
        *(truth.opened, truth.clicked, truth.unsubscribed)
    ]
    assert ", ".join(labels) in alt(axes)
    even = made([[OPENED, DELIVERED, {"kind": "clicked"}, {"kind": "unsubscribed"}]])
    boxes = sorted(
        (text.get_window_extent() for text in even.mail.plot("timeline").texts),
        key=lambda box: box.y0,
    )
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))


def test_a_column_with_the_name_of_a_chart_is_a_column(campaign):
    """And other words are columns as before; axes of the caller are drawn in."""
    results, _, _ = campaign
    axes = results.assign(funnel="x").mail.plot("funnel")
    assert texts(axes)[0] == f"{ROWS} rows by funnel"
    assert texts(results.mail.plot("plan"))[0].endswith("by plan")
    mine = mpl.figure.Figure().add_subplot()
    for chart in ("funnel", "timeline"):
        assert results.mail.plot(chart, ax=mine) is mine


@pytest.mark.parametrize(
    ("what", "options", "refusal"),
    [
        ("timeline", {"by": "plan"}, (MailframeError, "takes no by=")),
        ("funnel", {"over": "time"}, (MailframeError, "takes by=")),
        ("plan", {"by": "email"}, (MailframeError, "has two columns")),
        ("funnel", {"by": "nope"}, (FrameError, "no column 'nope'")),
        ("funnel", {"ax": 7}, (MailframeError, "flat axes of matplotlib")),
    ],
)
def test_wrong_arguments_of_charts_are_refused(campaign, what, options, refusal):
    """The text says which."""
    with pytest.raises(refusal[0], match=refusal[1]):
        campaign[0].mail.plot(what, **options)


def test_nothing_to_draw_is_said():
    """No accepted row, no time, no event."""
    none = with_outcomes(results_of(pd.DataFrame({"n": [1]}), [None]), events_frame([]))
    with pytest.raises(ResultsError, match="no row was accepted"):
        none.mail.plot("funnel")
    quiet = made([[], []])
    with pytest.raises(ResultsError, match="no row has a time"):
        quiet.mail.plot("timeline")
    with pytest.raises(ResultsError, match="nothing has happened"):
        quiet.mail.plot("funnel", by="n")
    assert "0  0%" in texts(quiet.mail.plot("funnel"))
