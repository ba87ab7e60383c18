"""``/email/bulk`` answers as Postmark documents it.

The marks of sources are those of ``test_sandbox_templates.py``.
"""

from __future__ import annotations

import re

import pytest

from mailframe.sandbox.checks import texts
from tests.sandbox.template_calls import STANDARD, calls

BULK = "/email/bulk"
REQUEST = {
    "From": "sender@example.com",
    "Subject": "Hello {{FirstName}}",
    "HtmlBody": "<p>Hi {{FirstName}}</p>",
    "TextBody": "Hi {{FirstName}}",
    "MessageStream": "broadcast",
}
MESSAGES = [
    {"To": "a@example.com", "TemplateModel": {"FirstName": "Ann"}},
    {"To": "b@example.com", "Cc": "c@example.com"},
]
NO_CONTENTS = dict.fromkeys(("Subject", "HtmlBody", "TextBody"))
BAD_PATH = "The path 'x y' is not valid. Please see documentation for examples of valid paths."
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def bulk(**fields):
    """A bulk request, changed by *fields*; None removes a field."""
    request = REQUEST | {"Messages": MESSAGES} | fields
    return {name: value for name, value in request.items() if value is not None}


def test_a_bulk_request_is_accepted_and_then_completed():
    """D: the keys and types of its status; that it completes at once is A."""
    with calls() as call:
        status, accepted = call("POST", BULK, bulk())
        assert status == 200
        assert UUID.fullmatch(accepted["Id"])
        expected = {
            "Id": accepted["Id"],
            "SubmittedAt": accepted["SubmittedAt"],
            "Status": "Accepted",
            "TotalMessages": 2,
            "PercentageCompleted": 0.0,
            "ReleasedCount": 0,
            "FailedCount": 0,
            "Subject": "Hello {{FirstName}}",
        }
        assert accepted == expected
        done = {"Status": "Completed", "PercentageCompleted": 100.0, "ReleasedCount": 2}
        for identifier in (accepted["Id"], accepted["Id"].upper() + "/"):
            assert call("GET", f"{BULK}/{identifier}") == (200, expected | done)
        messages = call.sandbox.messages()
        assert messages["Subject"].tolist() == ["Hello Ann", "Hello "]
        assert messages["HtmlBody"].tolist() == ["<p>Hi Ann</p>", "<p>Hi </p>"]
        assert messages["Cc"].tolist()[1] == "c@example.com"
        assert messages["MessageStream"].tolist() == ["broadcast"] * 2
        assert (
            len(
                call("GET", "/messages/outbound?count=9&offset=0&messagestream=broadcast")[1][
                    "Messages"
                ]
            )
            == 2
        )


def test_messages_that_fail_do_not_refuse_the_request():
    """D: suppressed recipients and failed renderings are counted later."""
    with calls(suppressions=["gone@example.com"]) as call:
        messages = [
            {"To": "gone@example.com"},
            {"To": "a@example.com", "TemplateModel": {"xs": 5}},
            {"To": "b@example.com, gone@example.com", "TemplateModel": {"xs": [1]}},
        ]
        body = bulk(TextBody="{{#each xs}}{{.}}{{/each}}!", Messages=messages)
        identifier = call("POST", BULK, body)[1]["Id"]
        status = call("GET", f"{BULK}/{identifier}")[1]
        assert (status["TotalMessages"], status["ReleasedCount"], status["FailedCount"]) == (
            3,
            1,
            2,
        )
        assert call.sandbox.messages()["TextBody"].tolist() == ["1!"]


def test_a_bulk_request_can_name_a_template():
    """D: by ID or alias; it then has no subject of its own."""
    with calls() as call:
        number = call.create(Alias="welcome")["TemplateId"]
        model = [{"To": "a@example.com", "TemplateModel": {"name": "Ann"}}]
        for named in ({"TemplateId": number}, {"TemplateAlias": "welcome"}):
            status, answer = call("POST", BULK, bulk(Messages=model, **NO_CONTENTS, **named))
            assert (status, "Subject" in answer) == (200, False)
        assert call.sandbox.messages()["Subject"].tolist() == ["Hi Ann"] * 2
        kept = call.sandbox._store.messages.at([1], with_content=True)[0]
        assert kept.template["TemplateId"] == number
        assert kept.template["TemplateModel"] == {"name": "Ann"}


