"""The widget without a browser: its controls are set and clicked."""

from __future__ import annotations

import signal
import threading

import pandas as pd
import pytest
from ipywidgets.widgets import widget as widget_module

import mailframe as mf
from mailframe.pages.card import LARGE_HTML
from mailframe.review.chosen_rows import SAMPLE_ROWS, WHOLE_ROWS
from mailframe.review.preview.navigation import RowSet
from tests.composing import cells, compose, frame
from tests.review.preview.reading import HOSTILE, OURS, Page, is_harmless, mail_of, widget_texts
from tests.send.interrupting import interrupted_at

PLANS = ["team", None, "solo", "team", "team", None, "team", "team"]
LETTER = {
    "subject": "Number {{ n }}",
    "html_body": "<p>mail {{ n }}</p>{% if plan == 'solo' %}<p>Solo</p>{% endif %}",
    "text_body": "text {{ n }} {{ plan }}",
}


def people(rows: int = 8) -> pd.DataFrame:
    """In each eight rows one has a unique plan, and two have none, which is an error."""
    return frame(
        rows,
        n=range(rows),
        plan=cells(*[PLANS[n % 8] for n in range(rows)]),
        name=[f"P{n}" for n in range(rows)],
    )


@pytest.fixture
def opened():
    """Opens previews that are closed after the test."""
    previews = []

    def open_one(made: mf.Campaign | None = None, **options):
        previews.append((made or compose(people(), **LETTER)).preview(static=False, **options))
        return previews[-1]

    yield open_one
    for preview in previews:
        preview.close()


def instances() -> dict[str, object]:
    """Every widget of the kernel by its number."""
    instances = getattr(widget_module, "_instances", None)  # empty before the first widget
    return widget_module.Widget.widgets if instances is None else instances


def where(preview) -> str:
    """The place and name of the row, the message above the mail, and the hits of the search."""
    panes = preview._panes
    texts = (panes.place.value, panes.note.value, preview._controls.hits.value)
    return " | ".join(" ".join(Page(text).text.split()) for text in texts)


def header(preview) -> str:
    """The text above the mail: reasons, errors, header, attachments."""
    return Page(preview._panes.header.value).text


def is_shown(widget) -> bool:
    """Whether it is on the screen."""
    return widget.layout.display != "none"


def number(preview) -> int:
    """The number of the mail that is shown, from its header."""
    [text] = [
        text for text in Page(preview._panes.header.value).texts if text.startswith("Number ")
    ]
    return int(text.removeprefix("Number "))


def choose(preview, name: str) -> None:
    """The set of that name, as its button says."""
    [value] = [
        value for label, value in preview._controls.row_set.options if label.startswith(name)
    ]
    preview._controls.row_set.value = value


def test_it_opens_on_the_tour(opened):
    """With all of its reasons."""
    made = compose(people(), **LETTER)
    preview = opened(made)
    first = made.tour(progress=False).stops[0]
    assert number(preview) == first.position
    assert where(preview).startswith(f"1 of {len(made.tour())} · row {first.position} ")
    assert preview._controls.row_set.label == f"Edge cases ({len(made.tour())})"
    assert [reason for reason in first.reasons if reason not in header(preview)] == []


def test_next_and_previous_step_through_all_rows_and_stop_at_the_ends(opened):
    """No button is disabled at an end, because it would lose the keyboard focus."""
    preview = opened()
    choose(preview, "All")
    preview._controls.row.value = "0"
    preview._controls.previous.click()
    seen = [number(preview)]
    for _ in range(9):
        preview._controls.next.click()
        seen.append(number(preview))
    assert seen == [0, 1, 2, 3, 4, 5, 6, 7, 7, 7]
    assert (preview._controls.previous.disabled, preview._controls.next.disabled) == (False, False)
    preview._controls.previous.click()
    assert number(preview) == 6
    assert where(preview).startswith("7 of 8 · row 6")


