"""Templates are kept as Postmark keeps them.

Sources: ``O`` is an answer that someone recorded (postmarker's cassettes, issues), ``S`` a live
test of an official client, ``D`` Postmark's documentation, ``A`` an assumption.
"""

from __future__ import annotations

import pytest

from mailframe.sandbox.checks import texts_templates
from tests.sandbox.template_calls import LAYOUT, STANDARD, calls

UNKNOWN_ID = (1101, "The 'TemplateId' associated with this request is not valid or was not found.")
UNKNOWN_ALIAS = (
    1101,
    "The Template's 'Alias' associated with this request is not valid or was not found.",
)
NO_PLACE = (1131, texts_templates.NO_PLACE)
BAD_PATH = "The path 'x y' is not valid. Please see documentation for examples of valid paths."
PAGE = "count=100&offset=0"


def test_the_answers_have_the_keys_of_postmark_in_its_order():
    """O for the first keys, from 2016; D for Alias, TemplateType and LayoutTemplate."""
    with calls(server_id=7) as call:
        assert list(call.create(Name="TestX", Alias="x").items()) == [
            ("TemplateId", 1),
            ("Name", "TestX"),
            ("Active", True),
            ("Alias", "x"),
            ("TemplateType", "Standard"),
            ("LayoutTemplate", None),
        ]
        assert list(call("GET", "/templates/1")[1].items()) == [
            ("Name", "TestX"),
            ("TemplateId", 1),
            ("Subject", "Hi {{name}}"),
            ("HtmlBody", None),
            ("TextBody", "Hello {{name}}"),
            ("AssociatedServerId", 7),
            ("Active", True),
            ("Alias", "x"),
            ("TemplateType", "Standard"),
            ("LayoutTemplate", None),
        ]
        listed = call("GET", f"/templates?{PAGE}")[1]
        summary = {"Active": True, "TemplateId": 1, "Name": "TestX", "Alias": "x"}
        summary |= {"TemplateType": "Standard", "LayoutTemplate": None}
        assert listed == {"TotalCount": 1, "Templates": [summary]}
        assert list(listed["Templates"][0]) == list(summary)


def test_a_template_is_read_by_id_or_alias():
    """D; an alias has its case (A), and a slash at the end of the path has no meaning (O)."""
    with calls() as call:
        number = call.create(Alias="Welcome.mail-1_a")["TemplateId"]
        for wanted in (number, f"{number}/", "Welcome.mail-1_a", "Welcome.mail-1_a/"):
            assert call("GET", f"/Templates/{wanted}")[1]["TemplateId"] == number
        for wanted in ("welcome.mail-1_a", "no", "-1", "²"):
            assert call.refusal("GET", f"/templates/{wanted}") == UNKNOWN_ALIAS
        for wanted in ("99", "0", "9" * 30):
            assert call.refusal("GET", f"/templates/{wanted}") == UNKNOWN_ID


def test_a_deleted_template_can_only_be_read_by_its_id():
    """S: the .NET client reads it with Active false; the JS client takes 1101 for its end."""
    with calls() as call:
        number = call.create(Alias="x")["TemplateId"]
        assert call("DELETE", f"/templates/{number}") == (
            200,
            {"ErrorCode": 0, "Message": f"Template {number} removed."},
        )
        assert call("GET", f"/templates/{number}")[1]["Active"] is False
        assert call("GET", f"/templates?{PAGE}")[1]["TotalCount"] == 0
        assert call.refusal("GET", "/templates/x") == UNKNOWN_ALIAS
        for method, body in (("DELETE", None), ("PUT", {"Name": "y"})):
            assert call.refusal(method, f"/templates/{number}", body) == UNKNOWN_ID
        assert call.create(Alias="x")["TemplateId"] > number


