"""``/templates/validate`` and ``/templates/push`` answer as Postmark does.

The marks of sources are those of ``test_sandbox_templates.py``.
"""

from __future__ import annotations

import sys

import pytest

from tests.sandbox.template_calls import LAYOUT, calls

ACCOUNT = {"X-Postmark-Account-Token": "any"}
VALID = {"ContentIsValid": True, "ValidationErrors": []}
EACH = (
    "The 'each' block being opened requires a model path to be specified in the form "
    "'{#each <name>}'."
)


def test_the_recorded_validation_is_answered():
    """O: postmarker's cassette of 2016, with its nulls."""
    sent = {"HtmlBody": None, "TestRenderModel": None, "Subject": "Test", "TextBody": "Test"}
    sent["InlineCssForHtmlTestRender"] = True
    with calls() as call:
        answer = call.validated(**sent)
    part = VALID | {"RenderedContent": "Test"}
    expected = {
        "AllContentIsValid": True,
        "HtmlBody": None,
        "TextBody": part,
        "Subject": part,
        "SuggestedTemplateModel": {},
    }
    assert answer == expected
    assert list(answer) == list(expected)


def test_the_documented_validation_is_answered():
    """D: the test model comes first, and the suggested values fill it."""
    with calls() as call:
        answer = call.validated(
            Subject="{{#company}}{{name}}{{/company}} {{subjectHeadline}}",
            HtmlBody="{{#company}}{{address}}{{/company}}{{#each person}} {{name}} {{/each}}",
            TextBody="{{#company}}{{phone}}{{/company}}{{#each person}} {{name}} {{/each}}",
            TestRenderModel={"userName": "bobby joe", "company": {"phone": "1"}},
        )
    assert answer["AllContentIsValid"] is True
    assert answer["HtmlBody"] == VALID | {"RenderedContent": "address_Value name_Value "}
    assert answer["TextBody"] == VALID | {"RenderedContent": "1 name_Value "}
    assert answer["Subject"] == VALID | {"RenderedContent": "name_Value subjectHeadline_Value"}
    assert answer["SuggestedTemplateModel"] == {
        "userName": "bobby joe",
        "company": {"phone": "1", "name": "name_Value", "address": "address_Value"},
        "person": [{"name": "name_Value"}],
        "subjectHeadline": "subjectHeadline_Value",
    }


def test_a_part_with_errors_is_not_rendered():
    """S: the other parts are, and no model is suggested (fixture of the Ruby client)."""
    with calls() as call:
        answer = call.validated(HtmlBody="{{#each}}", TextBody="{{MyName}}", Subject="{{MyName}}")
    assert answer["AllContentIsValid"] is False
    html = answer["HtmlBody"]
    assert (html["ContentIsValid"], html["RenderedContent"]) == (False, None)
    assert html["ValidationErrors"][0] == {"Message": EACH, "Line": 1, "CharacterPosition": 1}
    assert answer["TextBody"] == VALID | {"RenderedContent": "MyName_Value"}
    assert answer["SuggestedTemplateModel"] is None


def test_a_template_is_validated_in_its_layout():
    """S: the .NET client's live test."""
    with calls() as call:
        call.create(LAYOUT)
        fields = {"Subject": "Subject", "TextBody": "Mr. Jones {{x}}", "LayoutTemplate": "frame"}
        answer = call.validated(TemplateType="Standard", TestRenderModel={}, **fields)
    assert answer["TextBody"]["RenderedContent"] == "-- Mr. Jones x_Value --"
    assert answer["Subject"]["RenderedContent"] == "Subject"
    assert answer["HtmlBody"] is None


@pytest.mark.parametrize(
    ("kind", "body", "is_valid"),
    [
        ("Layout", "{{{@content}}}", True),  # S: the JS client's live test
        ("Layout", "no place", False),
        ("Layout", "{{{@content}}}{{{@content}}}", False),
        ("Standard", "{{{@content}}}", False),
        ("", "no place", True),  # S: the PHP client sends an empty type
    ],
)
def test_the_rules_of_layouts_have_no_line(kind, body, is_valid):
    """D for the rules; that Line and CharacterPosition can be null is D too."""
    with calls() as call:
        part = call.validated(TemplateType=kind, TextBody=body)["TextBody"]
    assert part["ContentIsValid"] is is_valid
    for error in part["ValidationErrors"]:
        assert (error["Line"], error["CharacterPosition"]) == (None, None)
        assert "content placeholder" in error["Message"]


def test_a_model_that_does_not_fit_is_an_error():
    """A: the text is that of Mustachio."""
    with calls() as call:
        answer = call.validated(TextBody="{{#each x}}{{/each}}", TestRenderModel={"x": 5})
    [error] = answer["TextBody"]["ValidationErrors"]
    assert error["Message"].startswith("'x' is used like an array by the template")
    assert answer["AllContentIsValid"] is False


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"LayoutTemplate": "none", "TextBody": "x"}, 1101),
        ({"Subject": "", "HtmlBody": None}, 1120),
        ({"TemplateType": "Other", "TextBody": "x"}, 1122),
        ({"TemplateType": "Layout", "Subject": "x"}, 1123),
        ({"TextBody": "x", "TestRenderModel": []}, 403),
        ({"TextBody": "x", "InlineCssForHtmlTestRender": "no"}, 403),
        ({"TextBody": "x", "TestRenderModel": {"@x": 1}}, 1122),
        ({"TextBody": 5}, 403),
    ],
)
def test_a_wrong_validation_is_refused(fields, code):
    """With the codes of the documentation."""
    with calls() as call:
        assert call.refusal("POST", "/templates/validate", fields)[0] == code