@pytest.mark.parametrize(
    ("index", "label", "row"),
    [
        (pd.Index(range(7, -1, -1)), "5", 2),
        (pd.Index(list("abcdefgh")), "c", 2),
        (pd.MultiIndex.from_product([["a", "b"], range(4)]), "b, 1", 5),
        (pd.date_range("2026-03-01", periods=8), "2026-03-03", 2),
        (pd.Index([f"it's {n} " for n in range(8)]), "it's 4", 4),
    ],
    ids=["turned", "texts", "levels", "days", "quotes"],
)
def test_the_row_box_takes_labels(opened, index, label, row):
    """As people write them; the box is empty again when it has been answered."""
    preview = opened(compose(people().set_axis(index), **LETTER))
    choose(preview, "All")
    preview._controls.row.value = label
    assert (number(preview), preview._controls.row.value) == (row, "")
    preview._controls.previous.click()
    assert number(preview) == row - 1


def test_rows_that_share_a_label_are_stepped_through(opened):
    """All of them, and no other."""
    preview = opened(compose(people().set_axis(list("abcaabcb")), **LETTER))
    preview._controls.row.value = "c"
    preview._controls.row.value = "a"
    assert "2 of 3 " in where(preview)  # the next one from where the reader was
    seen = [number(preview)]
    for press in (preview._controls.next, preview._controls.previous, preview._controls.previous):
        press.click()
        seen.append(number(preview))
    assert seen == [3, 4, 3, 0]


def test_the_row_box_takes_keys_too(opened):
    """If no label matches; a row with a key is named by it."""
    preview = opened(compose(people().assign(id=[f"C-{n}" for n in range(8)]), key="id", **LETTER))
    preview._controls.row.value = "C-6"
    assert number(preview) == 6
    assert where(preview).startswith("7 of 8 · id C-6 ")
    assert preview._controls.row.placeholder == "id or label"


def test_a_label_typed_while_a_click_is_answered_is_not_lost(opened):
    """With subshells, JupyterLab has the two messages handled by two threads."""
    preview = opened()
    choose(preview, "All")
    preview._controls.row.value = "0"
    typed = threading.Thread(target=preview._controls.row.set_state, args=[{"value": "5"}])

    def type_meanwhile(_change):
        preview._panes.place.unobserve_all()
        typed.start()
        typed.join(timeout=0.2)  # without turns it is handled by now

    preview._panes.place.observe(type_meanwhile, names="value")
    preview._controls.next.click()
    typed.join()
    assert number(preview) == 5


@pytest.mark.parametrize("text", ["99", "-1", "no-such-row", "²", "<b>"])
def test_a_label_that_no_row_has_is_told(opened, text):
    """Nothing is clamped: the current row stays, and the box is empty again."""
    preview = opened()
    before = number(preview)
    preview._controls.row.value = text
    assert f"There is no row {text}; the frame has rows 0 to 7." in where(preview)
    assert (number(preview), preview._controls.row.value) == (before, "")
    labels = opened(compose(people().set_axis(list("abcdefgh")), **LETTER))
    labels._controls.row.value = text
    assert f"No row has the label {text}." in where(labels)


def test_a_row_outside_of_the_edge_cases_is_one_of_all_rows(opened):
    """The buttons step on from there."""
    preview = opened()
    other = next(n for n in range(8) if n not in preview._navigation.sets["tour"])
    preview._controls.row.value = str(other)
    assert where(preview).startswith(f"{other + 1} of 8 ")
    preview._controls.next.click()
    assert number(preview) == min(other + 1, 7)


def test_rows_with_problems_are_stepped_through_alone(opened):
    """Two of eight; a small frame is checked when the preview opens."""
    preview = opened()
    assert not is_shown(preview._controls.check)
    choose(preview, "Problems (2)")
    preview._controls.previous.click()
    seen = [number(preview)]
    preview._controls.next.click()
    seen.append(number(preview))
    assert seen == [1, 5]


