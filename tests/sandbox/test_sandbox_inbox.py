"""The inbox: its list, the page of each message, and their protection from hostile mails."""

from __future__ import annotations

import base64
import html
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from markupsafe import escape

from mailframe.pages.card import LARGE_HTML
from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.inbox.page import MAX_SHOWN, address_of, view_of
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import accept, get, unsubscribe_url

GIF = "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
EVIL = (
    "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)></details></pre></iframe><a "
    "href=javascript:alert(1)>"
)
OURS = set(
    """
    html head meta title style body header h1 h2 a p b main nav span ol li time bdi div table
    tbody tr
    th td ul details summary pre iframe
    """.split()  # noqa: SIM905 - a list of one word a line hides what it says
)


class Tags(HTMLParser):
    """The start tags of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Note one."""
        self.found.append((tag, dict(attrs)))

    def of(self, name):
        """The attributes of each tag of that name."""
        return [attributes for tag, attributes in self.found if tag == name]


def page_of(sandbox, message_id, query=""):
    """The page of one message."""
    answer = get(sandbox, f"/inbox/{message_id}{query}")
    assert answer.status_code == 200
    return answer.text


def show(sandbox, query="", **fields):
    """Post one message and open its page."""
    answer = post(sandbox, mail(**fields))
    assert answer.status_code == 200, answer.text
    return page_of(sandbox, answer.json()["MessageID"], query)


def mail_in(page):
    """The document in the inner frame: what a reader sees of the HTML part."""
    (outer,) = Tags(page).of("iframe")
    (inner,) = Tags(outer["srcdoc"]).of("iframe")
    assert outer["sandbox"] == inner["sandbox"] == ""
    return unquote(inner["src"].partition(",")[2]) if "src" in inner else inner["srcdoc"]


def subjects(page):
    """Those of a list, in its order."""
    return [
        html.unescape(subject) for subject in re.findall(r'class="subject"><bdi>(.*?)</bdi>', page)
    ]


def links(page):
    """Text and address of every link outside of the list."""
    return dict(
        reversed(pair)
        for pair in re.findall(r'<a(?: class="end")? href="([^"]*)"[^>]*>([^<]+)</a>', page)
    )


def test_an_empty_inbox_says_what_to_do(listening):
    """With the address that the browser requested, and without any chosen token."""
    page = get(listening, "/").text
    assert "Nothing has arrived yet" in page
    assert (
        f'campaign.send(mf.Postmark("sandbox-token", base_url="{listening.url}"))'
        in html.unescape(page)
    )
    with LocalPostmark(tokens=["my-own"]) as strict:
        assert "my-own" not in get(strict, "/").text


def test_the_list_has_the_newest_first(either):
    """Each line with address, subject, stream, tag, files and time, and a link to the message."""
    accept(either, "ann")
    pdf = {"Name": "a.pdf", "ContentType": "application/pdf", "Content": "aGk="}
    (message_id,) = accept(
        either,
        "bea",
        Subject="Bea's",
        Tag="renewal",
        MessageStream="broadcast",
        Attachments=[pdf, pdf],
    )
    page = get(either, "/").text
    assert subjects(page) == ["Bea's", "Hi"]
    line = re.search(r"<li>.*?</li>", page, re.DOTALL)[0]
    assert f'href="/inbox/{message_id}"' in line
    assert re.sub(r"<[^>]+>", "|", line).replace("|", " ").split() == [
        *("bea@example.com", "Bea&#39;s", re.search(r"<time>(\d\d:\d\d:\d\d)</time>", line)[1]),
        *("broadcast", "·", "renewal", "·", "2", "attachments"),
    ]
    assert f"<h2>{either.messages()['SubmittedAt'].iloc[1]:%Y-%m-%d}, UTC</h2>" in page


def test_a_message_for_cc_alone_and_without_a_subject_has_a_line(sandbox):
    """No part of a line is empty."""
    post(sandbox, mail(To=None, Cc="cc@example.com", Subject=None))
    page = get(sandbox, "/").text
    assert subjects(page) == ["(no subject)"]
    assert "cc@example.com" in page


@pytest.mark.parametrize("total", [MAX_SHOWN - 1, MAX_SHOWN, MAX_SHOWN + 1])
def test_a_page_of_the_list_holds_200(sandbox, total):
    """With one more, a second page has the rest."""
    accept(sandbox, *(f"p{number}" for number in range(total)))
    page = get(sandbox, "/").text
    assert len(subjects(page)) == min(total, MAX_SHOWN)
    assert ("Older →" in links(page)) == (total > MAX_SHOWN)
    assert (f"<p>{total} messages</p>" in page) == (total <= MAX_SHOWN)
    if total > MAX_SHOWN:
        assert "1 to 200 of 201 messages, newest first" in page


