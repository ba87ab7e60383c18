"""Pictures and charts: mf.image draws them lazily, and each brings its own attachment."""

from __future__ import annotations

import base64
import multiprocessing
import os
import struct
import sys
import threading
import zlib
from html import unescape
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

import mailframe as mf
from mailframe.errors import LetterError, MissingExtra
from mailframe.pandas_versions import HAS_EXPRESSIONS
from tests.composing import compose, frame, payloads
from tests.expressions import col

mpl.use("Agg")


def png(width=4, height=2, color=0):
    """A PNG of this size, made by hand."""

    def part(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes([color]) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", header)
        + part(b"IDAT", zlib.compress(rows))
        + part(b"IEND", b"")
    )


def figure(height):
    """A figure of Matplotlib with one bar."""
    drawn = Figure(figsize=(2, 1))
    drawn.subplots().bar(["a"], [height])
    return drawn


def shown(source, **columns):
    """The payload of a message that shows an image."""
    df = frame(**columns).assign(pic=mf.image(source, alt="A & B"))
    [payload] = payloads(df, html_body="<p>{{ pic }}</p>", text_body="see {{ pic }}")
    return payload


def test_an_image_brings_its_attachment_and_prints_its_alt_in_text():
    """With its size, so that nothing moves when it is loaded."""
    payload = shown(png(400, 200))
    [attachment] = payload["Attachments"]
    assert base64.b64decode(attachment["Content"]) == png(400, 200)
    assert attachment["ContentType"] == "image/png"
    assert payload["TextBody"] == "see A & B"
    assert payload["HtmlBody"] == (
        f'<p><img src="{attachment["ContentID"]}" alt="A &amp; B" width="400" height="200" '
        'style="max-width:100%;height:auto;border:0"></p>'
    )


@pytest.mark.parametrize(
    "kind", ["matplotlib", "pillow", "bytes", "bytearray", "path", "text path"]
)
def test_every_kind_of_picture(kind, tmp_path):
    """A figure is drawn twice as sharp as it is shown."""
    path = tmp_path / "a.png"
    path.write_bytes(png())
    source = {
        "matplotlib": figure(1),
        "pillow": Image.new("RGB", (4, 2)),
        "bytes": png(),
        "bytearray": bytearray(png()),
        "path": path,
        "text path": str(path),
    }[kind]
    payload = shown(source)
    size = (192, 96) if kind == "matplotlib" else (4, 2)
    assert f'width="{size[0]}" height="{size[1]}"' in payload["HtmlBody"]
    content = base64.b64decode(payload["Attachments"][0]["Content"])
    assert content.startswith(b"\x89PNG")
    if kind == "matplotlib":
        assert struct.unpack(">II", content[16:24]) == (384, 192)


@pytest.mark.parametrize("extension", ["jpeg", "gif", "png"])
def test_the_size_of_each_format_is_read(extension, tmp_path):
    """JPEG, GIF and PNG, as Pillow writes them."""
    path = tmp_path / f"a.{extension}"
    Image.new("RGB", (37, 21)).save(path)
    assert 'width="37" height="21"' in shown(path)["HtmlBody"]


def test_width_scales_the_picture():
    """The height follows."""
    df = frame().assign(pic=mf.image(png(400, 200), alt="", width=100))
    assert 'width="100" height="50"' in payloads(df, html_body="{{ pic }}")[0]["HtmlBody"]


def test_each_row_has_its_own_picture():
    """And none of another row, in any order of the rows."""
    df = frame(n=range(1, 7)).assign(pic=mf.image(lambda row: png(row.n, 1), alt="x"))
    for n, payload in zip(
        range(6, 0, -1), payloads(df.iloc[::-1], html_body="{{ pic }}"), strict=True
    ):
        [attachment] = payload["Attachments"]
        assert base64.b64decode(attachment["Content"]) == png(n, 1)
        assert attachment["ContentID"] in payload["HtmlBody"]