def test_a_blocked_row_says_why_and_what_is_known_of_its_recipient(opened):
    """In a banner above the header; the address as it was rendered, marked."""
    df = people()
    df.loc[3, "email"] = "bob@"
    preview = opened(compose(df, **LETTER))
    preview._controls.row.value = "3"
    text = " ".join(header(preview).split())
    assert text.startswith("Blocked: this message is not sent. to 'bob@' is not a valid email")
    assert "Fix: Correct the cell" in text
    assert "Tobob@ not valid" in text
    assert not is_shown(preview._panes.side)


def test_warnings_are_beside_the_message_only_if_there_are_any(opened):
    """Errors are in the banner."""
    assert not is_shown(opened()._panes.side)
    link = '<p><a href="http://acme.example/">Acme</a></p>'
    warned = opened(compose(people(), **{**LETTER, "html_body": link}))
    assert is_shown(warned._panes.side)
    assert "insecure_link" in warned._panes.side.value
    assert "Write https:" in warned._panes.side.value


def test_errors_of_one_code_have_one_line_how_to_fix_them(opened):
    """In the banner, which lists each of them."""
    letter = {**LETTER, "subject": "{{ x }}", "text_body": "{{ x }}"}
    banner = header(opened(compose(people().assign(x=cells(*[None] * 8)), **letter)))
    assert banner.count("column 'x' has no value") == 2
    assert banner.count("Print another text") == 1


def test_problems_are_offered_only_if_there_are_any(opened):
    """The button for a check of all rows then says that there are none."""
    preview = opened(compose(people(2_001).assign(plan="team"), **LETTER))
    before = number(preview)
    preview._controls.check.click()
    assert number(preview) == before
    assert "No problems in 2,001 rows." in where(preview)
    assert not is_shown(preview._controls.check)
    assert [name for name, _ in preview._controls.row_set.options if "Problems" in name] == []


def test_a_search_steps_through_its_hits(opened):
    """In all columns, not only those that the letter uses; the count is on the button."""
    preview = opened()
    preview._controls.search.value = "p3"
    assert number(preview) == 3
    assert "1 of 1 " in where(preview)
    assert where(preview).endswith("| 1 row matches")
    assert "Matches (1)" in [label for label, _ in preview._controls.row_set.options]
    preview._controls.search.value = "SOLO"
    assert number(preview) == 2


def test_a_search_that_finds_nothing_says_so_and_stays(opened):
    """The buttons step through all rows again, and no empty set is offered."""
    preview = opened()
    preview._controls.search.value = "p3"
    preview._controls.search.value = "<no-such-text>"
    assert number(preview) == 3
    assert where(preview).endswith("| no row matches")
    assert not [
        label for label, _ in preview._controls.row_set.options if label.startswith("Matches")
    ]
    preview._controls.search.value = ""
    assert where(preview).endswith("| ")


def test_each_view_shows_its_part(opened):
    """HTML in its frames, the text, the payload, the row."""
    preview = opened()
    preview._controls.row.value = "3"
    [outer] = Page(preview._panes.main.value).all("iframe")
    assert "<p>mail 3</p>" in mail_of(outer)
    assert "height:320px" in preview._panes.main.value
    assert is_shown(preview._controls.width)
    for view, text in (("Text", "text 3 team"), ("JSON", '"Subject": "Number 3"'), ("Data", "P3")):
        preview._controls.view.value = view
        assert text in Page(preview._panes.main.value).text
        assert Page(preview._panes.main.value).all("iframe") == []
        assert "height:320px" in preview._panes.main.value
        assert not is_shown(preview._controls.width)
        assert not is_shown(preview._controls.scheme)


def test_a_phone_is_narrower_and_dark_is_dark(opened):
    """Each option alone, and both."""
    body = "<style>:root{color-scheme:light dark}@media (prefers-color-scheme:dark){}</style>"
    preview = opened(compose(people(), **{**LETTER, "html_body": body}))
    assert "width:100%;max-width:100%" in preview._panes.main.value
    preview._controls.width.value = "Phone"
    assert "width:390px;max-width:100%" in preview._panes.main.value
    [outer] = Page(preview._panes.main.value).all("iframe")
    assert ("color-scheme:light only" in mail_of(outer), "(max-width:0px)" in mail_of(outer)) == (
        True,
        True,
    )
    preview._controls.scheme.value = "dark"
    [outer] = Page(preview._panes.main.value).all("iframe")
    assert ("color-scheme:dark only" in mail_of(outer), "(min-width:0px)" in mail_of(outer)) == (
        True,
        True,
    )