def test_the_pages_show_every_message_once(sandbox):
    """Older leads to the oldest, Newer back; a page stays the same when messages arrive."""
    for start in (0, 250):
        post(sandbox, [mail(Subject=f"s{number}") for number in range(start, start + 250)])
    seen, address, addresses = [], "/", []
    with client(sandbox) as http:
        while address:
            addresses.append(address)
            page = http.get(address).text
            seen += subjects(page)
            address = links(page).get("Older →")
        assert seen == [f"s{number}" for number in reversed(range(500))]
        assert links(page)["← Newer"] == addresses[-2]
        assert links(http.get(addresses[1]).text)["← Newer"] == "/"
        before = subjects(http.get(addresses[1]).text)
        http.post("/email", json=mail(Subject="new"))
        assert subjects(http.get(addresses[1]).text) == before


@pytest.mark.parametrize(
    "until", ["0", "-1", "999999", "9" * 5000, "1e3", "²", "", "<script>", "%00%ff"]
)
def test_a_page_that_is_none_is_the_first(sandbox, until):
    """Also a number with more digits than Python reads."""
    accept(sandbox, "ann")
    answer = get(sandbox, f"/?until={until}")
    assert answer.status_code == 200
    assert subjects(answer.text) == ["Hi"]


def test_a_message_has_a_page_of_its_own(either):
    """With its head, its metadata, its headers as delivered, its files and both of its parts."""
    page = show(
        either,
        Cc="Cy <cc@example.com>",
        ReplyTo="re@example.com",
        Tag="renewal",
        Metadata={"customer": 7},
        Headers=[{"Name": "X-Campaign", "Value": "autumn"}],
        MessageStream="broadcast",
        HtmlBody="<h1>Hello</h1>",
        Attachments=[
            {"Name": "a.pdf", "ContentType": "application/pdf", "Content": "aGk\r\ngeW91"}
        ],
    )
    row = either.messages().iloc[0]
    rows = re.findall(
        r"<tr><th[^>]*>(.*?)</th><td.*?><bdi>(.*?)</bdi>(?:</span>)?</td></tr>", page
    ) + re.findall(r"<span><b>(.*?)</b>\s*<bdi>(.*?)</bdi></span>", page)
    assert [(name, html.unescape(value)) for name, value in rows] == [
        ("Subject", "Hi"),
        ("From", "hello@example.com"),
        ("To", "ann@example.com"),
        ("Cc", "Cy <cc@example.com>"),
        ("Reply-To", "re@example.com"),
        ("Tag", "renewal"),
        ("Stream", "broadcast"),
        ("Submitted", rows[7][1]),
        ("MessageID", row["MessageID"]),
        ("Metadata", "customer: 7"),
        ("Header", "X-Campaign: autumn"),
        ("Header", f"List-Unsubscribe: <{unsubscribe_url(either, row['MessageID'])}>"),
        ("Header", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
    ]
    assert rows[7][1].startswith(f"{row['SubmittedAt']:%Y-%m-%dT%H:%M:%S}")
    assert "a.pdf</bdi>" in page
    assert "6 bytes" in page
    assert "<h1>Hello</h1>" in mail_in(page)
    assert unsubscribe_url(either, row["MessageID"]) in mail_in(page)
    assert "Hi Ann" in page


def test_newer_and_older_lead_from_message_to_message(sandbox):
    """The first one has no older, the last one no newer, and the view stays the same."""
    first, second, third = accept(sandbox, "ann", "bea", "cy")
    middle = links(page_of(sandbox, second, "?dark&phone&whole"))
    assert middle["← Newer"] == f"/inbox/{third}?dark&amp;phone"
    assert middle["Older →"] == f"/inbox/{first}?dark&amp;phone"
    assert "Older →" not in links(page_of(sandbox, first))
    assert "← Newer" not in links(page_of(sandbox, third))


@pytest.mark.parametrize("place", [0, 100, 299, 300, 499])
def test_the_way_back_leads_to_a_list_with_the_message(sandbox, place):
    """Also from later pages."""
    ids = accept(sandbox, *(f"p{number}" for number in range(500)))
    back = links(page_of(sandbox, ids[place]))["Inbox"]
    assert (back == "/") == (place >= 300)
    assert f'href="/inbox/{ids[place]}"' in get(sandbox, back).text


def test_a_message_can_be_looked_at_as_on_a_dark_screen_and_on_a_phone(sandbox):
    """By links that mark the current view; the page itself follows the system."""
    body = (
        '<meta name="color-scheme" content="light dark"><style>@media '
        "(prefers-color-scheme: dark){}</style><p>Hi"
    )
    wide = show(sandbox, HtmlBody=body)
    (message_id,) = sandbox.messages()["MessageID"]
    phone = page_of(sandbox, message_id, "?dark&phone")
    assert "color-scheme:light only" in mail_in(wide)
    assert "color-scheme:dark only" in mail_in(phone)
    assert "width:390px" in phone
    assert "width:390px" not in wide
    for page, words in ((wide, ["Light", "Wide"]), (phone, ["Dark", "Phone"])):
        assert re.findall(r"aria-current=true>(\w+)<", page) == words
        assert "color-scheme: light dark" in page


@pytest.mark.parametrize("query", ["dark&phone&whole", "dark", "phone", "whole", ""])
def test_a_view_is_what_its_address_says(query):
    """In both directions."""
    sandbox = LocalPostmark(in_process=True).start()
    accept(sandbox, "ann")
    (posted,) = sandbox._store.messages.all()
    address = html.unescape(address_of(posted, view_of(query)))
    assert address == f"/inbox/{posted.message_id}{'?' * bool(query)}{query}"
    assert view_of(address.partition("?")[2]) == view_of(query)


def test_an_inline_image_is_shown_from_what_was_posted(either):
    """Its ``cid:`` becomes a ``data:`` address, also with wrapped base64 and a parameter."""
    image = {"Name": "logo.gif", "ContentID": "cid:logo@x", "Content": f"{GIF[:20]}\r\n{GIF[20:]}"}
    image["ContentType"] = "IMAGE/gif; name=logo.gif"
    page = show(either, HtmlBody='<img src="cid:logo@x">', Attachments=[image])
    assert f'<img src="data:image/gif;base64,{GIF}">' in mail_in(page)
    assert "35 bytes · inline" in page


@pytest.mark.parametrize(
    "kind", ["text/html", "image/", 'image/png"onload', "image/png,<script>", "application/pdf"]
)
def test_only_an_image_is_put_in_the_place_of_a_content_id(sandbox, kind):
    """Other files are shown by name and size only."""
    entry = {"Name": "x.dat", "ContentID": "cid:x", "ContentType": kind, "Content": "aGk="}
    page = show(sandbox, HtmlBody='<img src="cid:x">', Attachments=[entry])
    assert 'src="cid:x"' in mail_in(page)


def test_the_bytes_of_equal_attachments_are_kept_once():
    """Whatever their names and messages, also over several requests; clear() frees them."""
    logo = {"Name": "own.gif", "ContentID": "cid:own", "ContentType": "image/gif", "Content": GIF}
    paper = {
        "Name": "own.pdf",
        "ContentType": "application/pdf",
        "Content": base64.b64encode(b"%PDF" * 9).decode(),
    }
    with LocalPostmark(in_process=True) as sandbox:
        for name in ("own.gif", "other.gif"):
            post(sandbox, [mail(Attachments=[logo | {"Name": name}, paper]) for _ in range(3)])
        kept = [posted.attachments for posted in sandbox._store.messages.all()]
        assert [files[0].name for files in kept] == ["own.gif"] * 3 + ["other.gif"] * 3
        assert {(files[1].size, files[1].content_type) for files in kept} == {
            (36, "application/pdf")
        }
        assert sandbox._store.attachments.content(kept[5][1]) == b"%PDF" * 9
        counts = "select count(*) from attachments"
        assert sandbox._store.database.value(counts) == 2
        sandbox.clear()
        assert sandbox._store.database.value(counts) == 0


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_large_html_part_is_shown_when_asked(sandbox, extra):
    """Above a million characters the page shows its size and the rest of the message."""
    page = show(sandbox, HtmlBody="x" * (LARGE_HTML + extra))
    assert ("Show it" in links(page)) == (extra > 0)
    assert len(Tags(page).of("iframe")) == (extra <= 0)
    if extra > 0:
        assert "The HTML part is 1.0 MB" in page
        whole = get(sandbox, links(page)["Show it"]).text
        assert f"<body>{'x' * (LARGE_HTML + extra)}</body>" in mail_in(whole)


def test_a_message_of_10_mb_has_a_page(listening):
    """As large as Postmark takes one; the list holds nothing of its bodies."""
    page = show(listening, HtmlBody="<p>" + "h" * 4_900_000, TextBody="<b>" + "t" * 4_900_000)
    assert len(page) < 5_100_000
    assert "&lt;b&gt;tt" in page
    assert len(get(listening, "/").text) < 10_000


def test_nothing_posted_becomes_markup(either):
    """Not in the list and not on a page, in any field; the HTML part is only in its frames."""
    fields = {
        "From": f'"{EVIL.replace(chr(34), "")}" <a@example.com>',
        "To": f'"{EVIL.replace(chr(34), "")}" <b@example.com>',
        "Subject": EVIL,
        "TextBody": EVIL,
        "HtmlBody": EVIL,
        "Tag": EVIL,
        "Metadata": {"<img src=x>": EVIL[:80]},
        "Headers": [{"Name": "<img src=x onerror=alert(1)>", "Value": EVIL}],
        "Attachments": [
            {"Name": EVIL, "ContentType": EVIL, "ContentID": f"cid:{EVIL}", "Content": "aGk="},
            {"Name": "x.gif", "ContentType": "image/gif", "ContentID": EVIL, "Content": GIF},
        ],
    }
    page = show(either, **fields)
    (message_id,) = either.messages()["MessageID"]
    for shown in (
        page,
        get(either, "/").text,
        page_of(either, message_id, "?dark&phone&whole&x=<script>"),
    ):
        tags = Tags(shown)
        assert {tag for tag, _ in tags.found} <= OURS
        assert not [
            name for _, attributes in tags.found for name in attributes if name.startswith("on")
        ]
        assert all(attributes["href"].startswith("/") for attributes in tags.of("a"))
        assert not [attributes for _, attributes in tags.found if "src" in attributes]
        assert "<script" not in shown
    assert "<script" not in mail_in(page)
    assert escape(EVIL) in page


def test_what_cannot_be_seen_is_written_out(sandbox):
    """A bidi override, an escape sequence and a NUL, which no page can contain."""
    page = show(sandbox, Subject="a\u202eb\x1b[31m\x00c", HtmlBody="a\x00b")
    assert html.escape("a⟨U+202E⟩b⟨U+001B⟩[31m⟨U+0000⟩c") in page
    for shown in (page, get(sandbox, "/").text):
        assert not re.search("[\x00\x1b\u202e]", html.unescape(html.unescape(html.unescape(shown))))


@pytest.mark.parametrize("path", ["/", "/inbox/{id}", "/inbox/none"])
def test_every_page_is_sent_with_a_strict_policy(either, path):
    """Nothing runs, loads or frames it, and no cache keeps the mail."""
    (message_id,) = accept(either, "ann", HtmlBody="<p>Hi")
    answer = get(either, path.format(id=message_id))
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "font-src": "data:",
        "frame-src": "data:",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["none", "{id}x", "%00", "..%2f..%2f", "%3Cscript%3E"])