def test_metadata_and_headers_of_a_message_win():
    """D; they are joined by name, ignoring case (A)."""
    own = {
        "To": "a@example.com",
        "Metadata": {"A": "own"},
        "Headers": [{"Name": "x-one", "Value": "own"}],
    }
    shared = {
        "Metadata": {"a": "shared", "b": 2},
        "Headers": [{"Name": "X-One", "Value": "shared"}, {"Name": "X-Two", "Value": "shared"}],
        "Tag": "news",
        "ReplyTo": "reply@example.com",
        "Attachments": [{"Name": "a.txt", "Content": "aGk=", "ContentType": "text/plain"}],
    }
    with calls() as call:
        call("POST", BULK, bulk(**shared, Messages=[own, {"To": "b@example.com"}]))
        first, second = call.sandbox.messages().to_dict("records")
        assert first["Metadata"] == {"b": "2", "A": "own"}
        assert second["Metadata"] == {"a": "shared", "b": "2"}
        values = [(one["Name"], one["Value"]) for one in first["Headers"]]
        assert values == [("X-Two", "shared"), ("x-one", "own")]
        for row in (first, second):
            assert (row["Tag"], row["ReplyTo"], row["Attachments"]) == (
                "news",
                "reply@example.com",
                ["a.txt"],
            )


def test_several_errors_are_answered_together():
    """D: code 11, with each error once in the list of its field."""
    with calls() as call:
        messages = [{"To": "test"}, {"To": "test"}, {"To": "x@+"}, {"To": "ok@example.com"}]
        status, answer = call("POST", BULK, bulk(From="test", Messages=messages))
        assert status == 422
        assert answer == {
            "ErrorCode": 11,
            "Message": texts.MANY_ERRORS,
            "Errors": {
                "From": [{"ErrorCode": 300, "Message": "Invalid 'From' address: 'test'."}],
                "To": [
                    {"ErrorCode": 300, "Message": "Invalid 'To' address: 'test'."},
                    {
                        "ErrorCode": 300,
                        "Message": "Error parsing 'To': Illegal email domain '+' in address 'x@+'.",
                    },
                ],
            },
        }
        assert call("GET", BULK) == (200, {"Requests": []})
        assert not len(call.sandbox.messages())


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"From": "test"}, (300, "Invalid 'From' address: 'test'.")),  # D
        ({"Messages": [{"To": "test"}]}, (300, "Invalid 'To' address: 'test'.")),  # D
        ({"Messages": [{}]}, (300, "Zero recipients specified")),
        ({"Messages": []}, (300, "Zero recipients specified")),
        ({"Messages": None}, (403, "Invalid request field(s): $.Messages")),
        ({"Messages": [5]}, (403, "Invalid request field(s): $.Messages[0]")),
        (
            {"Messages": [MESSAGES[0], {"To": "a@example.com", "TemplateModel": []}]},
            (403, "Invalid request field(s): $.Messages[1].TemplateModel"),
        ),
        (
            {"HtmlBody": "", "TextBody": None},
            (300, "Provide either email TextBody or HtmlBody or both."),
        ),
        (
            {"TextBody": "{{x y}}"},
            (1122, f"The 'TextBody' is not valid: line 1, character 1: {BAD_PATH}"),
        ),
        ({"MessageStream": "none"}, (1226, texts.NO_SUCH_STREAM)),  # D
        ({"MessageStream": "outbound"}, (1236, None)),
        ({"MessageStream": "inbound"}, (1236, None)),
        ({"TemplateId": 7}, (1123, None)),
        (NO_CONTENTS | {"TemplateAlias": "none"}, (1101, None)),
        ({"Metadata": {"k" * 21: "v"}}, (300, None)),
        ({"From": 5}, (403, "Invalid request field(s): $.From")),
    ],
)  # fmt: skip
def test_one_error_has_its_own_code(fields, refusal):
    """D for the rule; nothing is accepted."""
    with calls() as call:
        code, text = call.refusal("POST", BULK, bulk(**fields))
        assert (code, refusal[1] and text) == refusal
        assert not len(call.sandbox.messages())


def test_a_bulk_request_is_an_object():
    """403 for anything else."""
    with calls() as call:
        for body in ([], "x", 7):
            assert call.refusal("POST", BULK, body) == (403, "Invalid request field(s): $")