def test_a_picture_is_drawn_once_for_rows_with_the_same_values():
    """Of the columns that the function reads, in the check, the preview and the send together."""
    drawn = []

    def draw(row):
        drawn.append(row["plan"])
        return png(len(row["plan"]), 1)

    df = frame(plan=["team", "free", "team", "business"], n=range(4))
    campaign = compose(
        df.assign(pic=mf.image(draw, alt=lambda row: f"No. {row.n}")), html_body="{{ pic }}"
    )
    assert not drawn
    campaign.message(1)
    assert drawn == ["free"]
    campaign.plan()
    campaign.preview(static=True)
    with mf.Sandbox(in_process=True) as sandbox:
        campaign.send(sandbox.server, progress=False, ledger=None)
        bodies = sandbox.messages().sort_values("To")["HtmlBody"]
    assert sorted(drawn) == ["business", "free", "team"]
    assert [unescape(body).split('alt="')[1][:5] for body in bodies] == [
        f"No. {n}" for n in range(4)
    ]


def test_values_that_the_function_chooses_by_decide_what_is_drawn():
    """A function that reads another column for some rows."""

    def draw(row):
        return png(row.a if row.flag else row.b, 1)

    df = frame(flag=[True, False, True, False], a=[1, 2, 1, 3], b=[7, 8, 9, 8])
    made = payloads(df.assign(pic=mf.image(draw, alt="")), html_body="{{ pic }}")
    assert [payload["HtmlBody"].split('width="')[1][0] for payload in made] == ["1", "8", "1", "8"]


@pytest.mark.parametrize("values", [[1, True], [1, 1.0], [0.0, -0.0], [[1], [True]], ["1", 1]])
def test_equal_values_of_other_types_are_drawn_apart(values):
    """``1 == True``, and a figure can show the difference."""
    column = pd.Series(values, dtype=object)
    df = frame(2).assign(v=column)
    df["pic"] = mf.image(lambda row: png(len(repr(row.v)), 1, ord(repr(row.v)[0])), alt="")(df)
    first, second = payloads(df, html_body="{{ pic }}")
    assert first["HtmlBody"] != second["HtmlBody"]


def test_figures_of_pyplot_are_closed():
    """Pyplot keeps each figure until then, and warns at twenty."""
    before = plt.get_fignums()

    def draw(_):
        made, axes = plt.subplots()
        axes.plot([1, 2])
        return made

    shown(draw)
    assert plt.get_fignums() == before


def test_a_picture_that_is_shown_twice_is_attached_once():
    """By its content."""
    df = frame().assign(a=mf.image(png(), alt="1"), b=mf.image(png(), alt="2"))
    [payload] = payloads(df, html_body="{{ a }}{{ b }}{{ a }}")
    assert len(payload["Attachments"]) == 1


def test_a_picture_that_a_row_does_not_show_is_not_attached():
    """A branch decides."""
    df = frame(vip=[True, False]).assign(pic=mf.image(png(), alt="x"))
    first, second = payloads(
        df, html_body="a{% if vip %}{{ pic }}{% endif %}", text_body="{{ pic }}"
    )
    assert len(first["Attachments"]) == 1
    assert "Attachments" not in second


def test_a_constant_can_be_an_image():
    """A logo in a layout."""
    [payload] = payloads(
        frame(), html_body="<p>{{ logo }}</p>", constants={"logo": mf.image(png(), alt="Acme")}
    )
    assert len(payload["Attachments"]) == 1


def test_images_stand_beside_other_attachments():
    """In the order of the letter, after the images."""
    df = frame().assign(pic=mf.image(png(), alt="x"))
    [payload] = payloads(df, html_body="{{ pic }}", attachments=mf.Attachment("a.txt", b"x"))
    assert [one["Name"][-4:] for one in payload["Attachments"]] == [".png", ".txt"]


