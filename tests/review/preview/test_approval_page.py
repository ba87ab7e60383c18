"""The page for a colleague who approves: it shows what would be sent, in one file."""

from __future__ import annotations

import os
import re

import pandas as pd
import pytest

import mailframe as mf
from mailframe.review.preview.pages import write
from tests.composing import cells, compose, frame
from tests.review.preview.reading import HOSTILE, Page, is_harmless, mail_of

BODY = (
    "{% if plan == 'team' %}Team{% elif plan == 'solo' %}Solo{% elif plan == 'gone' %}"
    "Gone{% else %}None{% endif %}"
)


def people() -> pd.DataFrame:
    """Six rows: three plans, a doubled recipient, one without an address, one without a plan."""
    df = frame(x=cells("team", "solo", "team", "solo", None, "team")).rename(columns={"x": "plan"})
    df.loc[2, "email"] = df.loc[0, "email"]
    df.loc[5, "email"] = None
    return df


def campaign(**fields) -> mf.Campaign:
    """A letter with four branches, one of which no row takes."""
    html = "<p>{{ email }}</p>" + BODY
    return compose(
        people(), **{"html_body": html, "subject": "Hello {{ email }}", "name": "spring", **fields}
    )


def saved(made: mf.Campaign, tmp_path, **options) -> str:
    """The page that a preview saves."""
    return (
        made.preview(static=True, **options)
        .save(tmp_path / "page.html")
        .read_text(encoding="utf-8")
    )


def words(markup: str) -> str:
    """The text of a page, with one blank between its parts."""
    return " ".join(" ".join(Page(markup).texts).split())


def test_its_numbers_are_those_of_the_plan(tmp_path):
    """Rows, messages, batches, and which rows are blocked and why."""
    made = campaign()
    plan, text = made.plan(), words(saved(made, tmp_path))
    assert (plan.rows, plan.messages, plan.blocked_rows) == (6, 4, 2)
    assert f"Rows {plan.rows} Messages {plan.messages} in {plan.batches} batch" in text
    assert re.search(rf"Blocked {plan.blocked_rows} 1 duplicate recipient, .* Warnings 0 ", text)
    for code, count in {**plan.blocked, **plan.warnings}.items():
        assert f"{count} {code.replace('_', ' ')}" in text
    assert 'on_invalid="skip"' in text
    page = Page(saved(made, tmp_path))
    places = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    links = [attributes["href"] for attributes in page.all("a") if "href" in attributes]
    assert {link.removeprefix("#") for link in links} <= {*places}
    sections = [place for place in places if "-" not in place]
    assert sections == ["top", "blocked", "untaken", "letter"]


def test_its_fingerprint_is_the_campaigns(tmp_path):
    """In the text, and in the line to send with."""
    made = campaign()
    printed = made.fingerprint
    text = Page(saved(made, tmp_path)).text
    assert text.count(printed) == 2
    assert f'approved="{printed}"' in text
    assert printed not in Page(saved(campaign(subject="Hallo {{ email }}"), tmp_path)).text


def test_the_mail_of_every_stop_is_there(tmp_path):
    """On a light and a dark screen, in the order of the tour, with the reasons and in the index."""
    made = campaign()
    tour = made.tour(progress=False)
    text = saved(made, tmp_path)
    page = Page(text)
    shown = [mail_of(attributes) for attributes in page.all("iframe")]
    with_html = [stop for stop in tour if stop.position != 5]
    assert len(shown) == 2 * len(with_html)
    for stop, document, dark in zip(with_html, shown[::2], shown[1::2], strict=True):
        assert f"<p>{made.frame['email'].iloc[stop.position]}</p>" in document
        assert f"<p>{made.frame['email'].iloc[stop.position]}</p>" in dark
    assert all(page.texts.count(stop.reasons[0]) >= 2 for stop in tour)
    assert {reason for stop in tour for reason in stop.reasons} <= set(page.texts)
    links = [attributes["href"] for attributes in page.all("a") if "href" in attributes]
    assert links[: len(tour)] == [f"#mail-{n}" for n in range(1, len(tour) + 1)]
    assert f"{len(tour)} messages, selected from all 6 rows." in words(text)


def test_each_mail_has_its_own_choices(tmp_path):
    """Desktop or phone, light or dark; the first of each is chosen, and each has a label."""
    page = Page(saved(campaign(), tmp_path))
    inputs = page.all("input")
    groups = {attributes["name"] for attributes in inputs}
    assert len(inputs) == 2 * len(groups)
    assert len(groups) == len(page.all("iframe"))
    chosen = [attributes["name"] for attributes in inputs if "checked" in attributes]
    assert sorted(chosen) == sorted(groups)
    labels = [attributes["for"] for attributes in page.all("label")]
    assert labels == [attributes["id"] for attributes in inputs]