def test_remote_images_are_off_until_they_are_asked_for(opened):
    """In both policies, because either one blocks them."""
    preview = opened(
        compose(people(), **{**LETTER, "html_body": '<img src="https://acme.example/x.png">'})
    )
    policies = ["img-src data:;", "img-src data: https: http:;"]
    for wanted, policy in zip((False, True), policies, strict=True):
        preview._controls.images.value = wanted
        [outer] = Page(preview._panes.main.value).all("iframe")
        assert policy in (outer["srcdoc"] or "")
        assert policy in mail_of(outer)


@pytest.mark.parametrize("size", [LARGE_HTML - 1, LARGE_HTML, LARGE_HTML + 1])
def test_a_large_mail_is_shown_when_asked(size, opened):
    """For this row, until another one is shown; its text is shown without a click."""
    preview = opened(
        compose(frame(2, x=["x" * size, "short"]), html_body="{{ x }}", text_body="Hi")
    )
    preview._controls.row.value = "0"
    held = size > LARGE_HTML
    assert (
        is_shown(preview._controls.large),
        Page(preview._panes.main.value).all("iframe") == [],
    ) == (
        held,
        held,
    )
    assert (f"{size:,} characters" in preview._panes.main.value) == held
    preview._controls.large.click()
    assert len(Page(preview._panes.main.value).all("iframe")) == 1
    preview._controls.row.value = "1"
    assert len(Page(preview._panes.main.value).all("iframe")) == 1
    preview._controls.view.value = "Text"
    assert not is_shown(preview._controls.large)


def test_a_tour_of_a_sample_offers_all_rows(opened):
    """It then contains the row that was not in the sample."""
    rows = WHOLE_ROWS + 1
    df = frame(rows, x=["usual"] * rows)
    df.loc[1_234, "x"] = "rare"
    preview = opened(compose(df, text_body="{% if x == 'rare' %}Rare{% else %}Usual{% endif %}"))
    sampled = f"Edge cases of {SAMPLE_ROWS:,} evenly spaced rows of {rows:,}."
    assert sampled in " ".join(Page(preview._panes.untaken.value).text.split())
    assert is_shown(preview._controls.all_rows)
    assert 1_234 not in preview._navigation.sets["tour"]
    preview._controls.all_rows.click()
    assert not is_shown(preview._controls.all_rows)
    assert 1_234 in preview._navigation.sets["tour"]
    assert "evenly spaced" not in preview._panes.untaken.value


def test_a_small_frame_offers_no_other_tour(opened):
    """All of its rows were rendered."""
    assert not is_shown(opened()._controls.all_rows)


def draws(preview) -> list:
    """Collects the places that are shown, one per drawing."""
    given = []
    preview._panes.place.observe(lambda change: given.append(change["new"]), names="value")
    return given


def test_one_act_draws_once(opened):
    """Drawing sets controls, which must not count as an action."""
    preview = opened()
    given = draws(preview)
    acts = (
        lambda: setattr(preview._controls.row, "value", "4"),
        preview._controls.next.click,
        lambda: setattr(preview._controls.search, "value", "p"),
        lambda: choose(preview, "All"),
        lambda: choose(preview, "Problems"),
        preview._controls.next.click,
    )
    for count, act in enumerate(acts, 1):
        act()
        assert len(given) <= count
    assert len(given) > 2
    assert not preview._is_drawing