def test_a_function_that_draws_nothing_makes_a_missing_value():
    """Which a template can test."""
    df = frame(n=[0, 1]).assign(pic=mf.image(lambda row: png() if row.n else None, alt="x"))
    first, second = payloads(df, html_body="a{% if pic %}{{ pic }}{% endif %}")
    assert first["HtmlBody"] == "a"
    assert "<img" in second["HtmlBody"]
    assert compose(df, html_body="{{ pic }}").problems()["code"].tolist() == ["missing_value"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (5, "mf.image takes a figure"),
        (None, "mf.image takes a figure"),
        (b"", "no PNG, JPEG or GIF"),
        (b"<svg xmlns='x'></svg>", "an SVG"),
        (b"BM1234", "no PNG, JPEG or GIF"),
        (png()[:18], "cut off"),
        (b"\xff\xd8\xff", "cut off"),
        (b"\xff\xd8\xff\xe0\x00\x02" * 3, "cut off"),
        (png(0, 0), "0 by 0 pixels"),
        (Path("nowhere.png"), "nowhere.png': "),
    ],
)
def test_what_is_no_picture_is_an_error(source, error):
    """At once; of a function, a problem of its row."""
    with pytest.raises(LetterError, match=error.replace(".", r"\.")):
        mf.image(source, alt="x")
    if source is None:
        return
    df = frame().assign(pic=mf.image(lambda _: source, alt="x"))
    [row] = compose(df, html_body="{{ pic }}").problems().to_dict("records")
    assert row["code"] == "template_error"
    assert error in row["detail"]


@pytest.mark.parametrize("alt", [None, 5, b"x"])
def test_alt_is_text(alt):
    """A picture without a word for those who do not see it is an accident."""
    with pytest.raises(LetterError, match="alt is a"):
        mf.image(png(), alt=alt)
    with pytest.raises(TypeError):
        mf.image(png())


@pytest.mark.parametrize("width", [0, -1, 1.5, "100"])
def test_width_is_a_whole_number_of_pixels(width):
    """Above zero."""
    with pytest.raises(LetterError, match="width is"):
        mf.image(png(), alt="x", width=width)


def test_alt_is_escaped():
    """It may come from a cell."""
    df = frame(name=['"><script>']).assign(
        pic=mf.image(lambda _: png(), alt=lambda row: row["name"])
    )
    [payload] = payloads(df, html_body="{{ pic }}")
    assert "<script" not in payload["HtmlBody"]


def test_the_same_picture_makes_the_same_message_each_time():
    """A figure of Matplotlib has the same bytes."""

    def made():
        df = frame(n=[1, 2]).assign(pic=mf.image(lambda row: figure(row.n), alt="x"))
        return compose(df, html_body="{{ pic }}").fingerprint

    assert made() == made()


def test_a_large_frame_takes_the_row_by_row_path():
    """Each row has attachments of its own."""
    df = frame(n=range(1100)).assign(pic=mf.image(lambda row: png(1 + row.n % 7, 1), alt="x"))
    campaign = compose(df, html_body="{{ pic }}")
    assert campaign.plan().messages == 1100
    for n, payload in enumerate(
        message.payload for batch in campaign.batches() for message in batch
    ):
        assert base64.b64decode(payload["Attachments"][0]["Content"]) == png(1 + n % 7, 1)


def test_the_preview_shows_the_picture():
    """Inside the isolated mail, as data."""
    df = frame().assign(pic=mf.image(png(), alt="x"))
    page = compose(df, html_body="{{ pic }}").preview(static=True, mask=False)._repr_html_()
    assert base64.b64encode(png()).decode() in unescape(unescape(page))


def test_a_masked_preview_does_not_show_it():
    """It is data of the row."""
    df = frame().assign(pic=mf.image(png(), alt="Secret"))
    page = compose(df, html_body="{{ pic }}", text_body="{{ pic }}").preview(static=True, mask=True)
    assert "Secret" not in page._repr_html_()
    assert base64.b64encode(png()).decode() not in unescape(unescape(page._repr_html_()))


def bar(row):
    """A picture that another process can draw."""
    return png(row.n, 1) if row.n != 5 else 1 / 0


@pytest.mark.slow  # starts processes
def test_several_processes_draw_the_same_pictures():
    """Each set of values once; an error is a problem of its row."""
    df = frame(n=[1, 2, 3, 2, 1, 5, 4])
    try:
        made = [
            compose(df.assign(pic=mf.image(bar, alt="x", processes=count)), html_body="{{ pic }}")
            for count in (None, 2)
        ]
        assert made[0].fingerprint == made[1].fingerprint
        [row] = made[1].problems().to_dict("records")
        assert (row["row"], row["code"]) == (5, "template_error")
    finally:
        get_reusable_executor().shutdown(wait=True)


