"""The search of the inbox: its language, and what it finds."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.state.messages import message_list
from mailframe.sandbox.state.messages.inbox_query import (
    MAX_TERMS,
    QueryError,
    Term,
    parse,
    term_text,
)
from tests.sandbox.sandbox_mail import client, mail, post

_TEXTS = st.text(min_size=1, max_size=40) | st.text('"\\: -*a', min_size=1, max_size=12)
HARD = '-"a b"\\:c*\\'


@pytest.fixture(scope="module")
def sandbox():
    """Six messages that differ in every field."""
    with LocalPostmark(in_process=True) as filled:
        pdf = {"Name": "a.pdf", "ContentType": "application/pdf", "Content": "aGk="}
        post(
            filled,
            [
                mail(To="Ann Lee <ann@example.com>", Subject="Welcome aboard", Tag="welcome"),
                mail(To="bea@example.com", Subject="Größe 42", Tag="Wel come", Cc="ann@x.example"),
                mail(To="cy@example.com", Subject="Invoice", Metadata={"batch": "7", "x.y": "z"}),
                mail(
                    To="di@example.com", Subject="b", MessageStream="broadcast", Bcc="q@q.example"
                ),
                mail(To="ed@example.com", Subject="100%_off", TextBody="Needle in Text"),
                mail(
                    To="hardbounce@bounce-testing.postmarkapp.com",
                    Subject="f",
                    Attachments=[pdf],
                    From="shop@example.org",
                ),
            ],
        )
        yield filled


def found(sandbox, query):
    """The place of each match, the oldest first."""
    with client(sandbox) as http:
        answer = http.get("/_sandbox/messages", params={"q": query, "count": 500})
        assert answer.status_code == 200, answer.text
        ids = [row["MessageID"] for row in http.get("/_sandbox/messages").json()["Messages"]]
        matches = [row["MessageID"] for row in answer.json()["Messages"]]
    return sorted(len(ids) - ids.index(match) for match in matches)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", [1, 2, 3, 4, 5, 6]),
        ("  ", [1, 2, 3, 4, 5, 6]),
        ("ann", [1, 2]),
        ("ANN lee", [1]),
        ('"Ann Lee"', [1]),
        ('"lee ann"', []),
        ("to:ann", [1]),
        ("cc:ann", [2]),
        ("bcc:q", [4]),
        ("from:shop", [6]),
        ("-from:shop", [1, 2, 3, 4, 5]),
        ("subject:welcome", [1]),
        ("GRÖSSE", [2]),
        ("größe", [2]),
        ("100%_off", [5]),
        ("%", [5]),
        ("tag:welcome", [1]),
        ("tag:wel*", [1, 2]),
        ('tag:"wel come"', [2]),
        ("tag:wel", []),
        ("stream:broadcast", [4]),
        ("stream:OUTBOUND", [1, 2, 3, 5, 6]),
        ("metadata.batch:7", [3]),
        ("metadata.BATCH:7", [3]),
        ("metadata.batch:", [3]),
        ("-metadata.batch:", [1, 2, 4, 5, 6]),
        ("metadata.batch:8", []),
        ('metadata."x.y":z', [3]),
        ("has:attachment", [6]),
        ("status:bounced", [6]),
        ("status:delivered", [1, 2, 3, 4, 5]),
        ("is:unread", [1, 2, 3, 4, 5, 6]),
        ("is:read", []),
        ("body:needle", [5]),
        ("needle", []),
        ("request:1", [1, 2, 3, 4, 5, 6]),
        ("request:2", []),
        ("request:x", []),
        ("after:2026-01-01 before:2099-01-01", [1, 2, 3, 4, 5, 6]),
        ("after:2099-02-31", []),
        ("to:ann tag:welcome -subject:goodbye", [1]),
        ("http://nothing", []),
        ("unknown:ann", []),
        ("tag:", [1, 2, 3, 4, 5, 6]),
        ("-", [1, 2, 3, 4, 5, 6]),
        ('""', [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_search_finds_what_its_terms_say(sandbox, query, places):
    """All terms must hold; a word may stand in an address, the subject or the tag."""
    assert found(sandbox, query) == places


def test_a_message_is_found_by_its_id(sandbox):
    """As a word, ignoring case, and by its start with ``id:``."""
    with client(sandbox) as http:
        message_id = http.get("/_sandbox/messages", params={"q": "to:cy"}).json()["Messages"][0][
            "MessageID"
        ]
    assert found(sandbox, message_id.upper()) == [3]
    assert found(sandbox, f"id:{message_id[:13]}") == [3]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("is:nice", "is: takes read or unread; found 'nice'"),
        ("has:love", "has: takes attachment; found 'love'"),
        ("status:lost", "status: takes queued, sent, delivered, opened, clicked, bounced,"),
        ("before:yesterday", "before: takes a date such as 2026-11-27; found 'yesterday'"),
        ("after:2026-13-01", "after: takes a date"),
        ("a " * (MAX_TERMS + 1), f"a search has at most {MAX_TERMS} terms"),
        ("a" * 2_501, "a search has at most 2500 characters"),
        ('"', 'a quote has no end; write "two words", and \\" for a quotation mark in quotes'),
        ('tag:"', "a quote has no end"),
        ('"two words\\"', "a quote has no end"),
        ('metadata."a:b', "a quote has no end"),
        ('to:ann "two words', "a quote has no end"),
        ('subject:"two words', "a quote has no end"),
        ('"two" words"', "a quote has no end"),
    ],
)
def test_a_search_that_is_not_possible_says_why(sandbox, query, text):
    """On the page, and as 422 over HTTP."""
    with pytest.raises(QueryError, match=r"takes|at most|no end"):
        parse(query)
    with client(sandbox) as http:
        answer = http.get("/_sandbox/messages", params={"q": query})
        assert answer.status_code == 422
        assert text in answer.json()["Message"]
        page = http.get("/", params={"q": query})
    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert 'data-action="help">Search help' in page.text
    assert "No message matches" not in page.text


@given(field=st.sampled_from(["tag", "to", "subject"]), value=_TEXTS, key=_TEXTS)
@example(field="tag", value=HARD, key=HARD)
@example(field="tag", value="a" * 1_000, key="k")
def test_a_term_is_read_as_it_was_written(field, value, key):
    """What a link of the page searches for: quotes, backslashes, colons, spaces, any character."""
    assert parse(f"x {term_text(field, value)} y") == (
        Term("", "x"),
        Term(field, value),
        Term("", "y"),
    )
    assert parse(term_text(f"metadata.{key}", value)) == (Term("metadata", value, key),)


def test_the_links_of_a_message_find_it():
    """Its tag and its metadata, with quotation marks, backslashes, colons and spaces in them."""
    with LocalPostmark(in_process=True) as sandbox, client(sandbox) as http:
        metadata = {'k"\\: k': 'v"\\ v', "empty": ""}
        ids = [
            post(sandbox, mail(Tag=tag, Metadata=metadata)).json()["MessageID"]
            for tag in (HARD, "b" * 1_000)
        ]
        for message_id, count in zip(ids, (1, 1), strict=True):
            page = http.get(f"/inbox/{message_id}").text
            links = re.findall(r'class="look-up" href="(/\?q=(?:tag|metadata)[^"]*)"', page)
            assert len(links) == 3
            for link in map(html.unescape, links):
                assert message_id in http.get(link).text, link
            assert sum(one in http.get(html.unescape(links[-1])).text for one in ids) == count


@pytest.mark.parametrize("sends", [0, 2])
def test_a_request_is_found_by_its_number_in_all_starts_of_a_file(tmp_path, sends):
    """Numbers go on after a restart, also without a record; the faults count from 1 again."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path) as sandbox:
        for number in range(sends):
            post(sandbox, mail(Subject=f"old {number}"))
        sandbox._store.database.run("delete from requests")
    with LocalPostmark(in_process=True, db=path) as sandbox, client(sandbox) as http:
        sandbox.fault("http_500_lost", request=2)
        answers = [post(sandbox, mail(Subject=f"new {number}")).status_code for number in range(3)]
        assert answers == [200, 500, 200]
        numbers = range(sends + 1, sends + 4)
        assert sandbox.requests()["number"].dropna().tolist() == list(numbers)
        for number, subject in zip(numbers, (["new 0"], [], ["new 2"]), strict=True):
            rows = http.get("/_sandbox/messages", params={"q": f"request:{number}"}).json()
            assert [row["Subject"] for row in rows["Messages"]] == subject
        sandbox.clear()
        post(sandbox, mail())
        assert sandbox.requests()["number"].tolist() == [1]


