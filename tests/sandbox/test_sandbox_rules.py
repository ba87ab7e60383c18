"""The checks of requests and messages, at each limit and beside it, and their order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.checks.request_json import parse
from mailframe.sandbox.checks.texts import CheckFailed
from tests.sandbox.sandbox_mail import HEADERS, client, mail, post, refusal
from tests.sandbox.sandbox_reads import unsubscribe_url

FILE = {"Name": "a.txt", "Content": "aGk=", "ContentType": "text/plain"}
EMOJI = "\N{PARTY POPPER}"


def accepted(sandbox, **fields):
    """Whether a message with *fields* is accepted."""
    response = post(sandbox, mail(**fields))
    return response.status_code == 200 and response.json()["ErrorCode"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"To": ", ".join(f"p{i}@example.com" for i in range(50))},
        {
            "To": "a@example.com",
            "Cc": "b@example.com",
            "Bcc": ", ".join(f"p{i}@example.com" for i in range(48)),
        },
        {"Subject": "x" * 2000},
        {"Subject": EMOJI * 1000},
        {"Subject": None},
        {"Subject": ""},
        {"Tag": "x" * 1000},
        {"From": f'"{"x" * 237}" <a@example.com>'},
        {"TextBody": "x" * 5_242_880},
        {"TextBody": None, "HtmlBody": "<p>Hi"},
        {"TextBody": "", "HtmlBody": "<p>Hi"},
        {"ReplyTo": "a@example.com, B <b@example.com>"},
        {"Metadata": {f"k{i}": "v" for i in range(10)}},
        {"Metadata": {"k" * 20: "v" * 80}},
        {"Metadata": {"k": 7}},
        {"Metadata": {"k": EMOJI * 40}},
        {
            "Headers": [
                {"Name": "X-Own", "Value": "1"},
                {"Name": "Message-ID", "Value": "<a@example.com>"},
            ]
        },
        {"Headers": [{"Name": "List-Unsubscribe", "Value": "<https://example.com/u>"}]},
        {"Attachments": [FILE, FILE | {"Name": "b.PNG", "ContentID": "cid:b.PNG"}]},
        {"Attachments": [FILE | {"Content": "aGVs\r\nbG8="}]},
        {"Attachments": [FILE | {"ContentID": None, "ContentLength": 2, "Disposition": "inline"}]},
        {"TrackOpens": True, "TrackLinks": "HtmlAndText"},
        {"Tag": None, "Cc": None, "Unknown": {"a": 1}},
        {"MessageStream": "broadcast"},
        {"MessageStream": ""},
        {"TrackLinks": ""},
        {"To": "ann@example.com,bob@example.com,"},
        {"From": "Acme Inc. <hello@example.com>"},
        {
            "Headers": [
                {"Name": "Mime-Version", "Value": "1.0"},
                {"Name": "Content-Transfer-Encoding", "Value": "7bit"},
                {"Name": "In-Reply-To", "Value": "<a@example.com>"},
                {"Name": "Powered by", "Value": None},
            ]
        },
        {"Headers": [{"name": "X-Own", "VALUE": "1"}]},
        {"Attachments": [{"name": "a.txt", "content": "aGk=", "contentType": "text/plain"}]},
    ],
)
def test_a_message_at_the_limit_is_accepted(sandbox, fields):
    """What Postmark documents as allowed is accepted."""
    response = post(sandbox, {**mail(), **fields})
    assert (response.status_code, response.json()["Message"]) == (200, "OK")
    assert len(sandbox.messages()) == 1


@pytest.mark.parametrize(
    ("fields", "code", "fragment"),
    [
        ({"To": ", ".join(f"p{i}@example.com" for i in range(51))}, 300, "at most 50 recipients"),
        ({"Bcc": ", ".join(f"p{i}@example.com" for i in range(50))}, 300, "found 51"),
        ({"To": ""}, 300, "Zero recipients specified"),
        ({"TextBody": ""}, 300, "Provide either email TextBody or HtmlBody or both."),
        ({"Subject": "x" * 2001}, 300, "'Subject' field is limited to 2000"),
        ({"Subject": EMOJI * 1000 + "x"}, 300, "found 2001"),
        ({"Subject": "a\nBcc: b@example.com"}, 300, "line break"),
        ({"Tag": "x" * 1001}, 300, "'Tag' field is limited to 1000"),
        ({"From": f'"{"x" * 238}" <a@example.com>'}, 300, "'From' field is limited to 255"),
        ({"TextBody": "x" * 5_242_881}, 300, "'TextBody' field is limited to 5 MB"),
        ({"HtmlBody": "ä" * 2_621_441}, 300, "'HtmlBody' field is limited to 5 MB"),
        ({"ReplyTo": "abc"}, 300, "Error parsing 'Reply-To': Illegal email address 'abc'."),
        ({"Metadata": {f"k{i}": "v" for i in range(11)}}, 300, "At most 10 fields"),
        ({"Metadata": {"k" * 21: "v"}}, 300, f"The '{'k' * 21}' field"),
        ({"Metadata": {"k": "v" * 81}}, 300, "The 'k' field in your metadata content exceeds"),
        ({"Metadata": {"k": EMOJI * 40 + "x"}}, 300, "The 'k' field"),
        ({"Metadata": {"Key": "a", "kEY": "b"}}, 300, "more than once"),
        ({"Headers": [{"Name": "SUBJECT", "Value": "x"}]}, 300, "Header 'SUBJECT' not allowed."),
        ({"Headers": [{"Name": "", "Value": "x"}]}, 300, "needs a name"),
        ({"Headers": [{"Value": "x"}]}, 300, "needs a name"),
        ({"Headers": [{"Name": "X-A", "Value": "x\r\nBcc: a@example.com"}]}, 300, "line break"),
        ({"Attachments": [FILE | {"Name": "A.EXE"}]}, 411, "Attachment file type not allowed."),
        (
            {"Attachments": [FILE | {"Name": "a.pdf.vbs. "}]},
            411,
            "Attachment file type not allowed.",
        ),
        ({"Attachments": [FILE | {"Content": ""}]}, 300, "Zero-sized attachments not allowed."),
        ({"Attachments": [FILE | {"Content": " \n"}]}, 300, "Zero-sized attachments not allowed."),
        ({"TrackLinks": "none"}, 300, "The value for 'TrackLinks' is not valid."),
        ({"Attachments": [FILE | {"Content": "a"}]}, 300, "not valid base64"),
        ({"Attachments": [FILE | {"Content": "a-_="}]}, 300, "not valid base64"),
        (
            {"Attachments": [{"Name": "a.txt", "Content": "aGk="}]},
            300,
            "Attachment 0 has no 'ContentType'",
        ),
        ({"MessageStream": "inbound"}, 1236, "Sending is not supported"),
        ({"MessageStream": "Broadcast"}, 1235, "'Broadcast' does not exist"),
    ],
)
def test_a_message_past_the_limit_is_refused(sandbox, fields, code, fragment):
    """HTTP 422 with the code, also in the header; nothing is accepted."""
    response = post(sandbox, mail(**fields))
    assert (response.status_code, response.json()["ErrorCode"]) == (422, code)
    assert fragment in response.json()["Message"]
    assert response.headers["X-PM-ApiErrorCode"] == str(code)
    assert sandbox.messages().empty


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"To": ["a@example.com"]}, "To"),
        ({"Subject": 7}, "Subject"),
        ({"TrackOpens": "true"}, "TrackOpens"),
        ({"TrackOpens": 1}, "TrackOpens"),
        ({"Metadata": []}, "Metadata"),
        ({"Metadata": {"a": {}}}, "Metadata"),
        ({"Metadata": {"a": None}}, "Metadata"),
        ({"Headers": {"X-A": "b"}}, "Headers"),
        ({"Headers": ["X-A: b"]}, "Headers[0]"),
        ({"Headers": [{"Name": "X-A", "Value": 1}]}, "Headers[0].Value"),
        ({"Attachments": [FILE, FILE | {"Content": 1}]}, "Attachments[1].Content"),
    ],
)
def test_a_wrong_json_type_refuses_the_whole_request(sandbox, fields, path):
    """One such message cannot be deserialized, so its batch is refused."""
    single = post(sandbox, mail(**fields))
    batch = post(sandbox, [mail(), mail(**fields), mail()])
    assert single.json() == {"ErrorCode": 403, "Message": f"Invalid request field(s): $.{path}"}
    assert batch.json() == {"ErrorCode": 403, "Message": f"Invalid request field(s): $[1].{path}"}
    assert (single.status_code, batch.status_code) == (422, 422)
    assert sandbox.messages().empty


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'{"a":NaN}', b'"\\ud800"', b"[" * 100_000, b"\xef\xbb\xbf", b"[1e,]"],
)
def test_what_is_not_json_is_refused(body):
    """This includes NaN, half a surrogate pair, another encoding and deep nesting."""
    with pytest.raises(CheckFailed) as caught:
        parse(body)
    assert caught.value.error_code == 402


@settings(deadline=None, max_examples=30)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_gets_a_reply(value):
    """Both endpoints reply 200 or 422, and accept nothing without a sender."""
    with LocalPostmark(in_process=True) as sandbox, client(sandbox) as http:
        for path in ("/email", "/email/batch"):
            assert http.post(path, content=json.dumps(value)).status_code in (200, 422)
        assert sandbox.messages().empty


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from(["From", "To", "Cc", "Subject", "TextBody", "Tag", "MessageStream"]),
        st.text(max_size=30),
    )
)
def test_a_batch_item_is_accepted_exactly_when_the_single_message_is(fields):
    """Both endpoints check a message in the same way; only the text of 406 differs."""
    with LocalPostmark(in_process=True) as sandbox:
        single = post(sandbox, mail(**fields)).json()
        item = post(sandbox, [mail(**fields)]).json()[0]
        assert (single["ErrorCode"], single["Message"]) == (item["ErrorCode"], item["Message"])
        assert len(sandbox.messages()) == 2 * (item["ErrorCode"] == 0)


def test_a_refused_item_has_only_a_code_and_a_text(sandbox):
    """This shape is documented; the other items are accepted."""
    items = post(sandbox, [mail(To="a@example.com"), mail(To="b"), mail(To="c@example.com")]).json()
    assert set(items[1]) == {"ErrorCode", "Message"}
    assert [item.get("To") for item in items] == ["a@example.com", None, "c@example.com"]
    assert sandbox.messages()["To"].tolist() == ["a@example.com", "c@example.com"]


def test_the_reply_has_to_as_it_was_written(sandbox):
    """Names, several addresses and case are kept."""
    to = '"Smith, Ann" <Ann@Example.com>, bob@example.com'
    assert post(sandbox, mail(To=to)).json()["To"] == to


# Each fault stands before all that follow; a message with all of them shows the first.
IN_ORDER = [
    ("MessageStream", "nowhere", 1235, "nowhere"),
    ("From", "abc", 300, "Error parsing 'From'"),
    ("Cc", "x@localhost", 300, "Invalid 'Cc'"),
    ("To", None, 300, "Zero recipients"),
    ("Bcc", ", ".join(f"p{i}@example.com" for i in range(51)), 300, "at most 50"),
    ("TextBody", None, 300, "Provide either"),
    ("Subject", "x" * 2001, 300, "'Subject'"),
    ("Metadata", {"k": "v" * 81}, 300, "metadata"),
    ("Headers", [{"Name": "To", "Value": "x"}], 300, "Header 'To'"),
    ("Attachments", [FILE | {"Name": "a.exe"}], 411, "file type"),
]


@pytest.mark.parametrize("first", range(len(IN_ORDER)))
def test_the_first_error_in_postmarks_order_is_reported(first):
    """The order is stream, From, recipients, count, body, lengths, …, the account."""
    fields = {field: value for field, value, _, _ in reversed(IN_ORDER[first:])}
    if IN_ORDER[first][0] == "To":
        del fields["Bcc"]  # with it there would be recipients
    with LocalPostmark(
        in_process=True, senders=[], approval="refused", suppressions=["ann@example.com"]
    ) as sandbox:
        status, code, text = refusal(sandbox, **fields)
    assert (status, code) == (422, IN_ORDER[first][2])
    assert IN_ORDER[first][3] in text


def test_the_account_is_checked_after_the_message_and_the_suppressions_last():
    """The order is 400, then 412 or 413, then 406."""
    options = {"in_process": True, "suppressions": ["ann@example.com"]}
    with LocalPostmark(senders=["example.org"], approval="refused", **options) as sandbox:
        assert refusal(sandbox)[1] == 400
        assert refusal(sandbox, From="a@example.org")[1] == 413
    with LocalPostmark(approval="pending", **options) as sandbox:
        assert refusal(sandbox, Cc="b@example.org")[1] == 412
        assert refusal(sandbox)[1] == 406


def test_the_request_is_checked_before_its_messages():
    """The order is 404, 405, 401, 415, 413, 402, 403, 410."""
    large = b"{" + b" " * 50 * 2**20
    right = {**HEADERS, "X-Postmark-Server-Token": "right"}
    wrong = {"X-Postmark-Server-Token": "wrong", "Accept": "text/html"}
    many = json.dumps([mail()] * 500 + [7]).encode()
    with LocalPostmark(in_process=True, tokens=["right"]) as sandbox, client(sandbox) as http:
        http.headers.clear()
        for method, path, headers, content, status in [
            ("POST", "/nowhere", wrong, large, 404),
            ("PUT", "/email", wrong, large, 405),
            ("POST", "/email/batch", wrong, large, 401),
            ("POST", "/email/batch", right | {"Accept": "text/html"}, large, 415),
            ("POST", "/email/batch", right | {"Content-Type": "text/plain"}, large, 415),
            ("POST", "/email/batch", right, large, 413),
            ("POST", "/email/batch", right, b"{", 422),
            ("POST", "/email/batch", right, many, 422),
        ]:
            response = http.request(method, path, headers=headers, content=content)
            assert response.status_code == status
            assert response.headers["X-PM-ApiErrorCode"] == str(response.json()["ErrorCode"])
        assert response.json()["ErrorCode"] == 403


@pytest.mark.parametrize(
    ("accept", "is_taken"),
    [
        ("application/json", True),
        ("APPLICATION/JSON; charset=utf-8", True),
        ("text/html, application/json;q=0.9", True),
        ("*/*", True),  # curl, wget, requests, fetch
        ("application/*", True),
        ("text/html, image/gif, *; q=.2, */*; q=.2", True),  # HttpURLConnection of Java
        ("text/html", False),
        ("*", False),
        ("", False),
        (None, False),  # urllib, net/http of Go
    ],
)
def test_accept_must_include_json(sandbox, accept, is_taken):
    """D: the header is needed; O: a range will do, as code without the exact name is in use."""
    with client(sandbox) as http:
        del http.headers["Accept"]
        response = http.post(
            "/email", json=mail(), headers={} if accept is None else {"Accept": accept}
        )
    assert response.status_code == (200 if is_taken else 415)


def test_a_request_of_exactly_the_limit_is_accepted(sandbox):
    """The limits are 10 MB for a message and 50 MB for a batch; a megabyte is 2**20 bytes."""
    with client(sandbox) as http:
        for path, value, limit in (
            ("/email", mail(), 10 * 2**20),
            ("/email/batch", [mail()], 50 * 2**20),
        ):
            body = json.dumps(value).encode()
            assert http.post(path, content=body + b" " * (limit - len(body))).status_code == 200
            assert http.post(path, content=body + b" " * (limit - len(body) + 1)).status_code == 413


def test_a_message_over_10_mb_in_a_batch_is_refused_alone(sandbox):
    """The other messages are accepted; the limit is for one message, and has two texts."""
    files = [[FILE | {"Content": "aaaa" * (2_621_440 + over)}] for over in (-100, -1, 0)]
    items = post(sandbox, [mail(), *(mail(Attachments=file) for file in files)]).json()
    assert [item["ErrorCode"] for item in items] == [0, 0, 300, 300]
    assert [item["Message"] for item in items[2:]] == [
        "The message is larger than the 10 MB that one message may have.",
        "Attachments too big. The total size should be less than 10485760 bytes.",  # O 2022
    ]


@pytest.mark.parametrize("count", [499, 500, 501])
def test_a_batch_can_have_500_messages(sandbox, count):
    """With 501 the whole request is refused."""
    response = post(sandbox, [mail()] * count)
    assert (response.status_code, len(sandbox.messages())) == (
        (200, count) if count <= 500 else (422, 0)
    )


def test_paths_and_token_headers_ignore_case():
    """Postmark documents it for header names and tokens; SDKs show it for paths."""
    with LocalPostmark(in_process=True, tokens=["Right"]) as sandbox, client(sandbox) as http:
        http.headers["x-POSTMARK-server-token"] = "rIGHT"
        assert http.post("/Email/BATCH", json=[mail()]).status_code == 200


@pytest.mark.parametrize("header", ["X-Postmark-Account-Token", "X-Postmark-Server-Token"])
def test_an_account_token_or_an_empty_one_is_not_a_server_token(sandbox, header):
    """The code is 10 with the short text, since there is a token."""
    with client(sandbox) as http:
        del http.headers["X-Postmark-Server-Token"]
        response = http.post(
            "/email", json=mail(), headers={header: "" if "Server" in header else "abc"}
        )
    assert (response.status_code, response.json()["ErrorCode"]) == (401, 10)
    assert response.json()["Message"] == "Request does not contain a valid Server token."


def test_the_test_token_validates_and_stores_nothing():
    """It has no senders or suppressions, and is valid for every sandbox."""
    options = {
        "tokens": ["right"],
        "senders": [],
        "suppressions": ["ann@example.com"],
        "approval": "refused",
    }
    with LocalPostmark(in_process=True, **options) as sandbox:
        headers = {"X-Postmark-Server-Token": "postmark_api_test"}
        single = post(sandbox, mail(), headers=headers)
        items = post(sandbox, [mail(), mail(To="abc")], headers=headers).json()
    assert (single.json()["ErrorCode"], single.json()["Message"]) == (0, "Test job accepted")
    assert [item["ErrorCode"] for item in items] == [0, 300]
    assert sandbox.messages().empty
    assert sandbox.requests()["accepted"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("sender", "code"),
    [
        ("hello@example.com", 0),
        ("Hello <HELLO@Example.com>", 0),
        ("any@example.org", 0),
        ("other@example.com", 400),
        ("any@sub.example.org", 400),
    ],
)
def test_a_sender_is_confirmed_by_its_address_or_its_domain(sender, code):
    """The case is ignored; a domain does not include its subdomains."""
    with LocalPostmark(in_process=True, senders=["hello@example.com", "EXAMPLE.org"]) as sandbox:
        assert post(sandbox, mail(From=sender)).json()["ErrorCode"] == code


def test_a_pending_account_can_send_to_postmarks_test_domains():
    """So a success there proves nothing about other addresses."""
    with LocalPostmark(in_process=True, approval="pending") as sandbox:
        assert accepted(sandbox, To="test@blackhole.postmarkapp.com")
        assert accepted(sandbox, To="bob@EXAMPLE.com")
        assert not accepted(sandbox, To="bob@example.com, ann@example.net")


def test_suppressions_are_per_stream_and_ignore_case(sandbox):
    """An address that is inactive on one stream is active on another."""
    sandbox.suppress("Ann@Example.com", stream="broadcast", reason="SpamComplaint")
    assert accepted(sandbox, To="ann@example.com")
    status, code, text = refusal(sandbox, To="Ann <ANN@example.COM>", MessageStream="broadcast")
    assert (status, code) == (422, 406)
    assert "Found inactive addresses: ann@example.com. Inactive" in text


def test_a_message_with_one_active_recipient_is_accepted_and_lists_the_others(sandbox):
    """It has code 0 and a MessageID, and the inactive addresses in lower case."""
    sandbox.suppress("b@example.com")
    body = post(sandbox, mail(To="a@example.com", Cc="B@example.com, b@EXAMPLE.com")).json()
    assert (body["ErrorCode"], len(sandbox.messages())) == (0, 1)
    assert body["Message"].endswith("to these inactive addresses: b@example.com")


def test_a_hard_bounce_makes_the_next_message_inactive(sandbox):
    """The test address is accepted once, and then suppressed on that stream."""
    to = "Hard_Bounce@bounce-testing.postmarkapp.com"
    assert accepted(sandbox, To=to)
    assert refusal(sandbox, To=to)[1] == 406
    assert accepted(sandbox, To=to, MessageStream="broadcast")
    assert sandbox.bounces()[["Type", "Email", "MessageStream"]].to_numpy().tolist() == [
        ["HardBounce", to.lower(), "outbound"],
        ["HardBounce", to.lower(), "broadcast"],
    ]
    assert sandbox.suppressions("outbound")["SuppressionReason"].tolist() == ["HardBounce"]


def test_other_bounces_suppress_no_address(sandbox):
    """The type is the local part or in the header; an unknown type is a hard bounce."""
    domain = "bounce-testing.postmarkapp.com"
    post(sandbox, mail(To=f"softbounce@{domain}"))
    post(
        sandbox,
        mail(To=f"some@{domain}", Headers=[{"Name": "x-pm-bounce-type", "Value": "DnsError"}]),
    )
    assert sandbox.suppressions().empty
    post(sandbox, mail(To=f"some@{domain}"))
    assert sandbox.bounces()["Type"].tolist() == ["SoftBounce", "DnsError", "HardBounce"]
    assert sandbox.suppressions()["EmailAddress"].tolist() == [f"some@{domain}"]


def test_a_broadcast_gets_its_unsubscribe_link_and_the_posted_message_stays(sandbox):
    """The placeholder becomes a link, or a footer is added; both headers are added."""
    html = '<body><a href="{{{ pm:unsubscribe }}}">Leave</a></body>'
    post(sandbox, mail(MessageStream="broadcast", HtmlBody=html, TextBody="Hi"))
    posted, delivered = sandbox.messages().iloc[0], sandbox.delivered().iloc[0]
    url = unsubscribe_url(sandbox, posted["MessageID"])
    assert (posted["HtmlBody"], posted["TextBody"], posted["Headers"]) == (html, "Hi", [])
    assert delivered["HtmlBody"] == f'<body><a href="{url}">Leave</a></body>'
    assert delivered["TextBody"] == f"Hi\n\nUnsubscribe: {url}\n"
    assert [header["Name"] for header in delivered["Headers"]] == [
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    ]


def test_a_placeholder_outside_a_link_becomes_a_link_with_postmarks_text(sandbox):
    """This includes a transactional stream, which gets no footer and no header."""
    post(
        sandbox,
        mail(HtmlBody="<p>{{{pm:unsubscribe}}}</p>", TextBody="Leave: {{{ pm:unsubscribe }}}"),
    )
    post(sandbox, mail(HtmlBody="<p>Hi</p>"))
    delivered = sandbox.delivered()
    url = unsubscribe_url(sandbox, delivered["MessageID"][0])
    assert delivered["HtmlBody"].tolist() == [
        f'<p><a href="{url}">Unsubscribe</a></p>',
        "<p>Hi</p>",
    ]
    assert delivered["TextBody"].tolist() == [f"Leave: {url}", "Hi Ann"]
    assert delivered["Headers"].tolist() == [[], []]


def test_a_footer_is_before_the_end_of_the_body(sandbox):
    """Without </body> it is at the end."""
    post(sandbox, mail(MessageStream="broadcast", HtmlBody="<html><body>Hi</BODY></html>"))
    assert sandbox.delivered()["HtmlBody"][0].endswith(">Unsubscribe</a></p></BODY></html>")
