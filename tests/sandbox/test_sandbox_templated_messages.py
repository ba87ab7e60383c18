"""Messages that name a template are checked, accepted and rendered as Postmark does.

The marks of sources are those of ``test_sandbox_templates.py``.
"""

from __future__ import annotations

from email import message_from_string

import pytest

from mailframe.sandbox.checks import texts_templates
from tests.sandbox.template_calls import LAYOUT, calls

WITH, BATCH = "/email/withTemplate", "/email/batchWithTemplates"
MAIL = {"From": "hello@example.com", "To": "ann@example.com", "TemplateModel": {"name": "Ann"}}
UNKNOWN_ID = (1101, "The 'TemplateId' associated with this request is not valid or was not found.")
UNKNOWN_ALIAS = (
    1101,
    "The Template's 'Alias' associated with this request is not valid or was not found.",
)
CONTENT_TOO = (1123, texts_templates.CONTENT_TOO)


def templated(**fields):
    """A message with the template ``welcome``, changed by *fields*; None removes a field."""
    message = MAIL | {"TemplateAlias": "welcome"} | fields
    return {name: value for name, value in message.items() if value is not None}


def delivered(call):
    """Subject, HTML and text of the last message."""
    row = call.sandbox.messages().iloc[-1]
    return tuple(
        None if row[name] != row[name] else row[name]
        for name in ("Subject", "HtmlBody", "TextBody")
    )


@pytest.mark.parametrize("path", [WITH, f"{WITH}/", "/email/withtemplate"])
def test_a_message_is_rendered_from_its_template(path):
    """O: the answer of 2016, also with the nulls and lists that postmarker sends."""
    with calls() as call:
        number = call.create(Alias="welcome", HtmlBody="<p>{{name}}</p>")["TemplateId"]
        sent = {"Attachments": [], "Headers": [], "Bcc": None, "Subject": None, "InlineCss": True}
        message = templated(TemplateAlias=None, TemplateId=number, TemplateModel={"name": "<Ann>"})
        status, answer = call("POST", path, message | sent)
        assert (status, list(answer)) == (
            200,
            ["To", "SubmittedAt", "MessageID", "ErrorCode", "Message"],
        )
        assert (answer["To"], answer["ErrorCode"], answer["Message"]) == (
            "ann@example.com",
            0,
            "OK",
        )
        assert delivered(call) == ("Hi <Ann>", "<p>&lt;Ann&gt;</p>", "Hello <Ann>")


def test_a_template_stands_in_its_layout():
    """D: both see the same model; a part that the layout does not have stays as it is (A)."""
    with calls() as call:
        call.create(LAYOUT, TextBody=None, HtmlBody="{{name}}: {{{ @content }}}")
        call.create(Alias="welcome", HtmlBody="<p>{{name}}</p>", LayoutTemplate="frame")
        call("POST", WITH, templated(TemplateModel={"name": "&"}))
        assert delivered(call) == ("Hi &", "&amp;: <p>&amp;</p>", "Hello &")


def test_the_unsubscribe_placeholder_is_replaced_after_rendering():
    """D: the link is made when the message is delivered."""
    with calls() as call:
        call.create(Alias="welcome", TextBody="Stop: {{{ pm:unsubscribe }}}")
        call("POST", WITH, templated(MessageStream="broadcast"))
        assert delivered(call)[2] == "Stop: {{{ pm:unsubscribe }}}"
        assert "http" in call.sandbox.delivered()["TextBody"].iloc[0]