def test_field_names_ignore_case():
    """S: the PHP client writes htmlBody, the .NET client HTMLBody."""
    with calls() as call:
        body = {"name": "n", "subject": "s", "HTMLBody": "h", "textbody": "t", "templateType": ""}
        number = call("POST", "/templates", body)[1]["TemplateId"]
        template = call("GET", f"/templates/{number}")[1]
        fields = ("Name", "Subject", "HtmlBody", "TextBody", "TemplateType")
        assert [template[name] for name in fields] == ["n", "s", "h", "t", "Standard"]


def test_an_edit_changes_what_it_names():
    """O for null, which is the same as a missing field; by ID or alias."""
    with calls() as call:
        number = call.create(Alias="x", HtmlBody="<p>{{name}}</p>")["TemplateId"]
        nulls = {"TextBody": None, "HtmlBody": None, "Subject": None, "Alias": None}
        assert call("PUT", f"/templates/{number}", {"Name": "Test"} | nulls)[1]["Name"] == "Test"
        assert call("PUT", "/templates/x", {"Alias": "y", "TextBody": ""})[1]["Alias"] == "y"
        template = call("GET", "/templates/y")[1]
        assert (template["Name"], template["TextBody"]) == ("Test", None)
        assert (template["HtmlBody"], template["Subject"]) == ("<p>{{name}}</p>", "Hi {{name}}")


def test_a_layout_is_named_by_its_alias():
    """S: one without an alias gets one; an empty text removes the layout, null does not."""
    with calls() as call:
        alias = call.create(LAYOUT, Alias=None)["Alias"]
        assert alias
        created = call.create(LayoutTemplate=alias)
        assert created["LayoutTemplate"] == alias
        path = f"/templates/{created['TemplateId']}"
        assert (
            call("PUT", path, {"Name": "x", "LayoutTemplate": None})[1]["LayoutTemplate"] == alias
        )
        assert call("PUT", path, {"LayoutTemplate": ""})[1]["LayoutTemplate"] is None
        assert call("PUT", path, {"LayoutTemplate": alias})[1]["LayoutTemplate"] == alias
        call("PUT", f"/templates/{alias}", {"Alias": "renamed"})
        assert call("GET", path)[1]["LayoutTemplate"] == "renamed"


def test_the_alias_that_a_layout_gets_is_free():
    """Also if another template has the one that would fit."""
    with calls() as call:
        call.create(Alias="Layout-2")
        assert call.create(LAYOUT, Alias=None)["Alias"] == "layout-2-1"


def test_a_layout_that_is_used_cannot_be_deleted():
    """D: 1130, until the last template that stands in it is deleted."""
    with calls() as call:
        call.create(LAYOUT)
        inner = call.create(LayoutTemplate="frame")["TemplateId"]
        assert call.refusal("DELETE", "/templates/frame") == (
            1130,
            "The layout template cannot be deleted because it has dependent templates using it.",
        )
        call("DELETE", f"/templates/{inner}")
        assert call("DELETE", "/templates/frame")[0] == 200


def test_the_list_is_paged_and_filtered():
    """S: the filters are those of the .NET client's live test; the order is by name (A)."""
    with calls() as call:
        call.create(LAYOUT)
        for number in range(5):
            call.create(Name=str(number), LayoutTemplate="frame" if number % 2 else "")
        for query, names in (
            ("count=2&offset=4", ["4", "Frame"]),
            ("Count=9&Offset=9", []),
            (f"{PAGE}&templateType=Layout", ["Frame"]),
            (f"{PAGE}&TemplateType=standard", ["0", "1", "2", "3", "4"]),
            (f"{PAGE}&TemplateType=All&LayoutTemplate=frame", ["1", "3"]),
            (f"{PAGE}&layoutTemplate=none", []),
        ):
            answer = call("GET", f"/templates?{query}")[1]
            assert [template["Name"] for template in answer["Templates"]] == names
        assert call("GET", "/templates?count=2&offset=1")[1]["TotalCount"] == 6


