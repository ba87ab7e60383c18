"""The column *how to fix* of ``docs/problems.md``, applied literally."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mailframe as mf
from mailframe import errors
from tests.campaigns import send_with
from tests.composing import compose, frame
from tests.expressions import col
from tests.message.columnar.both_ways import assert_same
from tests.message.problem_scenes import SCENES, Scene

PAGE = Path(__file__).parent.parent.parent / "docs" / "problems.md"
OWN_SCENES = {(mf.Code.DOCUMENTATION_DOMAIN, 0), (mf.Code.CHANGED_SINCE_CHECK, 0)}
NAMES = {"pd": pd, "mf": mf, "Path": Path}


def table() -> dict[str, dict[str, str]]:
    """The rows of the tables of codes, by their code; each a cell by the name of its column."""
    rows: dict[str, dict[str, str]] = {}
    header: list[str] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            continue
        row = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if row[0] == "code":
            header = row
        elif header and "---" not in row[0] and row[0].startswith("`"):
            assert row[0].strip("`") not in rows, f"{row[0]} is there twice"
            rows[row[0].strip("`")] = dict(zip(header, row, strict=True))
        if row[0] in ("column", "the code"):
            header = []
    return rows


def fixes(code: mf.Code) -> list[str]:
    """The codes of the cell that says how to fix a problem."""
    return re.findall(r"`([^`]+)`", table()[code.value]["how to fix"])


def fixed(fix: str, scene: Scene, df: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The frame and the letter after the fix of the page."""
    fields = dict(scene.fields)
    if re.match(r"(?:df|pd)\b", fix):
        return eval(fix, {**NAMES, "df": df}), fields  # noqa: S307 - the page is ours
    if fix.startswith("mf.Attachment("):
        return df, {**fields, "attachments": eval(fix, NAMES)}  # noqa: S307 - as above
    if re.match(r"[a-z_]+=", fix):
        return df, fields | eval(f"dict({fix})", NAMES)  # noqa: S307 - as above
    assert fix.startswith(("{{", "{%", "<")), (
        f"{fix} is neither pandas nor a template nor an argument"
    )
    field, _, name = scene.part.partition(".")
    source = fields.get(field, {"to": "{{ email }}", "text_body": "Hi"}.get(field))
    if field == "attachments":
        return df, fields | {
            field: dataclasses.replace(source, name=changed(source.name, fix, scene))
        }
    if name:
        return df, fields | {field: source | {name: changed(source[name], fix, scene)}}
    return df, fields | {field: changed(source, fix, scene)}


def changed(source: str, fix: str, scene: Scene) -> str:
    """The template with the fix in it."""
    assert scene.adds or scene.wrong in source
    return source + fix if scene.adds else source.replace(scene.wrong, fix)