@pytest.mark.parametrize("processes", [0, -1, 1.5, True, "2"])
def test_processes_is_a_number(processes):
    """From 1."""
    with pytest.raises(LetterError, match="processes is"):
        mf.image(bar, alt="x", processes=processes)


def test_a_missing_joblib_says_what_to_install(monkeypatch):
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "joblib", None)
    df = frame(n=[1, 2]).assign(pic=mf.image(bar, alt="x", processes=2))
    with pytest.raises(MissingExtra, match=r"mailframe\[charts\]"):
        compose(df, html_body="{{ pic }}").plan()


def problem_of(draw, **settings):
    """The detail of the one problem of a message that shows a picture."""
    df = frame().assign(pic=mf.image(draw, alt="x", **settings))
    [row] = compose(df, html_body="<p>{{ pic }}</p>").problems().to_dict("records")
    return row["detail"]


def test_the_axes_of_a_plot_are_their_figure():
    """``df.plot`` and seaborn return axes."""
    payload = shown(lambda row: pd.Series([1, 2]).plot())
    assert payload["Attachments"][0]["Name"].endswith(".png")
    assert plt.get_fignums() == []


def test_a_function_that_draws_and_returns_nothing_is_told_what_to_return():
    """It is no missing picture."""

    def draw(row):
        plt.plot([1, 2])

    assert "drew a figure and returned None; end it with return plt.gcf()" in problem_of(draw)


@pytest.mark.parametrize("size", [(1000, 1000), (10_000, 0.2), (float("nan"), 1)])
def test_a_huge_figure_is_refused_before_it_is_drawn(size):
    """It would take all memory."""

    def draw(row):
        figure = Figure()
        figure.get_size_inches = lambda: size
        return figure

    assert "50,000,000 are possible; make it smaller with figsize=" in problem_of(draw)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a\0b.png", "mf.image: 'a\\x00b.png': "),
        ("https://acme.example/logo.png", "is an address; write it as src of an img tag"),
        ("data:image/png;base64,aaaa", "is an address; write it as src of an img tag"),
        ("/", "mf.image: '/': "),
        (png() + bytes(11_000_000), "a message can have 10,000,000"),
    ],
)
def test_what_cannot_be_attached_is_an_error_that_teaches(source, text):
    """At once for a picture of all rows, in the row for one of a function."""
    with pytest.raises(LetterError) as error:
        mf.image(source, alt="x")
    assert text in str(error.value)
    assert text in problem_of(lambda row: source)


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    """A hole of 20 GB takes no room on the disk."""
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(20_000_000_000)
    with pytest.raises(LetterError, match=r"'large\.png' has 20,000,000,000 bytes"):
        mf.image(path, alt="x")


def test_no_picture_has_the_label_of_another_row():
    """The label of the index is not a value that decides what is drawn."""
    people = frame(3, n=[1, 1, 1]).set_index(pd.Index(["canary-a", "canary-b", "canary-c"]))
    texts = []

    def draw(row):
        texts.append(f"{row!r} {row}")
        return png(color=row.n)

    df = people.assign(pic=mf.image(draw, alt="x"))
    payloads(df, html_body="<p>{{ pic }}</p>")
    assert texts
    assert "canary" not in "".join(texts)


def test_a_filter_cannot_return_an_image():
    """Alone or in a list: nothing would attach it."""
    for made in (lambda _: [mf.image(png(), alt="x")], lambda _: mf.image(png(), alt="x")):
        problems = compose(
            frame(n=[1]),
            html_body="{% for one in [n | f] | flat %}{{ one }}{% endfor %}",
            filters={"f": made, "flat": lambda lists: lists},
        ).problems()
        assert "the filter 'f' returned an image" in problems["detail"].iloc[0]
        assert "df.assign(chart=mf.image(…))" in problems["detail"].iloc[0]