@pytest.mark.parametrize(
    "query",
    ["", "count=1", "offset=0", "count=0&offset=0", "count=501&offset=0",
     "count=-1&offset=0", "count=a&offset=0", "count=1.0&offset=0", "count=1&offset=",
     f"{PAGE}&templateType=Other"],
)  # fmt: skip
def test_a_wrong_page_or_filter_is_1100(query):
    """D for the code."""
    with calls() as call:
        assert call.refusal("GET", f"/templates?{query}")[0] == 1100


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"Name": None}, (1120, "A 'Name' is required when creating a template.")),
        ({"Name": " "}, (1120, "A 'Name' is required when creating a template.")),
        ({"Subject": ""}, (1120, "A 'Subject' is required when creating a template.")),
        (
            {"TextBody": None, "HtmlBody": ""},
            (1120, "An 'HtmlBody' or a 'TextBody' is required when creating a template."),
        ),
        (
            {"Name": "\U0001f600" * 128},
            (1121, "The 'Name' of a template is limited to 255 characters; found 256."),
        ),
        ({"Alias": ""}, (1122, None)),
        ({"Alias": "1a"}, (1122, None)),
        ({"Alias": "a b"}, (1122, None)),
        ({"Alias": "größe"}, (1122, None)),
        ({"Alias": "a" * 256}, (1121, None)),
        ({"TemplateType": "Other"}, (1122, "The 'TemplateType' must be 'Standard' or 'Layout'.")),
        (
            {"HtmlBody": "a\n{{x y}}"},
            (1122, f"The 'HtmlBody' is not valid: line 2, character 1: {BAD_PATH}"),
        ),
        (
            {"LayoutTemplate": "none"},
            (
                1101,
                "The 'LayoutTemplate' associated with this request is not valid or was not found.",
            ),
        ),
        (
            {"TextBody": "{{{ @content }}}"},
            (1131, "The content placeholder cannot be present in a standard template."),
        ),
        ({"Name": 5}, (403, "Invalid request field(s): $.Name")),
        ({"HtmlBody": ["x"]}, (403, "Invalid request field(s): $.HtmlBody")),
    ],
)
def test_a_wrong_template_is_refused(fields, refusal):
    """With the codes of the documentation; a refused template is not kept."""
    with calls() as call:
        code, text = call.refusal("POST", "/templates", STANDARD | fields)
        assert (code, refusal[1] and text) == refusal
        assert call("GET", f"/templates?{PAGE}")[1]["TotalCount"] == 0


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"HtmlBody": "Html content"}, NO_PLACE),  # S for the beginning of the text
        ({"TextBody": "{{{@content}}} {{{ @content }}}"}, NO_PLACE),
        ({"Subject": "Hi"}, (1123, "A 'Subject' may not be specified for a layout.")),
        (
            {"LayoutTemplate": "frame"},
            (1123, "A 'LayoutTemplate' may not be specified for a layout."),
        ),
        (
            {"TemplateType": "Standard"},
            (1123, "The 'TemplateType' of a template cannot be changed."),
        ),
        ({"HtmlBody": "", "TextBody": ""}, (1120, None)),
    ],
)
def test_a_wrong_edit_of_a_layout_is_refused(fields, refusal):
    """Each body has the place of the template exactly once (D)."""
    with calls() as call:
        call.create(LAYOUT)
        code, text = call.refusal("PUT", "/templates/frame", fields)
        assert (code, refusal[1] and text) == refusal
        assert call("GET", "/templates/frame")[1]["HtmlBody"] == LAYOUT["HtmlBody"]
        call("PUT", "/templates/frame", {"TemplateType": "Layout", "TextBody": ""})
        assert call("GET", "/templates/frame")[1]["TextBody"] is None


def test_an_alias_belongs_to_one_template():
    """1122 ignoring case (A), so that what works here works with either rule of Postmark."""
    with calls() as call:
        call.create(Alias="one")
        call.create(Alias="two")
        taken = (1122, "The 'Alias' 'ONE' is already used by another template of this server.")
        assert call.refusal("POST", "/templates", STANDARD | {"Alias": "ONE"}) == taken
        assert call.refusal("PUT", "/templates/two", {"Alias": "ONE"}) == taken
        assert call("PUT", "/templates/one", {"Alias": "ONE"})[1]["Alias"] == "ONE"


