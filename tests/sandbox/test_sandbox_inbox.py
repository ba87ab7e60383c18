"""The pages of the inbox: the list, a message with its parts, and their protection."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from markupsafe import escape

from mailframe.pages.card import LARGE_HTML
from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.inbox.client_settings import client_lines, curl
from mailframe.sandbox.inbox.colored import MOST_PIECES, pieces
from mailframe.sandbox.inbox.long_text import SHOWN
from mailframe.sandbox.state.messages.message_list import PAGE
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import accept, get

GIF = "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
EVIL = (
    "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)></details></pre></iframe><a "
    "href=javascript:alert(1)>"
)
OURS = set(
    """
    html head meta title link script body header h1 h2 h3 a p b main nav span ol ul li time bdi div
    table tbody thead tr th td pre iframe article section form label input button dialog dl dt dd
    kbd code img
    """.split()  # noqa: SIM905 - a list of one word a line hides what it says
)
PARTS = ["html", "source", "text", "headers", "raw", "json", "events", "links"]


class Tags(HTMLParser):
    """The start tags of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Note one."""
        self.seen.append((tag, dict(attrs)))

    def of(self, name):
        """The attributes of each tag of that name."""
        return [attributes for tag, attributes in self.seen if tag == name]


def page_of(sandbox, message_id, query=""):
    """The page of one message."""
    answer = get(sandbox, f"/inbox/{message_id}{query}")
    assert answer.status_code == 200
    return answer.text


def sent(sandbox, **fields):
    """Post one message and return its ID."""
    answer = post(sandbox, mail(**fields))
    assert answer.status_code == 200, answer.text
    return answer.json()["MessageID"]


def show(sandbox, query="", **fields):
    """Post one message and open its page."""
    return page_of(sandbox, sent(sandbox, **fields), query)


def mail_in(sandbox, page):
    """The document in the inner frame: what a reader sees of the HTML part."""
    (outer,) = Tags(page).of("iframe")
    (inner,) = Tags(get(sandbox, outer["src"]).text).of("iframe")
    assert outer["sandbox"] == inner["sandbox"] == ""
    return unquote(inner["src"].partition(",")[2]) if "src" in inner else inner["srcdoc"]


def subjects(page):
    """Those of a list, in its order."""
    return [
        html.unescape(subject) for subject in re.findall(r'class="subject"><bdi>(.*?)</bdi>', page)
    ]


def rel(page, name):
    """The address of the page beside this one; None without one."""
    matches = [one["href"] for one in Tags(page).of("a") if one.get("rel") == name]
    return matches[0] if matches else None


def key(page, name):
    """The address that a key leads to; None without one."""
    matches = [one["href"] for one in Tags(page).of("a") if one.get("data-key") == name]
    return matches[0] if matches else None


def words(markup):
    """The text of some markup, without the parts that only a screen reader reads."""
    markup = re.sub(r'<span class="unseen">.*?</span>', "", markup)
    return html.unescape(re.sub(r"<[^>]+>", " ", markup)).split()


def test_an_empty_inbox_says_what_to_do(listening):
    """How each client is pointed at the requested address, without any chosen token."""
    page = html.unescape(get(listening, "/").text)
    assert "Nothing has arrived yet" in page
    assert curl(listening.url, token="sandbox-token") in page
    lines = client_lines(listening.url, token="sandbox-token")
    assert [line in page for line in lines.values()] == [True] * len(lines)
    with LocalPostmark(tokens=["my-own"]) as strict:
        page = html.unescape(get(strict, "/").text)
    assert "my-own" not in page
    assert 'ServerClient("YOUR-TOKEN"' in page


def test_a_line_of_the_list_says_who_what_and_when(either):
    """Recipient, sender, subject, start of the text, status, stream, tag, files and time."""
    accept(either, "ann")
    pdf = {"Name": "a.pdf", "ContentType": "application/pdf", "Content": "aGk="}
    message_id = sent(
        either,
        From="Acme Shop <hello@example.com>",
        To="Bea B <hardbounce@bounce-testing.postmarkapp.com>",
        Subject="Bea's",
        TextBody="Hello\n Bea",
        Tag="renewal",
        MessageStream="broadcast",
        Attachments=[pdf, pdf],
    )
    page = get(either, "/").text
    assert subjects(page) == ["Bea's", "Hi"]
    line = re.search(r"<li data-id.*?</li>", page, re.DOTALL)[0]
    assert f'href="/inbox/{message_id}"' in line
    assert words(line) == [
        *("Bea", "B", "hardbounce@bounce-testing.postmarkapp.com", "from", "Acme", "Shop"),
        *("Bea's", "Hello", "Bea", "Bounced", "broadcast", "renewal", "2", "files"),
        *re.search(r"<time[^>]*>(\S+ \S+)</time>", line)[1].split(),
    ]


@pytest.mark.parametrize(
    ("body", "snippet"),
    [
        ({"TextBody": "Hi {{{ pm:unsubscribe }}} Ann"}, "Hi Ann"),
        ({"TextBody": " \n Hi\t\nthere "}, "Hi there"),
        ({"TextBody": None, "HtmlBody": "<style>p{}</style><p>a &amp; b</p><!-- c"}, "a & b"),
        ({"TextBody": "x" * 900}, "x" * 159 + "…"),
        ({"TextBody": None, "HtmlBody": "<title>no</title><img alt=x <b>one</b>two"}, "onetwo"),
    ],
)
def test_a_snippet_is_the_start_of_what_a_reader_sees(sandbox, body, snippet):
    """From the text part if there is one, without tags, styles and comments."""
    sent(sandbox, **body)
    shown = re.search(r'class="snippet"><bdi>(.*?)</bdi>', get(sandbox, "/").text)[1]
    assert html.unescape(shown).replace(" ", "") == snippet.replace(" ", "")


def test_a_message_for_cc_alone_and_without_a_subject_has_a_line(sandbox):
    """No part of a line is empty."""
    post(sandbox, mail(To=None, Cc="cc@example.com", Subject=None))
    page = get(sandbox, "/").text
    assert subjects(page) == ["(no subject)"]
    assert "cc@example.com" in page


@pytest.mark.parametrize("total", [PAGE - 1, PAGE, PAGE + 1])
def test_a_page_of_the_list_holds_50(sandbox, total):
    """With one more, a second page has the rest."""
    accept(sandbox, *(f"p{number}" for number in range(total)))
    page = get(sandbox, "/").text
    assert len(subjects(page)) == min(total, PAGE)
    assert (rel(page, "next") is not None) == (total > PAGE)
    assert f"{total} messages, {total} unread" in page


def test_the_pages_show_every_message_once(sandbox):
    """Older leads to the oldest, Newer back; a page stays the same when messages arrive."""
    for start in (0, 70):
        post(sandbox, [mail(Subject=f"s{number}") for number in range(start, start + 70)])
    seen, address, addresses = [], "/", []
    with client(sandbox) as http:
        while address:
            addresses.append(address)
            page = http.get(address).text
            seen += subjects(page)
            address = rel(page, "next")
        assert seen == [f"s{number}" for number in reversed(range(140))]
        assert subjects(http.get(rel(page, "prev")).text) == subjects(http.get(addresses[-2]).text)
        before = subjects(http.get(addresses[1]).text)
        http.post("/email", json=mail(Subject="new"))
        assert subjects(http.get(addresses[1]).text) == before


@pytest.mark.parametrize("place", ["-1", "9" * 5000, "1e3", "²", "", "<script>", "%00%ff"])
@pytest.mark.parametrize("name", ["before", "after"])
def test_a_page_that_is_none_is_the_first(sandbox, name, place):
    """Also a number with more digits than Python reads."""
    accept(sandbox, "ann")
    answer = get(sandbox, f"/?{name}={place}")
    assert answer.status_code == 200
    assert subjects(answer.text) == ["Hi"]


def test_the_list_goes_on_where_messages_were_removed_and_where_old_ones_went():
    """Positions without a message are skipped; the counts are right."""
    with LocalPostmark(in_process=True, keep=60) as sandbox:
        ids = accept(sandbox, *(f"p{number}" for number in range(40)))
        ids += accept(sandbox, *(f"p{number}" for number in range(40, 80)))
        with client(sandbox) as http:
            for number in (79, 50, 25):
                assert http.delete(f"/_sandbox/messages/{ids[number]}").status_code == 200
            page = http.get("/").text
            rest = http.get(rel(page, "next")).text
        assert "57 messages, 57 unread" in page
        assert len(subjects(page)) == PAGE
        assert len(subjects(rest)) == 7
        assert rel(rest, "next") is None


def test_a_message_has_a_page_of_its_own(either):
    """With its head, settings, metadata and files; the text part is shown if there is no HTML."""
    pdf = {"Name": "a.pdf", "ContentType": "application/pdf", "Content": "aGk\r\ngeW91"}
    page = show(
        either,
        From="Acme <hello@example.com>",
        To="ann@example.com, Bea <bea@example.com>",
        Cc="Cy <cc@example.com>",
        ReplyTo="re@example.com",
        Tag="renewal",
        Metadata={"customer": 7},
        MessageStream="broadcast",
        Attachments=[pdf],
    )
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td></tr>', page, re.DOTALL)
    assert [(name, words(value)) for name, value in rows if name != "Date"] == [
        ("From", ["Acme", "<hello@example.com>"]),
        ("To", ["ann@example.com", ",", "Bea", "<bea@example.com>"]),
        ("Cc", ["Cy", "<cc@example.com>"]),
        ("Reply-To", ["re@example.com"]),
        ("Metadata", ["customer", "7"]),
    ]
    facts = words(
        re.search(r'<ul class="facts" aria-label="Settings">(.*?)</ul>', page, re.DOTALL)[1]
    )
    settings = ["Delivered", "Stream", "broadcast", "Tag", "renewal"]
    assert facts[:-2] == [*settings, "Request", "1"]
    files = words(re.search(r'<ul class="files".*?</ul>', page, re.DOTALL)[0])
    assert files == ["a.pdf", "application/pdf", "·", "6", "bytes", "Save"]
    assert re.search(r'<pre [^>]*aria-label="Text part"><bdi>Hi Ann', page)


def test_what_stands_in_the_head_can_be_searched_for(sandbox):
    """A click on an address, the tag, the stream or a value of metadata lists its messages."""
    metadata = {"customer": "7", "Batch key": "8 9", "a:b": "c:d"}
    page = show(sandbox, Tag="two words", Metadata=metadata)
    addresses = [one["href"] for one in Tags(page).of("a") if one.get("class") == "look-up"]
    assert len(addresses) == 7
    accept(sandbox, "bea", From="other@example.com", MessageStream="broadcast")
    for address in addresses:
        assert len(subjects(get(sandbox, address).text)) == 1


@pytest.mark.parametrize("count", [11, 12, 13, 1_000])
def test_many_attachments_stand_behind_a_click(sandbox, count):
    """12 are shown at once, so the mail is not far below them; each has a name to save."""
    files = [
        {"Name": f"{number}.txt", "ContentType": "text/plain", "Content": "aGk="}
        for number in range(count)
    ]
    page = show(sandbox, Attachments=files)
    before, _, after = page.partition("<details")
    assert before.count(" download ") == min(count, 12)
    assert after.count(" download ") == max(count - 12, 0)
    assert f'aria-label="Save {count - 1}.txt"' in page
    assert (f"<summary>{count - 12:,} more files</summary>" in page) == (count > 12)


def test_every_part_of_a_message_can_be_read(sandbox):
    """HTML source, text, headers, raw source, JSON, events and links, as delivered."""
    message_id = sent(
        sandbox,
        HtmlBody="<p>Read <a href='https://a.example/x'>this</a>",
        Headers=[{"Name": "X-Campaign", "Value": "autumn"}],
        Metadata={"k": "v"},
        MessageStream="broadcast",
    )
    expected = {
        "source": ["<p>Read <a href='https://a.example/x'>this</a>", "Unsubscribe</a>"],
        "text": ["Hi Ann", "Unsubscribe: http"],
        "headers": ["X-Campaign", "autumn", "List-Unsubscribe"],
        "raw": ["X-Campaign: ", "From: hello@example.com"],
        "json": ['"Metadata": {\n    "k": "v"', '"MessageStream": "broadcast"'],
        "events": ["Accepted", "Delivered", "ann@example.com"],
        "links": ["https://a.example/x"],
    }
    for part, texts in expected.items():
        page = page_of(sandbox, message_id, f"?part={part}")
        current = [one for one in Tags(page).of("a") if "aria-current" in one]
        assert f"part={part}" in current[-1]["href"]
        shown = html.unescape(re.sub(r"</?span[^>]*>", "", page))
        for text in texts:
            assert text in shown


@pytest.mark.parametrize("part", PARTS)
def test_a_message_without_a_part_says_so(sandbox, part):
    """Every address of a part has a page, also of a name that does not exist."""
    for fields in ({"TextBody": None, "HtmlBody": "<p>Hi"}, {}):
        page = show(sandbox, f"?part={part}", **fields)
        assert '<section class="part' in page
    assert '<section class="part text"' in show(sandbox, "?part=nothing")


def test_newer_and_older_lead_from_message_to_message(sandbox):
    """The first one has no older, the last one no newer; view and part stay the same."""
    first, second, third = accept(sandbox, "ann", "bea", "cy")
    middle = page_of(sandbox, second, "?part=text&dark&phone&whole&images")
    assert key(middle, "k") == f"/inbox/{third}?part=text&dark=&phone="
    assert key(middle, "j") == f"/inbox/{first}?part=text&dark=&phone="
    assert key(page_of(sandbox, first), "j") is None
    assert key(page_of(sandbox, third), "k") is None


def test_a_message_stands_beside_a_list_that_has_it(sandbox):
    """Also one that is opened without a page of the list, and the way back leads there."""
    ids = accept(sandbox, *(f"p{number}" for number in range(120)))
    for place in (0, 60, 69, 70, 119):
        page = page_of(sandbox, ids[place])
        (current,) = [one for one in Tags(page).of("a") if one.get("aria-current") == "true"][:1]
        assert current["href"].startswith(f"/inbox/{ids[place]}")
        assert f'href="/inbox/{ids[place]}' in get(sandbox, key(page, "u")).text


def test_a_message_can_be_looked_at_as_on_a_dark_screen_and_on_a_phone(sandbox):
    """By links that mark the current view."""
    body = (
        '<meta name="color-scheme" content="light dark"><style>@media '
        "(prefers-color-scheme: dark){}</style><p>Hi"
    )
    message_id = sent(sandbox, HtmlBody=body)
    wide, phone = page_of(sandbox, message_id), page_of(sandbox, message_id, "?dark&phone")
    assert "color-scheme:light only" in mail_in(sandbox, wide)
    assert "color-scheme:dark only" in mail_in(sandbox, phone)
    assert 'class="sheet dark phone"' in phone
    assert 'class="sheet"' in wide


def test_remote_images_are_loaded_only_when_asked_for_and_for_one_message(sandbox):
    """The policy of the frame changes; neither neighbors nor the measured copy load any."""
    first, second = accept(sandbox, "ann", "bea", HtmlBody='<img src="https://a.example/b.png">')
    with client(sandbox) as http:
        for query, sources in (("", "img-src data:;"), ("?images", "img-src data: https: http:;")):
            page = http.get(f"/inbox/{second}{query}").text
            (frame,) = Tags(page).of("iframe")
            assert sources in http.get(frame["src"]).headers["content-security-policy"]
            assert (
                "img-src data:;"
                in http.get(frame["data-measure"]).headers["content-security-policy"]
            )
            assert "images" not in key(page, "j")
    assert first in key(page, "j")


def test_an_inline_image_is_shown_from_what_was_posted(either):
    """Its ``cid:`` becomes a ``data:`` address, also with wrapped base64 and a parameter."""
    image = {"Name": "logo.gif", "ContentID": "cid:Logo@x", "Content": f"{GIF[:20]}\r\n{GIF[20:]}"}
    image["ContentType"] = "IMAGE/gif; name=logo.gif"
    page = show(either, HtmlBody='<img src="cid:Logo@x">', Attachments=[image])
    assert f'<img src="data:image/gif;base64,{GIF}">' in mail_in(either, page)
    assert "35 bytes · inline" in html.unescape(re.sub(r"\s+", " ", page))


@pytest.mark.parametrize(
    "kind", ["text/html", "image/", 'image/png"onload', "image/png,<script>", "application/pdf"]
)
def test_only_an_image_is_put_in_the_place_of_a_content_id(sandbox, kind):
    """Other files are shown by name and size only."""
    entry = {"Name": "x.dat", "ContentID": "cid:x", "ContentType": kind, "Content": "aGk="}
    page = show(sandbox, HtmlBody='<img src="cid:x">', Attachments=[entry])
    assert 'src="cid:x"' in mail_in(sandbox, page)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_large_html_part_is_shown_when_asked(sandbox, extra):
    """Above a million characters the page shows its size and the rest of the message."""
    page = show(sandbox, HtmlBody="x" * (LARGE_HTML + extra))
    asks = [one["href"] for one in Tags(page).of("a") if "whole=" in one["href"]]
    assert len(Tags(page).of("iframe")) == (extra <= 0)
    if extra > 0:
        assert "The HTML part is 1.0 MB" in page
        whole = get(sandbox, asks[-1]).text
        assert f"<body>{'x' * (LARGE_HTML + extra)}</body>" in mail_in(sandbox, whole)


@pytest.mark.parametrize(
    "source",
    [
        "<p class=\"a\" id='b' hidden>Hi</p><!-- <b> --><br/>",
        "<!-- never closed <p>",
        'a < b > c "<a href=\'">',
        "<" * 50_000,
        "<a b='" * 9_000,
        "<p>" * 9_000 + "end",
        "",
    ],
)
def test_a_colored_source_is_the_source(source):
    """Whatever it is; a long one is colored at its start."""
    parts = pieces(source)
    assert "".join(text for _, text in parts) == source
    assert len(parts) <= MOST_PIECES + 1
    assert {kind for kind, _ in parts} <= {"", "tag", "value", "comment"}


@pytest.mark.parametrize("part", ["source", "text", "raw", "json"])
def test_of_a_long_text_a_page_shows_the_start(sandbox, part):
    """A line of some megabytes would keep a browser busy; the whole can be opened and saved."""
    page = show(sandbox, f"?part={part}", HtmlBody="h" * 2_000_000, TextBody="t" * 2_000_000)
    assert len(page) < SHOWN + 20_000
    assert "The first 200.0 kB of " in page
    (whole,) = [one["href"] for one in Tags(page).of("a") if one["href"].endswith(f"/parts/{part}")]
    # The source of a message is cut at a megabyte, as in Postmark's dump.
    assert len(get(sandbox, whole).text) >= 1_000_000


def test_nothing_posted_becomes_markup(either):
    """Not in the list and not on a page, in any field; the HTML part is only in its frame."""
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
    message_id = sent(either, **fields)
    pages = [page_of(either, message_id, f"?part={part}&x=<script>") for part in PARTS]
    pages += [get(either, "/").text, get(either, f"/?q={EVIL.replace('&', '%26')}").text]
    pages += [get(either, "/inbox/requests").text, get(either, "/inbox/requests/1").text]
    for shown in pages:
        tags = Tags(shown)
        assert {tag for tag, _ in tags.seen} <= OURS
        assert not [
            name for _, attributes in tags.seen for name in attributes if name.startswith("on")
        ]
        assert all(one["href"].startswith(("/", "#main")) for one in tags.of("a"))
        assert [one["src"].partition("?")[0] for one in tags.of("script")] == [
            "/inbox/assets/inbox.js"
        ]
        assert all(
            one["src"].startswith("/inbox/") for one in [*tags.of("img"), *tags.of("iframe")]
        )
    assert escape(EVIL) in pages[0]
    assert "<script" not in mail_in(either, pages[0])


def test_what_cannot_be_seen_is_written_out(sandbox):
    """A bidi override, an escape sequence and a NUL, which no page can contain."""
    page = show(sandbox, Subject="a\u202eb\x1b[31m\x00c", HtmlBody="a\x00b")
    assert html.escape("a⟨U+202E⟩b⟨U+001B⟩[31m⟨U+0000⟩c") in page
    for shown in (page, get(sandbox, "/").text):
        assert not re.search("[\x00\x1b\u202e]", html.unescape(shown))


def policy_of(answer):
    """The directives of a Content-Security-Policy."""
    parts = (part.strip() for part in answer.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in (part.partition(" ") for part in parts)}


@pytest.mark.parametrize(
    "path",
    ["/", "/inbox/{id}", "/inbox/none", "/inbox/requests", "/inbox/requests/1", "/inbox/tools"],
)
def test_every_page_is_sent_with_a_strict_policy(either, path):
    """It runs its own script and nothing else, no page frames it, and no cache keeps the mail."""
    (message_id,) = accept(either, "ann", HtmlBody="<p>Hi")
    answer = get(either, path.format(id=message_id))
    assert policy_of(answer) == {
        "default-src": "'none'",
        **dict.fromkeys(
            ("script-src", "style-src", "img-src", "connect-src", "frame-src", "form-action"),
            "'self'",
        ),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "inbox",
    }
    headers = dict(answer.headers)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "<style" not in answer.text
    assert " style=" not in answer.text


@pytest.mark.parametrize(("name", "rights"), [("frame", ""), ("measure", "allow-same-origin")])
def test_the_documents_of_a_mail_have_no_right_to_run_anything(either, name, rights):
    """Also if somebody opens their address outside of a frame."""
    (message_id,) = accept(either, "ann", HtmlBody="<p>Hi")
    policy = policy_of(get(either, f"/inbox/{message_id}/{name}"))
    assert policy["sandbox"].strip() == rights
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert "script-src" not in policy


@pytest.mark.parametrize("name", ["none", "{id}x", "%00", "..%2f..%2f", "%3Cscript%3E"])
@pytest.mark.parametrize("rest", ["", "/frame", "/measure", "/parts/raw", "/attachments/0"])
def test_a_message_that_is_not_there_is_a_404_that_leads_back(listening, name, rest):
    """As after ``sandbox.clear()``; the page does not repeat the address."""
    (message_id,) = accept(listening, "ann")
    answer = get(listening, f"/inbox/{name.format(id=message_id)}{rest}")
    assert answer.status_code == 404
    assert "<script>" not in answer.text
    listening.clear()
    gone = get(listening, f"/inbox/{message_id}{rest}")
    assert gone.status_code == 404
    assert '<a href="/">Inbox</a>' in gone.text


def test_a_message_that_no_search_shows_is_in_the_inbox(sandbox):
    """A pause and an index delay affect searches, not the inbox."""
    sandbox.pause()
    (message_id,) = accept(sandbox, "ann")
    assert "ann@example.com" in page_of(sandbox, message_id.upper())


def test_a_fake_bounce_is_named(sandbox):
    """In the list and on the message."""
    page = show(sandbox, To="SoftBounce@bounce-testing.postmarkapp.com")
    assert "SoftBounce: <bdi>softbounce@bounce-testing.postmarkapp.com</bdi>" in page
    assert "<bdi>Bounced</bdi>" in get(sandbox, "/").text


def test_a_page_of_another_name_cannot_read_a_message(listening):
    """A foreign host name that resolves to 127.0.0.1 is refused."""
    (message_id,) = accept(listening, "ann", HtmlBody="<p>Hi")
    with client(listening) as http:
        for rest in ("", "/frame", "/measure", "/parts/raw"):
            for host, status in (
                ("localhost:1", 200),
                ("attacker.example", 421),
                (f"attacker.example:{listening.port}", 421),
            ):
                answer = http.get(f"/inbox/{message_id}{rest}", headers={"Host": host})
                assert answer.status_code == status


def test_the_files_of_a_page_are_kept_by_browsers_until_they_change(sandbox):
    """Their addresses contain a digest, so they are cached; they cannot be run as a page."""
    page = get(sandbox, "/").text
    links = [one["href"] for one in Tags(page).of("link")] + [Tags(page).of("script")[0]["src"]]
    kinds = ["image/svg+xml", "text/css; charset=utf-8", "text/javascript; charset=utf-8"]
    for address, kind in zip(links, kinds, strict=True):
        assert re.fullmatch(r"/inbox/assets/[a-z.]+\?v=[0-9a-f]{12}", address)
        answer = get(sandbox, address)
        assert answer.headers["content-type"] == kind
        assert "immutable" in answer.headers["cache-control"]
        assert "sandbox" in answer.headers["content-security-policy"]
    assert get(sandbox, "/inbox/assets/..%2fsite.py").status_code == 404
    assert get(sandbox, "/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_a_message_is_unread_until_its_page_is_opened(sandbox):
    """The list says so also to a screen reader; what shows a part of it counts as opened, too."""
    first, second = accept(sandbox, "ann", "bea")
    assert get(sandbox, "/").text.count('class="unseen">Unread. ') == 2
    page = page_of(sandbox, first, "?part=text")
    assert "2 messages, 1 unread" in page
    assert page.count('class="unseen">Unread. ') == 1
    assert "<title>(1) Inbox" in get(sandbox, "/").text
    with client(sandbox) as http:
        http.get(f"/inbox/{second}?again")  # as a page that is open while somebody marks it unread
        http.get(f"/inbox/{second}/parts/raw")
        http.get(f"/_sandbox/messages/{second}")
    assert "2 messages, 1 unread" in get(sandbox, "/").text