@pytest.mark.parametrize(
    ("query", "is_hinted"),
    [
        ("tga:welcome", True),
        ("ann metadat.k:v", True),
        ("https://nowhere.example", False),
        ("tag:nowhere", False),
        ("10:30", False),
        ('"tga: welcome"', False),
    ],
)
def test_a_search_without_a_match_names_what_is_no_field(sandbox, query, is_hinted):
    """It is searched for as text; the page lists the fields."""
    with client(sandbox) as http:
        page = http.get("/", params={"q": query}).text
    assert "No message matches" in page
    assert "metadata.key:" in page
    assert ("is not a field" in page) == is_hinted


def test_the_pages_of_a_search_show_every_match_once(monkeypatch):
    """Also if it ends before it has read all messages: the next page goes on from there."""
    monkeypatch.setattr(message_list, "MOST_READ", 70)
    monkeypatch.setattr(message_list, "_WINDOW", 30)
    with LocalPostmark(in_process=True) as sandbox, client(sandbox) as http:
        for start in range(0, 300, 100):
            post(
                sandbox,
                [
                    mail(Subject=f"s{number}", Tag="rare" if number % 90 == 5 else "common")
                    for number in range(start, start + 100)
                ],
            )
        subjects, before = [], ""
        while before is not None:
            page = http.get("/_sandbox/messages", params={"q": "tag:rare", "before": before}).json()
            subjects += [row["Subject"] for row in page["Messages"]]
            before = page["Older"]
        assert subjects == ["s275", "s185", "s95", "s5"]
        message_id = http.get("/_sandbox/messages", params={"q": "subject:s185"}).json()
        assert message_id["Messages"] == []