def test_a_server_has_100_templates():
    """D: 1105; deleted ones do not count."""
    with calls() as call:
        for _ in range(100):
            number = call.create()["TemplateId"]
        code, text = call.refusal("POST", "/templates", STANDARD)
        assert (code, text[:37]) == (1105, "A Server may have up to 100 templates")
        call("DELETE", f"/templates/{number}")
        call.create()


@pytest.mark.parametrize(
    ("method", "path", "content", "refusal"),
    [
        ("GET", "/templates/validate", b"", (1109, "No template data received.")),  # O
        ("POST", "/templates", b"", (1109, "No template data received.")),
        ("POST", "/templates", b"null", (1109, "No template data received.")),
        ("POST", "/templates/validate", b"{}", (1109, "No template data received.")),
        ("PUT", "/templates/1", b'{"Other": 1}', (1109, "No template data received.")),
        ("PUT", "/templates/push", b" ", (1109, "No template data received.")),
        ("POST", "/templates", b"[]", (403, "Invalid request field(s): $")),
        ("PUT", "/templates/push", b"[]", (403, "Invalid request field(s): $")),
        ("POST", "/templates/validate", b"7", (403, "Invalid request field(s): $")),
        ("POST", "/templates", b"{", (402, None)),
    ],
)
def test_a_request_without_fields_is_1109(method, path, content, refusal):
    """And one that is no object 403, or 402 if it is no JSON."""
    with calls() as call:
        call.create()
        answer = call.http.request(
            method, path, content=content, headers={"X-Postmark-Account-Token": "any"}
        )
        body = answer.json()
        assert answer.status_code == 422
        assert (body["ErrorCode"], refusal[1] and body["Message"]) == refusal


def test_each_server_has_its_own_templates():
    """The same alias on two servers; no server reads another one's by ID."""
    with calls(tokens=["a"], servers={"other": "b"}) as call:
        for token in ("a", "b"):
            call.http.headers["X-Postmark-Server-Token"] = token
            number = call.create(Alias="x")["TemplateId"]
            assert call("GET", "/templates/x")[1]["TemplateId"] == number
        assert call.refusal("GET", "/templates/1") == UNKNOWN_ID
        assert call("GET", "/templates/2")[0] == 200


def test_templates_stay_in_the_file_and_go_with_a_reset(tmp_path):
    """As everything else that a sandbox keeps; ``clear`` leaves them."""
    totals = []
    for _ in range(2):
        with calls(db=tmp_path / "sandbox.db") as call:
            totals.append(call("GET", f"/templates?{PAGE}")[1]["TotalCount"])
            call.create(LAYOUT, Alias=None)
            call.sandbox.clear()
            totals.append(call("GET", f"/templates?{PAGE}")[1]["TotalCount"])
            if totals[-1] == 2:
                call.create(LayoutTemplate="layout-1")
                call.sandbox.reset()
                totals.append(call("GET", f"/templates?{PAGE}")[1]["TotalCount"])
    assert totals == [0, 1, 1, 2, 0]


CALLS = [
    ("GET", "/templates"),
    ("POST", "/templates"),
    ("GET", "/templates/1"),
    ("PUT", "/templates/1"),
    ("DELETE", "/templates/1"),
    ("POST", "/templates/validate"),
    ("PUT", "/templates/push"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_call_needs_its_token(method, path):
    """A server token, or the account token for a push; the test token reads nothing."""
    with calls(tokens=["right"]) as call:
        for token in ("wrong", "POSTMARK_API_TEST"):
            headers = {"X-Postmark-Server-Token": token, "X-Postmark-Account-Token": ""}
            status, answer = call(method, path, {"Name": "x"}, **headers)
            assert (status, answer["ErrorCode"]) == (401, 10)