STYLED = "<style>b { color: red }</style><b>{{x}}</b>"


@pytest.mark.parametrize(
    ("inlines", "tag"),
    [(None, 'b style="color: red;"'), (True, 'b style="color: red;"'), (False, "b")],
)
def test_styles_are_inlined_unless_not_wanted(inlines, tag):
    """D: the default is to inline."""
    with calls() as call:
        answer = call.validated(HtmlBody=STYLED, InlineCssForHtmlTestRender=inlines)
    text = answer["HtmlBody"]["RenderedContent"]
    assert text == f"<style>b {{ color: red }}</style><{tag}>x_Value</b>"


def test_styles_stay_where_they_are_without_css_inline(monkeypatch):
    """The extra is optional; also where css-inline cannot read the styles."""
    unreadable = STYLED.replace("red", "'a\"b'")
    with calls() as call:
        text = call.validated(HtmlBody=unreadable)["HtmlBody"]["RenderedContent"]
        assert text == unreadable.replace("{{x}}", "x_Value")
    monkeypatch.setitem(sys.modules, "css_inline", None)
    with calls() as call:
        text = call.validated(HtmlBody=STYLED)["HtmlBody"]["RenderedContent"]
        assert text == STYLED.replace("{{x}}", "x_Value")


# --- push -----------------------------------------------------------------------------------------


def push(call, source, destination, *, performs):
    """The answer to a push."""
    body = {"SourceServerID": source, "DestinationServerID": destination}
    return call("PUT", "/templates/push", body | {"PerformChanges": performs}, **ACCOUNT)


@pytest.mark.parametrize(
    ("source", "destination", "text"),
    [
        (0, 1, "The source and destination servers were not found."),
        (1, 1, "The source and destination servers were not found."),
        (7, 1, "The destination server was not found."),
        (1, 7, "The source server was not found."),
        ("7", "1", "The destination server was not found."),
    ],
)
def test_a_push_between_servers_that_do_not_exist_is_601(source, destination, text):
    """S: the live tests of the JS and Java clients; the Python client sends IDs as texts."""
    with calls(server_id=7) as call:
        answer = push(call, source, destination, performs=False)
        assert answer == (422, {"ErrorCode": 601, "Message": text})


def test_a_push_creates_and_edits_by_alias():
    """D: without PerformChanges it only tells; a dry run has no ID for what it would create (S)."""
    with calls(tokens=["a"], servers={"other": "b"}, server_id=7) as call:
        other = next(one for one in call.sandbox._store.servers.ids() if one != 7)
        call.create(Name="No alias")
        call.create(Alias="old", Name="New name")
        call.create(LAYOUT)
        call.create(Alias="inner", LayoutTemplate="frame")
        call.http.headers["X-Postmark-Server-Token"] = "b"
        old = call.create(Alias="OLD")["TemplateId"]
        expected = [
            ("Create", None, "frame", "Frame", "Layout"),
            ("Edit", old, "old", "New name", "Standard"),
            ("Create", None, "inner", "Welcome", "Standard"),
        ]
        for performs in (False, True):
            status, answer = push(call, 7, other, performs=performs)
            assert (status, answer["TotalCount"]) == (200, 3)
            names = ("Action", "TemplateId", "Alias", "Name", "TemplateType")
            rows = [tuple(item.get(name) for name in names) for item in answer["Templates"]]
            assert [row[:1] + row[2:] for row in rows] == [row[:1] + row[2:] for row in expected]
            assert [row[1] is None for row in rows] == [
                not performs and row[1] is None for row in expected
            ]
            inner = call("GET", "/templates/inner")[1]
            assert inner.get("LayoutTemplate") == ("frame" if performs else None)
        assert call("GET", "/templates/old")[1]["Name"] == "New name"
        assert push(call, 7, other, performs=True) == (200, {"TotalCount": 0, "Templates": []})


@pytest.mark.parametrize("performs", [False, True])
def test_a_push_that_cannot_be_done_changes_nothing(performs):
    """1124 without an alias, 1125 for an alias of two types, 1105 for more than 100 (D)."""
    with calls(tokens=["a"], servers={"other": "b"}, server_id=7) as call:
        other = next(one for one in call.sandbox._store.servers.ids() if one != 7)
        call.create(Name="No alias")
        assert push(call, 7, other, performs=performs)[1]["ErrorCode"] == 1124
        call.create(Alias="frame")
        call.create(Alias="more")
        call.http.headers["X-Postmark-Server-Token"] = "b"
        call.create(LAYOUT)
        assert push(call, 7, other, performs=performs)[1]["ErrorCode"] == 1125
        call("DELETE", "/templates/frame")
        for _ in range(99):
            call.create()
        assert push(call, 7, other, performs=performs)[1]["ErrorCode"] == 1105
        assert call("GET", "/templates?count=100&offset=0")[1]["TotalCount"] == 99


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"SourceServerID": True}, "$.SourceServerID"),
        ({"SourceServerID": 1, "DestinationServerID": "x"}, "$.DestinationServerID"),
        ({"PerformChanges": "yes"}, "$.PerformChanges"),
    ],
)
def test_a_push_with_wrong_types_is_403(body, path):
    """A field name ignores case, its type does not."""
    with calls() as call:
        lowered = {name.lower(): value for name, value in body.items()}
        answer = call.refusal("PUT", "/templates/push", lowered, **ACCOUNT)
        assert answer == (403, f"Invalid request field(s): {path}")