def test_what_a_message_was_made_of_is_kept():
    """The ID and alias of its template, and its model; searches do not read the model."""
    with calls() as call:
        number = call.create(Alias="welcome")["TemplateId"]
        identifier = call("POST", WITH, templated())[1]["MessageID"]
        kept = call.sandbox._store.messages.get(identifier)
        assert kept.template == {
            "TemplateId": number,
            "TemplateAlias": "welcome",
            "TemplateModel": {"name": "Ann"},
        }
        assert "TemplateModel" not in kept.head
        plain = {"From": "a@example.com", "To": "b@example.com", "TextBody": "Hi"}
        plain |= {"TemplateId": number, "TemplateModel": {"name": "x"}, "TemplateError": "x"}
        identifier_of_plain = call("POST", "/email", plain)[1]["MessageID"]
        assert call.sandbox._store.messages.get(identifier_of_plain).template == {}
        assert not len(call.sandbox.bounces())
        details = call("GET", f"/messages/outbound/{identifier}/details")[1]
        assert (details["Subject"], details["TextBody"]) == ("Hi Ann", "Hello Ann")


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"TemplateAlias": "none"}, UNKNOWN_ALIAS),
        ({"TemplateAlias": "none", "TemplateModel": None}, UNKNOWN_ALIAS),  # S: .NET
        ({"TemplateAlias": "WELCOME"}, UNKNOWN_ALIAS),
        ({"TemplateAlias": ""}, UNKNOWN_ALIAS),
        ({"TemplateAlias": None}, UNKNOWN_ID),
        ({"TemplateId": 0}, UNKNOWN_ID),  # O: postmark-dotnet#66, beside an alias
        ({"TemplateId": 2**70}, (403, "Invalid request field(s): $.TemplateId")),
        ({"TemplateId": "welcome"}, (403, "Invalid request field(s): $.TemplateId")),
        ({"TemplateId": True}, (403, "Invalid request field(s): $.TemplateId")),
        ({"TemplateAlias": 5}, (403, "Invalid request field(s): $.TemplateAlias")),
        ({"TemplateAlias": "frame"}, UNKNOWN_ALIAS),  # D: a layout cannot be sent
        (
            {"TemplateModel": None},
            (1120, "A 'TemplateModel' is required when using a template to send an email."),
        ),  # O: postmark-rails#71
        ({"TemplateModel": []}, (403, "Invalid request field(s): $.TemplateModel")),
        ({"TemplateModel": "{}"}, (403, "Invalid request field(s): $.TemplateModel")),
        (
            {"TemplateModel": {"pm:x": 1}},
            (1122, "The name 'pm:x' in the 'TemplateModel' is reserved."),
        ),
        ({"Subject": "Hi"}, CONTENT_TOO),  # O: swoosh#568
        ({"TextBody": ""}, CONTENT_TOO),  # O: anymail#121
        ({"HtmlBody": "", "TemplateAlias": "none"}, CONTENT_TOO),
        ({"To": "nobody"}, (300, None)),
        ({"To": None}, (300, "Zero recipients specified")),
        ({"MessageStream": "none"}, (1235, None)),
        ({"Metadata": []}, (403, "Invalid request field(s): $.Metadata")),
        ({"InlineCss": "yes"}, (403, "Invalid request field(s): $.InlineCss")),
    ],
)
def test_a_wrong_message_is_refused(fields, refusal):
    """The template and its model first, then what every message is checked for."""
    with calls() as call:
        call.create(LAYOUT)
        call.create(Alias="welcome")
        code, text = call.refusal("POST", WITH, templated(**fields))
        assert (code, refusal[1] and text) == refusal
        assert not len(call.sandbox.messages())


def test_a_deleted_template_cannot_be_sent():
    """1101 for its ID and its alias."""
    with calls() as call:
        number = call.create(Alias="welcome")["TemplateId"]
        call("DELETE", f"/templates/{number}")
        assert call.refusal("POST", WITH, templated()) == UNKNOWN_ALIAS
        assert call.refusal("POST", WITH, templated(TemplateId=number)) == UNKNOWN_ID


def test_a_batch_has_an_item_for_each_message():
    """D: HTTP 200 in the order of the request; a refused item has only code and text (S: .NET)."""
    with calls(suppressions=["gone@example.com"]) as call:
        call.create(Alias="welcome")
        call.create(Alias="other", Subject="Other", TextBody="{{name}}!")
        messages = [
            templated(TemplateModel={"name": "One"}),
            templated(TemplateAlias="invalid-alias", TemplateModel=None),
            templated(To="gone@example.com"),
            templated(TemplateAlias="other", TemplateModel={}),
        ]
        status, items = call("POST", BATCH, {"messages": messages})
        assert (status, [item["ErrorCode"] for item in items]) == (200, [0, 1101, 406, 0])
        assert items[1] == {"ErrorCode": 1101, "Message": UNKNOWN_ALIAS[1]}
        assert call.sandbox.messages()["TextBody"].tolist() == ["Hello One", "!"]
        assert call.sandbox.requests()["messages"].tolist()[-1] == 4


def test_field_names_of_a_batch_ignore_case():
    """S: the PHP client's live test writes TemplateID."""
    with calls() as call:
        number = call.create()["TemplateId"]
        message = templated(TemplateAlias=None) | {
            "TemplateID": number,
            "templateModel": {"name": "x"},
        }
        del message["TemplateModel"]
        assert call("POST", BATCH, {"Messages": [message]})[1][0]["Message"] == "OK"
        assert delivered(call)[0] == "Hi x"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ([], (403, "Invalid request field(s): $")),
        ({}, (403, "Invalid request field(s): $.Messages")),
        ({"Messages": None}, (403, "Invalid request field(s): $.Messages")),
        ({"Messages": {}}, (403, "Invalid request field(s): $.Messages")),
        ({"Messages": [templated(), 5]}, (403, "Invalid request field(s): $.Messages[1]")),
        (
            {"Messages": [templated(TemplateModel=5)]},
            (403, "Invalid request field(s): $.Messages[0].TemplateModel"),
        ),
        (
            {"Messages": [templated(), templated(To=5)]},
            (403, "Invalid request field(s): $.Messages[1].To"),
        ),
        (
            {"Messages": [templated()] * 501},
            (410, "You may only send up to 500 messages in a single batched request."),
        ),
    ],
)
def test_a_wrong_batch_is_refused(body, refusal):
    """As a whole; 500 messages and none are taken."""
    with calls() as call:
        call.create(Alias="welcome")
        assert call.refusal("POST", BATCH, body) == refusal
        assert call("POST", BATCH, {"Messages": []}) == (200, [])
        assert len(call("POST", BATCH, {"Messages": [templated()] * 500})[1]) == 500