def test_a_blocked_row_has_its_name_its_key_and_its_recipient(tmp_path):
    """As far as it was rendered, also if it is not valid; with what is wrong and what to do."""
    df = frame(x=cells("ok", None, "ok")).assign(id=["C-1", "C-2", "C-3"])
    df.loc[2, "email"] = "bob@"
    made = compose(df, subject="{{ x }}", key="id")
    blocked = words(saved(made, tmp_path)).partition("These rows are not sent.")[2]
    assert re.search(r"C-2.*? p1@acme.example missing value: .*?column 'x'", blocked)
    assert re.search(r"C-3.*? bob@ invalid address: ", blocked)
    assert "C-1" not in blocked.partition("Letter")[0]


def test_a_masked_page_has_no_key_and_no_address_of_a_blocked_row(tmp_path):
    """Nor anything else of a row; the control is the page without a mask."""
    df = frame(x=cells("ok", None, "ok")).assign(id=["KQ-17", "KQ-27", "KQ-37"])
    df.loc[2, "email"] = "zbigniew@"
    made = compose(df, subject="{{ x }}", html_body="{{ id }}", key="id")
    secrets = ("KQ-27", "KQ-37", "zbigniew", "p1@acme")
    assert all(secret in saved(made, tmp_path) for secret in secrets)
    masked = saved(made, tmp_path, mask=True)
    assert not [secret for secret in secrets if secret in masked]
    assert "row 2 xxxxxxxx@ invalid address" in words(masked)


def test_two_hundred_blocked_rows_are_listed(tmp_path):
    """The number of the others is told."""
    df = frame(rows=203).assign(email=None)
    text = words(saved(compose(df), tmp_path))
    assert "row 199 email missing missing recipient" in text
    assert "row 200 email" not in text
    assert "and 3 more; campaign.problems() lists them all." in text


def test_the_branch_that_nobody_takes_is_named(tmp_path):
    """In plain English, with its template, line and source."""
    text = words(saved(campaign(), tmp_path)).partition("Checked against")[2]
    assert "plan = gone html_body, line 1 {% elif plan == 'gone' %}" in text
    assert "Branches that no row takes" not in Page(saved(campaign(html_body="Hi"), tmp_path)).text


def test_the_letter_and_the_key_are_named(tmp_path):
    """Fields with their templates; the bodies are shown below."""
    text = Page(saved(campaign(tag="renewal"), tmp_path)).text
    assert all(word in text for word in ("Hello {{ email }}", "renewal", "the address"))
    assert BODY not in text


def test_it_stands_alone(tmp_path):
    """No script, nothing remote outside the frames, a policy, UTF-8 without a byte order mark."""
    made = campaign(html_body='<img src="https://acme.example/x.png"><script>1</script>Zoë 李雷 🎉')
    path = made.preview(static=True).save(tmp_path / "page.html")
    text = path.read_bytes().decode("utf-8")
    assert text.startswith("<!doctype html>")
    assert is_harmless(text)
    assert Page(text).all("meta")[1]["http-equiv"] == "Content-Security-Policy"
    outside = re.sub(r'srcdoc="[^"]*"', "", text)
    assert not re.search(r"(?:src|href|url\(|@import)\W*(?:https?:)?//", outside)
    assert "Zoë 李雷 🎉" in "".join(mail_of(attributes) for attributes in Page(text).all("iframe"))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_values_stay_text(text, tmp_path):
    """In columns, cells, labels, subjects, recipients, keys and the campaign's own name."""
    df = pd.DataFrame(
        {"email": ["a@example.com"], text: [text], "x": [text]}, index=pd.Index([text], name=text)
    )
    made = df.mail.compose(
        sender="a@example.com",
        to="{{ x }} <{{ email }}>",
        subject="{{ x }}",
        html_body="{{ x }}",
        text_body="{% if x == text_ %}{{ row[text_] }}{% endif %}".replace("text_", repr(text)),
        metadata={"k": "{{ x }}"},
        name=text if text.isprintable() else "spring",
        key=text,
    )
    page = saved(made, tmp_path)
    assert is_harmless(page)
    assert is_harmless(made._repr_html_())
    assert is_harmless(made.preview(static=True)._repr_html_())