ADVICE = {
    "missing_value": ("default(",),
    "undefined_name": ("every branch",),
    "unsupported_value": (
        "convert",
        "sorted",
    ),
    "unprintable_value": (
        "join(",
        "print one of its values",
        "default(",
        "drop the row",
        "read the column as text",
    ),
    "template_error": (
        "test the value",
        "as a datetime",
    ),
    "template_limit": ("pandas",),
    "unsafe_template": ("filter",),
    "safe_filter": ("trust",),
    "name_of_a_column": ("{{ title }}",),
    "near_column": ("row['First Name']", "drop("),
    "unused_list": ("drop the column",),
    "missing_recipient": ("drop the row",),
    "empty_address": ("drop the row",),
    "invalid_address": (
        "| trim",
        "valid email address",
    ),
    "several_addresses": ("list of templates",),
    "mixed_scripts": ("allow_idn_mixed=True",),
    "address_normalised": ("check",),
    "bidi_in_name": ("remove",),
    "mailbox_too_long": ("horten the name",),
    "documentation_domain": ("drop the row",),
    "too_many_recipients": ("df.explode",),
    "duplicate_recipient": ("column that tells the rows apart",),
    "missing_key": ("drop the row",),
    "duplicate_key": ("add a column to the key",),
    "ambiguous_key": ("write both in the same way",),
    "control_character": ("clean the cell",),
    "unencodable_text": ("read the file again",),
    "empty_subject": ("allow_empty_subject=True",),
    "garbled_text": (
        "read the file again",
        "replace(",
    ),
    "escaped_markup": ("striptags",),
    "foreign_placeholder": ("{{",),
    "subject_too_long": ("| truncate(100)",),
    "tag_too_long": ("| truncate(100)",),
    "metadata_too_long": ("end an id",),
    "metadata_holds_address": ("send an id",),
    "invalid_value": (
        "track_opens=True",
        "HtmlOnly",
    ),
    "empty_body": ("{% else %}",),
    "body_too_large": ("link to it",),
    "message_too_large": ("send a link",),
    "unsafe_link": ("mailto",),
    "incomplete_link": (
        "https://",
        "mailto:",
    ),
    "insecure_link": ("https:",),
    "different_links": ("add the link",),
    "image_without_alt": ('alt="',),
    "unsupported_image": ("attach", "PNG"),
    "clipped_by_gmail": ("link to",),
    "no_text_direction": ('dir="rtl"',),
    "no_text_part": ("text_body",),
    "no_unsubscribe": ("add",),
    "attachment_unreadable": ("correct the path",),
    "attachment_forbidden": ("send a link",),
    "attachment_name": ("without a folder",),
    "unknown_content_id": ("correct the name",),
    "unused_content_id": ("optional=True",),
}
"""Words that the page and the detail of a problem share; one of them is enough."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory with an image."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logo.png").write_bytes(b"png")
    return tmp_path


def test_each_code_has_a_row_with_its_severity():
    """A code that blocks all rows says so."""
    rows = table()
    assert sorted(rows) == sorted(code.value for code in mf.Code)
    for code in mf.Code:
        severity = rows[code.value]["severity"]
        assert severity.partition(",")[0] == code.severity.value, code
        assert ("stops every row" in severity) == code.stops_everything, code


def test_each_fix_of_the_page_is_tried():
    """A code without an input, or a fix that is not tried, fails."""
    advised = {(code, number) for code in mf.Code for number, _ in enumerate(fixes(code))}
    tried = {(scene.code, scene.fix) for scene in SCENES} | OWN_SCENES
    assert advised == tried
    assert {code for code, _ in advised} == set(mf.Code)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.code}-{scene.fix}")
def test_the_problem_is_gone_when_the_page_is_followed(scene):
    """After the fix the input has neither this problem nor a new one."""
    df = scene.df()
    before = compose(df, **scene.fields).problems()
    assert scene.code.value in before["code"].tolist()
    df, fields = fixed(fixes(scene.code)[scene.fix], scene, df)
    campaign = compose(df, **fields)
    after = campaign.problems()
    assert scene.code.value not in after["code"].tolist(), after["detail"].tolist()
    assert "error" not in after["severity"].tolist(), after["detail"].tolist()
    assert set(after["code"]) - set(before["code"]) <= set(scene.leaves)
    assert len(campaign.messages()) == len(df) > 0


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.code}-{scene.fix}")
def test_a_problem_gives_the_advice_of_the_page(scene):
    """Its detail has the words of the page, except for a repeated recipient, which may be meant."""
    if scene.code is mf.Code.REPEATED_RECIPIENT:
        return
    problems = compose(scene.df(), **scene.fields).problems()
    cell = table()[scene.code.value]["how to fix"]
    words = ADVICE[scene.code.value]
    assert all(word in cell for word in words), cell
    for detail in problems.loc[problems["code"] == scene.code.value, "detail"]:
        assert any(word in detail for word in words), detail


@pytest.mark.sampled(3)
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.code}-{scene.fix}")
def test_a_problem_is_reported_for_a_large_frame_too(scene, live):
    """The columnar path lets its row fall back; a new check has to be known there."""
    assert_same(compose(scene.df(), **scene.fields)._composed.bound, live=live, chunk_rows=1)


def test_without_its_documentation_domains_a_frame_goes_to_a_live_server():
    """The rows that the page leaves are accepted; nothing is posted before."""
    df = pd.DataFrame({"email": ["ann@example.com", "bob@acme.company"]})
    with mf.Sandbox(in_process=True) as sandbox:
        live = mf.Postmark("not-a-token", transport=sandbox.transport())
        assert live.is_live
        with pytest.raises(errors.InvalidRows, match="documentation_domain"):
            send_with(compose(df, name="news"), live)
        assert sandbox.messages().empty
        [fix] = fixes(mf.Code.DOCUMENTATION_DOMAIN)
        df = eval(fix, {"df": df})  # noqa: S307 - the page is ours
        with pytest.warns(errors.MailframeWarning, match="sandbox mode"):
            results = send_with(compose(df, name="news"), live)
    assert results["status"].tolist() == ["accepted"]


def test_a_campaign_that_is_composed_again_sends_the_changed_file(folder):
    """The file changed after the check; the page's line composes a campaign with the new file."""
    (folder / "a.txt").write_text("checked")
    df = frame(path=["a.txt"])
    letter = mf.Letter(
        sender="me@acme.example",
        to="{{ email }}",
        subject="Hello",
        text_body="Hi",
        attachments=mf.Attachment(col("path")),
    )
    campaign = df.mail.compose(letter, name="invoices")
    assert campaign.problems().empty
    (folder / "a.txt").write_text("changed")
    campaign._composed.bound.files._kept.clear()  # as if the files did not fit the cache
    [fix] = fixes(mf.Code.CHANGED_SINCE_CHECK)
    with mf.Sandbox(in_process=True) as sandbox:
        assert send_with(campaign, sandbox.server)["reason"].tolist() == ["changed_since_check"]
        again = eval(fix, {"df": df, "letter": letter})  # noqa: S307 - the page is ours
        assert again.problems().empty
        assert send_with(again, sandbox.server)["status"].tolist() == ["accepted"]