def test_a_template_that_cannot_be_rendered_bounces():
    """D for the type of the bounce; that the message is accepted first is A."""
    with calls() as call:
        call.create(Alias="welcome", TextBody="{{#each name}}x{{/each}}", HtmlBody="<p>")
        to = "ann@example.com, Bob <bob@example.com>"
        assert call("POST", WITH, templated(To=to))[1]["Message"] == "OK"
        bounces = call.sandbox.bounces()
        assert bounces["Type"].tolist() == ["TemplateRenderingFailed"] * 2
        assert bounces["Email"].tolist() == ["ann@example.com", "bob@example.com"]
        subject, html, text = delivered(call)
        assert (subject, html) == ("", None)
        assert text.startswith("'name' is used like an array by the template")
        assert not len(call.sandbox.suppressions())


def test_a_body_that_is_too_large_when_it_is_rendered_bounces():
    """The limit is that of a posted body."""
    with calls() as call:
        call.create(Alias="welcome", Subject="Hi", TextBody="{{name}}")
        for characters, bounces in ((5_242_880, 0), (5_242_881, 1)):
            call("POST", WITH, templated(TemplateModel={"name": "x" * characters}))
            assert len(call.sandbox.bounces()) == bounces


def test_a_body_can_be_rendered_to_nothing():
    """A: the message is accepted, and its source has one empty part."""
    with calls() as call:
        call.create(Alias="welcome", Subject="{{name}}", TextBody=None, HtmlBody="{{name}}")
        identifier = call("POST", WITH, templated(TemplateModel={}))[1]["MessageID"]
        assert delivered(call) == ("", "", None)
        source = message_from_string(
            call("GET", f"/messages/outbound/{identifier}/dump")[1]["Body"]
        )
        assert (source.is_multipart(), source.get_payload(decode=True)) == (False, b"")


def test_a_line_break_in_a_model_adds_no_header():
    """A subject is one line."""
    with calls() as call:
        call.create(Alias="welcome")
        model = {"name": "Ann\r\nBcc: eve@example.com"}
        identifier = call("POST", WITH, templated(TemplateModel=model))[1]["MessageID"]
        assert delivered(call)[0] == "Hi Ann Bcc: eve@example.com"
        dump = call("GET", f"/messages/outbound/{identifier}/dump")[1]["Body"]
        assert message_from_string(dump)["Bcc"] is None


def test_a_value_of_the_model_is_no_template():
    """Tags in it are text."""
    with calls() as call:
        call.create(Alias="welcome", TextBody="{{{name}}}")
        call("POST", WITH, templated(TemplateModel={"name": "{{secret}}", "secret": "s"}))
        assert delivered(call)[2] == "{{secret}}"


@pytest.mark.parametrize(("depth", "code"), [(62, 0), (63, 402), (2000, 402)])
def test_a_model_is_nested_as_deep_as_dotnet_reads(depth, code):
    """A: 64 levels with those of the request."""
    with calls() as call:
        call.create(Alias="welcome")
        body = (
            '{"From":"a@example.com","To":"b@example.com","TemplateAlias":"welcome",'
            f'"TemplateModel":{{"name":{"[" * depth}{"]" * depth}}}}}'
        )
        assert call.http.post(WITH, content=body).json()["ErrorCode"] == code


def test_styles_of_a_message_are_inlined():
    """D: unless InlineCss is false."""
    with calls() as call:
        source = "<style>b { color: red }</style><b>{{name}}</b>"
        call.create(Alias="welcome", HtmlBody=source)
        for inlines, tag in ((None, 'b style="color: red;"'), (False, "b")):
            call("POST", WITH, templated(InlineCss=inlines))
            assert delivered(call)[1] == f"<style>b {{ color: red }}</style><{tag}>Ann</b>"


def test_the_test_token_keeps_nothing():
    """It checks with the templates of the first server (A)."""
    with calls() as call:
        call.create(Alias="welcome")
        test = {"X-Postmark-Server-Token": "POSTMARK_API_TEST"}
        assert call("POST", WITH, templated(), **test)[1]["Message"] == "Test job accepted"
        assert call.refusal("POST", WITH, templated(TemplateAlias="x"), **test) == UNKNOWN_ALIAS
        assert not len(call.sandbox.messages())


@pytest.mark.parametrize(("fault", "kept"), [("close_lost", 0), ("part_accepted", 1)])
def test_faults_hit_messages_with_templates(fault, kept):
    """They are numbered with the other requests that send."""
    with calls(faults=[fault]) as call:
        call.create(Alias="welcome")
        with pytest.raises(Exception, match=r"."):
            call("POST", BATCH, {"Messages": [templated(), templated()]})
        assert len(call.sandbox.messages()) == kept
        assert call.sandbox.requests()["number"].tolist()[-1] == 1