def test_without_a_stream_the_broadcast_stream_is_used():
    """D: the default broadcast stream of the server; 1226 if it has none (A)."""
    with calls(streams={"outbound": "transactional", "news": "broadcast"}) as call:
        assert call("POST", BULK, bulk(MessageStream=None))[0] == 200
        assert call.sandbox.messages()["MessageStream"].tolist() == ["news"] * 2
    with calls(streams={"outbound": "transactional"}) as call:
        assert call.refusal("POST", BULK, bulk(MessageStream=None))[0] == 1226


def test_the_list_is_paged_by_a_key():
    """D: the newest first, and no key on the last page."""
    with calls() as call:
        ids = [call("POST", BULK, bulk())[1]["Id"] for _ in range(5)][::-1]
        pages, key = [], ""
        for _ in range(3):
            answer = call("GET", f"{BULK}?count=2&paginationKey={key}")[1]
            pages.append([one["Id"] for one in answer["Requests"]])
            key = answer.get("PaginationKey", "")
        assert (pages, key) == ([ids[:2], ids[2:4], ids[4:]], "")
        assert [one["Id"] for one in call("GET", BULK)[1]["Requests"]] == ids


@pytest.mark.parametrize("key", ["x", "x{key}", "{key}=", "MS94", "é", "%00"])
def test_an_altered_key_is_13(key):
    """D for the code; a key of another server is altered too."""
    with calls(tokens=["a"], servers={"other": "b"}) as call:
        for _ in range(2):
            call("POST", BULK, bulk())
        right = call("GET", f"{BULK}?count=1")[1]["PaginationKey"]
        refused = (13, "Invalid pagination key.")
        assert call.refusal("GET", f"{BULK}?paginationKey={key.format(key=right)}") == refused
        other = {"X-Postmark-Server-Token": "b"}
        assert call.refusal("GET", f"{BULK}?paginationKey={right}", **other) == refused


@pytest.mark.parametrize("count", ["0", "501", "-1", "x"])
def test_a_wrong_count_is_403(count):
    """A."""
    with calls() as call:
        assert call.refusal("GET", f"{BULK}?count={count}")[0] == 403


def test_an_unknown_request_is_404():
    """D: code 12, also for a request of another server."""
    with calls(tokens=["a"], servers={"other": "b"}) as call:
        identifier = call("POST", BULK, bulk())[1]["Id"]
        for path, token in ((f"{BULK}/{identifier}", "b"), (f"{BULK}/none", "a")):
            status, answer = call("GET", path, **{"X-Postmark-Server-Token": token})
            assert (status, answer["ErrorCode"]) == (404, 12)


@pytest.mark.parametrize(("method", "path"), [("POST", BULK), ("GET", BULK), ("GET", f"{BULK}/x")])
def test_an_account_without_the_bulk_api_answers_14(method, path):
    """D: every call, until support enables it."""
    with calls(bulk=False) as call:
        assert call.refusal(method, path, bulk())[0] == 14


def test_a_fault_loses_the_request_and_its_messages():
    """One that accepts half of the messages keeps the request, with what was accepted."""
    with calls(faults=["close_lost", "part_accepted"]) as call:
        for kept in (0, 1):
            with pytest.raises(Exception, match=r"."):
                call("POST", BULK, bulk())
            assert len(call("GET", BULK)[1]["Requests"]) == len(call.sandbox.messages()) == kept
        assert call("GET", BULK)[1]["Requests"][0]["FailedCount"] == 1


def test_large_shared_attachments_are_checked_once():
    """10 MB in a request are no 10 MB in each message; the bytes are kept once."""
    file = {"Name": "a.dat", "Content": "QUJD" * 2_499_000, "ContentType": "application/x-bin"}
    messages = [
        {"To": f"p{number}@example.com", "Metadata": {"x": "y" * 80}} for number in range(100)
    ]
    with calls() as call:
        body = bulk(Attachments=[file], Messages=messages)
        status, answer = call("POST", BULK, body)
        assert status == 200, answer
        assert len(call.sandbox.messages()) == 100


def test_the_test_token_keeps_no_request():
    """A: it answers as for an account, and nothing can be asked for later."""
    with calls() as call:
        call.create(STANDARD)
        test = {"X-Postmark-Server-Token": "POSTMARK_API_TEST"}
        assert call("POST", BULK, bulk(), **test)[1]["Status"] == "Accepted"
        assert call("GET", BULK)[1]["Requests"] == []