def test_a_message_that_is_not_there_is_a_404_that_leads_back(listening, name):
    """As after ``sandbox.clear()``; the page does not repeat the address."""
    (message_id,) = accept(listening, "ann")
    answer = get(listening, f"/inbox/{name.format(id=message_id)}")
    assert answer.status_code == 404
    if answer.headers["content-type"].startswith("text/html"):
        assert links(answer.text)["Inbox"] == "/"
    assert "script" not in answer.text
    listening.clear()
    assert get(listening, f"/inbox/{message_id}").status_code == 404


def test_a_message_that_no_search_shows_is_in_the_inbox(sandbox):
    """A pause and an index delay affect searches, not the inbox."""
    sandbox.pause()
    (message_id,) = accept(sandbox, "ann")
    assert "ann@example.com" in page_of(sandbox, message_id.upper())


def test_a_fake_bounce_is_named(sandbox):
    """In the list and on the message."""
    page = show(sandbox, To="SoftBounce@bounce-testing.postmarkapp.com")
    assert (
        "SoftBounce: <bdi>a fake bounce of softbounce@bounce-testing.postmarkapp.com</bdi>" in page
    )
    assert "<bdi>SoftBounce</bdi>" in get(sandbox, "/").text


def test_a_page_of_another_name_cannot_read_a_message(listening):
    """A foreign host name that resolves to 127.0.0.1 is refused."""
    (message_id,) = accept(listening, "ann")
    with client(listening) as http:
        for host, status in (
            ("localhost:1", 200),
            ("attacker.example", 421),
            (f"attacker.example:{listening.port}", 421),
        ):
            assert http.get(f"/inbox/{message_id}", headers={"Host": host}).status_code == status


def test_the_pages_are_no_requests_that_send(sandbox):
    """They have no number, faults do not apply to them, and other methods are refused."""
    (message_id,) = accept(sandbox, "ann")
    sandbox.fault("http_500_lost")
    with client(sandbox) as http:
        assert http.get(f"/inbox/{message_id}").status_code == 200
        assert http.post(f"/inbox/{message_id}", json={}).status_code == 405
    assert sandbox.requests()["number"].tolist()[0] == 1
    assert sandbox.requests()["number"].isna().tolist() == [False, True, True]