def test_only_the_row_that_is_shown_is_rendered(tmp_path, opened):
    """Each of 100,000 rows reads a file of its own; only the files of shown rows exist."""
    for n in (0, 77):
        (tmp_path / f"{n}.txt").write_text("x" * (n + 1), encoding="utf-8")
    df = frame(100_000, n=range(100_000))
    preview = opened(
        compose(df, attachments=[mf.Attachment(f"{tmp_path}/{{{{ n }}}}.txt")]), rows=[0]
    )
    assert "1 bytes" in header(preview)
    preview._controls.row.value = "77"
    assert "78 bytes" in header(preview)
    preview._controls.next.click()
    assert "attachment_unreadable" in header(preview)
    assert preview._subject.composed.kept_preflight is None


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("view", ["HTML", "Text", "JSON", "Data"])
def test_hostile_texts_stay_texts_in_every_view(text, view, opened):
    """In subjects, names, columns, labels, files, problems, searches and the campaign's name."""
    df = pd.DataFrame({"email": ["a@example.com", "b"], "x": [text, text], text: [text, text]})
    df.index = pd.Index([text, text], name=text)
    made = df.mail.compose(
        sender="a@example.com",
        to="{{ x }} <{{ email }}>",
        subject="{{ x }}",
        html_body="{{ x }}",
        text_body="{% if x == T %}{{ x }}{% else %}{{ x | date }}{% endif %}".replace(
            "T", repr(text)
        ),
        metadata={"k": "{{ x }}"},
        attachments=[mf.Attachment("{{ x }}", b"x")],
        name=text if text.isprintable() else None,
    )
    preview = opened(made)
    preview._controls.view.value = view
    for position in (0, 1):
        preview._controls.row.value = str(position)
        preview._controls.search.value = text + "nowhere"
        for markup in widget_texts(preview):
            assert {name for name, _ in Page(markup).elements} <= OURS
            assert is_harmless(markup)
    bundle = preview._repr_mimebundle_()
    assert is_harmless(bundle["text/html"])
    assert "\x1b" not in bundle["text/plain"]
    assert "\u202e" not in bundle["text/plain"]


@pytest.mark.parametrize("rows", [0, 1])
def test_a_frame_of_hardly_any_rows_can_be_clicked_through(rows, opened):
    """Nothing raises."""
    preview = opened(compose(people(1).iloc[:rows], **LETTER))
    for button in (
        preview._controls.next,
        preview._controls.previous,
        preview._controls.check,
        preview._controls.all_rows,
        preview._controls.large,
    ):
        button.click()
    for control, value in (
        (preview._controls.row, "0"),
        (preview._controls.search, "p"),
        (preview._controls.view, "Data"),
    ):
        control.value = value
    for _, among in preview._controls.row_set.options:
        preview._controls.row_set.value = among
    assert ("This frame has no rows. Check the filter" in where(preview)) == (rows == 0)
    assert (preview._panes.rows in preview.children) == (rows == 1)  # no controls without use
    assert preview._repr_mimebundle_()["text/html"]


def test_rows_that_are_named_are_what_it_opens_on(opened):
    """In their order; none is all of them."""
    preview = opened(rows=[6, 3])
    assert number(preview) == 6
    preview._controls.next.click()
    assert number(preview) == 3
    assert opened(rows=[])._navigation.current == "all"


def test_closing_takes_every_model_along():
    """Closed previews leave nothing in the kernel."""
    made = compose(people(), **LETTER)
    before = set(instances())
    preview = made.preview(static=False)
    assert len(set(instances()) - before) > 20
    for view in ("Data", "HTML"):
        preview._controls.view.value = view
        preview._controls.search.value = "p"
    preview.close()
    assert set(instances()) - before == set()


def test_what_is_saved_beside_a_widget_is_masked_unless_it_is_asked_for(opened):
    """The screen shows values; with save=False no row is kept."""
    made = compose(people(), **LETTER, name="spring")
    secrets = [*made.frame["email"], *made.frame["name"], "Number 2"]

    def kept(**options) -> str:
        bundle = opened(made, **options)._repr_mimebundle_()
        return bundle["text/plain"] + bundle.get("text/html", "")

    assert not [secret for secret in secrets if secret in kept()]
    assert "Xxxxxx 0" not in kept()
    assert "Number 0" in kept()
    assert "Number 2" in kept(mask=False)
    assert kept(save=False) == kept(save=False, mask=False) == "<Preview of spring, 8 rows>"
    assert "text/html" not in opened(made, save=False)._repr_mimebundle_()
    assert (
        "application/vnd.jupyter.widget-view+json" in opened(made, save=False)._repr_mimebundle_()
    )