def test_a_process_that_dies_or_cannot_take_the_function_is_an_error_that_says_so():
    """And the same frame works in this process."""
    df = frame(n=range(4))
    body = "<p>{{ pic }}</p>"

    def dies(row, parent=os.getpid()):  # noqa: B008 - the process of the test
        if row.n == 2 and os.getpid() != parent:
            os._exit(1)
        return png(color=row.n)

    with pytest.raises(LetterError, match=r"a process that draws was killed.*leave out processes="):
        payloads(df.assign(pic=mf.image(dies, alt="x", processes=2)), html_body=body)
    assert len(payloads(df.assign(pic=mf.image(dies, alt="x")), html_body=body)) == 4

    def locked(row, lock=threading.Lock()):  # noqa: B008 - it cannot be pickled
        return png(color=row.n)

    get_reusable_executor().shutdown(wait=True)
    with pytest.raises(LetterError, match="cannot be sent to another process"):
        payloads(df.assign(pic=mf.image(locked, alt="x", processes=2)), html_body=body)
    assert multiprocessing.active_children() == []  # it is learned before a process starts
    assert len(payloads(df.assign(pic=mf.image(locked, alt="x", processes=1)), html_body=body)) == 4


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_later_row_that_cannot_be_sent_to_a_process_is_an_error_that_says_so():
    """A thread of joblib may end with a KeyError then: it looks for a call that was given up."""
    pic = mf.image(lambda row: png(color=row.n + bool(row.lock)), alt="x", processes=2)
    late = frame(n=range(4)).assign(lock=[None, None, None, threading.Lock()], pic=pic)
    with pytest.raises(LetterError, match="cannot be sent to another process"):
        payloads(late, html_body="<p>{{ pic }}</p>")
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.parametrize(
    "draw",
    [
        lambda row: pd.Series(row["n"]).plot(figsize=(2, 1)),
        lambda row: pd.DataFrame({"n": row["n"]}).plot.bar(figsize=(2, 1)),
        lambda row: pd.DataFrame({"n": row["n"], "m": 1}).plot(subplots=True, figsize=(2, 1)),
        lambda row: Figure(figsize=(2, 1)).subfigures(1, 2)[0].subplots(),
    ],
    ids=["Series.plot", "DataFrame.plot", "subplots", "subfigure"],
)
def test_what_pandas_draws_is_a_picture_of_its_figure(draw):
    """``plot`` returns axes, or an array of them."""
    payload = shown(draw, n=[[1, 3, 2]])
    assert 'width="192" height="96"' in payload["HtmlBody"]
    assert plt.get_fignums() == []


def test_a_function_that_forgets_to_return_is_named():
    """None can also mean no picture, so ``default`` works."""
    df = frame().assign(pic=mf.image(lambda _: None, alt=""))
    [detail] = compose(df, html_body="{{ pic }}").problems().query("field=='html_body'")["detail"]
    assert "the function of column 'pic' returned no value" in detail
    assert payloads(df, html_body="{{ pic | default('-') }}")[0]["HtmlBody"] == "-"


COLUMNS = [pd.Series(["a.png"], name="photo"), *([col("photo")] if HAS_EXPRESSIONS else [])]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("call", "take"),
    [
        ("mf.image", lambda column: mf.image(column, alt="")),
        ("mf.image(alt=)", lambda column: mf.image(lambda row: row["a"], alt=column)),
        ("mf.each", mf.each),
    ],
)
def test_a_column_where_a_function_of_a_row_belongs_is_refused(column, call, take):
    """``pd.col`` is callable, but not with a row."""
    with pytest.raises(LetterError) as refused:
        take(column)
    assert str(refused.value).startswith(f"{call} takes a function of a row")
    assert "write lambda row: row['" in str(refused.value)


@pytest.mark.parametrize("made", [Figure(), pd.DataFrame({"n": [1]}), pd.DataFrame().style])
def test_a_figure_or_table_as_a_constant_names_the_function_that_makes_it_one(made):
    """``mf.image`` and ``mf.html``."""
    with pytest.raises(LetterError, match=r"write mf\.(image|html)\("):
        compose(frame(), constants={"c": made})