def test_a_page_that_is_there_is_replaced_as_a_whole(tmp_path):
    """An open file keeps the old text; nothing else is left in the folder."""
    path = tmp_path / "page.html"
    path.write_text("old", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        assert write(path, "new\nlines") == path
        assert reader.read() == "old"
    assert path.read_bytes() == b"new\nlines"
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path):
    """No part of the new page is left."""
    path = tmp_path / "page.html"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        write(path, "half \ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_path_may_be_text_and_the_folder_must_be_there(tmp_path):
    """The error is a MailframeError and names the path."""
    made = campaign()
    path = made.preview(static=True).save(os.fspath(tmp_path / "page.html"))
    assert path == tmp_path / "page.html"
    with pytest.raises(
        mf.errors.MailframeError, match=r"nowhere/page\.html.*in a folder that exists"
    ):
        made.preview(static=True).save(tmp_path / "nowhere" / "page.html")


@pytest.mark.parametrize("rows", [0, 1])
def test_a_campaign_of_hardly_any_rows_has_a_page(rows, tmp_path):
    """It says how many messages there are."""
    text = words(saved(compose(frame(1).iloc[:rows]), tmp_path))
    assert f"Rows {rows} Messages {rows} in {rows} batch" in text


def test_the_widget_saves_the_same_page(tmp_path):
    """The page is the same for both kinds of preview, at any row."""
    made = campaign()
    widget = made.preview(static=False, rows=[3])
    path = widget.save(tmp_path / "widget.html")
    widget.close()
    assert path.read_text(encoding="utf-8") == saved(made, tmp_path)


def test_no_cell_makes_a_page_that_cannot_be_saved(tmp_path):
    """A lone surrogate in every field and in the label."""
    half = "half \ud800"
    df = frame(x=cells(half)).set_axis(pd.Index([half], dtype=object))
    made = compose(
        df, subject="{{ x }}", html_body="{{ x }}", text_body="{{ x }}", metadata={"k": "{{ x }}"}
    )
    assert "U+D800" in saved(made, tmp_path)


def test_it_shows_the_tour_of_all_rows_whatever_the_preview_looked_at(tmp_path):
    """A branch that one row of thousands takes is shown, and is not listed as taken by no row."""
    df = frame(rows=3_000).assign(plan="team")
    df.loc[2_777, "plan"] = None
    made = compose(
        df,
        text_body="{% if plan %}{{ plan }}{% else %}OOPS{% endif %}{% if plan == 'x' %}{% endif %}",
    )
    preview = made.preview([0], static=True)
    text = Page(preview.save(tmp_path / "page.html").read_text(encoding="utf-8")).text
    assert "OOPS" in text
    assert "Checked against all 3,000 rows." in text
    assert "else of if plan" not in text.partition("Branches that no row takes")[2]


def test_what_it_shows_is_what_its_fingerprint_stands_for(tmp_path):
    """After a list in a cell changed, the page and its fingerprint show the new list."""
    df = frame(rows=2).assign(items=[["tea"], ["milk"]])
    made = compose(df, text_body="{{ items[0] }}")
    before = made.fingerprint
    df["items"][0][0] = "CHAMPAGNE"
    text = Page(saved(made, tmp_path)).text
    assert "CHAMPAGNE" in text
    assert before not in text
    assert made.fingerprint in text


@pytest.mark.parametrize("name", ["", ".", "folder"])
def test_a_folder_is_no_file_to_save_to(name, tmp_path):
    """The error names a valid argument."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(mf.errors.MailframeError, match="name a file"):
        campaign().preview(static=True).save(tmp_path / name)


def test_it_makes_the_tour_anew(tmp_path):
    """A list that was emptied after the preview opened takes another branch, which is shown."""
    df = frame(rows=2).assign(items=[["x"], ["y"]])
    made = compose(df, text_body="{% for i in items %}{{ i }}{% else %}NONE{% endfor %}")
    preview = made.preview(static=True)
    df["items"].iloc[1].clear()
    assert "NONE" in Page(preview.save(tmp_path / "page.html").read_text(encoding="utf-8")).text


def test_a_letter_that_cannot_be_marked_can_be_saved(tmp_path):
    """Its first row is shown, and no branches."""
    made = compose(frame(rows=2), text_body="{{ email" + " | trim" * 99 + " }}")
    assert "p0@acme.example" in saved(made, tmp_path)


def test_what_cannot_be_sent_at_all_says_so(tmp_path):
    """A repeated key blocks the campaign, so there is no call of send."""
    made = compose(frame(rows=2).assign(k=["a", "a"]), key="k", text_body="Hi")
    text = Page(saved(made, tmp_path)).text
    assert "cannot be sent as it is: duplicate key" in text
    assert "approved=" not in text