def test_a_masked_widget_shows_no_value(opened):
    """In any view, and the search still works."""
    preview = opened(mask=True)
    preview._controls.search.value = "p3"
    assert "1 of 1 " in where(preview)
    for view in ("HTML", "Text", "JSON", "Data"):
        preview._controls.view.value = view
        shown = "".join(widget_texts(preview))
        assert "P3" not in shown
        assert "p3@" not in shown


class Unwritable:
    """A cell that cannot be written as text."""

    def __str__(self) -> str:
        """Fail."""
        raise RuntimeError("this cell cannot be written")


def test_what_fails_is_said_above_the_mail(opened):
    """A notebook does not show an error of a callback."""
    preview = opened(compose(people(3).assign(odd=cells(*[Unwritable()] * 3)), **LETTER))
    preview._controls.search.value = "ann"
    assert "That did not work. RuntimeError: this cell cannot be written" in where(preview)
    preview._controls.next.click()
    assert "That did not work" not in where(preview)


def test_the_button_of_the_kernel_leaves_the_controls_true(opened):
    """Stopped during a check of all rows, the preview is unchanged and works again."""
    preview = opened(compose(people(4_000), **LETTER))
    stood = preview._navigation.current
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background job has none
    try:
        with pytest.raises(KeyboardInterrupt), interrupted_at("check_characters"):
            preview._controls.check.click()
    finally:
        signal.signal(signal.SIGINT, before)
    assert preview._controls.row_set.value == preview._navigation.current == stood
    assert "Checking" not in where(preview)
    preview._controls.check.click()
    assert preview._navigation.sets[RowSet.PROBLEMS]


def test_a_letter_without_html_opens_on_its_text(opened):
    """The only part is shown without a click."""
    preview = opened(compose(people(3), text_body="Hi {{ email }}"))
    assert preview._controls.view.value == "Text"
    assert "Hi p0@acme.example" in preview._panes.main.value
    preview._controls.view.value = "HTML"
    assert "This message has no HTML part." in preview._panes.main.value


def test_a_part_that_failed_is_not_called_absent(opened):
    """The problems beside it explain it."""
    preview = opened(
        compose(people(2).assign(n=[0, 1]), html_body="<p>{{ 1 // n }}</p>", text_body="Hi")
    )
    preview._controls.row.value = "1"
    preview._controls.row.value = "0"
    assert "could not be rendered" in preview._panes.main.value
    assert "no HTML part" not in preview._panes.main.value


def test_before_all_rows_were_compared_it_says_so(opened):
    """Only then a repeated recipient is known."""
    df = people(2_500)
    df.loc[2_499, "email"] = df.loc[0, "email"]
    preview = opened(compose(df, **LETTER))
    preview._controls.row.value = "2499"
    assert "Not compared with the other rows yet" in header(preview)
    preview._controls.check.click()
    assert number(preview) == 2_499
    assert "duplicate_recipient" in header(preview)
    assert "Not compared" not in header(preview)
    assert "blocked" in header(preview)


def test_rows_that_a_person_chose_are_not_called_edge_cases(opened):
    """They are those that were selected."""
    preview = opened(rows=[5, 6])
    assert where(preview).startswith("1 of 2 ")
    assert preview._controls.row_set.label == "Selected (2)"


def test_a_search_that_finds_nothing_stays_where_the_reader_is(opened):
    """Also in the tour."""
    preview = opened()
    before, among = number(preview), preview._navigation.current
    preview._controls.search.value = "no such text"
    assert (number(preview), preview._navigation.current) == (before, among)
    assert "no row matches" in where(preview)
