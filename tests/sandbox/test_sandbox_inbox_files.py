"""Files and links of a message in the inbox: saved, viewed and opened without a risk."""

from __future__ import annotations

import base64
import re

import pytest

from mailframe.sandbox.inbox.links import MAX_LINKS, links_of, web_address
from tests.sandbox.sandbox_mail import mail, post
from tests.sandbox.sandbox_reads import get

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()


def file_of(sandbox, *, query="", **entry):
    """The answer for the only attachment of a new message."""
    entry = {"Name": "a.txt", "ContentType": "text/plain", "Content": "aGk="} | entry
    message_id = post(sandbox, mail(Attachments=[entry])).json()["MessageID"]
    return get(sandbox, f"/inbox/{message_id}/attachments/0{query}")


def test_a_file_is_saved_as_it_was_posted(either):
    """With its bytes and name, as a type that no browser shows."""
    answer = file_of(either, Name="Rechnung März.pdf", ContentType="application/pdf", Content=PNG)
    assert answer.content == base64.b64decode(PNG)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Rechnung M_rz.pdf\"; filename*=UTF-8''Rechnung%20M%C3%A4rz.pdf"
    )


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a"; filename="evil.pdf', "a__ filename=_evil.pdf"),
        ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x"),
        ("abc\u202efdp.txt", "abc_fdp.txt"),
        (".bashrc", "bashrc"),
        ("...", "attachment"),
        ("x" * 300 + ".txt", "x" * 116 + ".txt"),
        ("C:\\dir\\a.txt", "C__dir_a.txt"),
        ("a%22b", "a_22b"),
    ],
)
def test_the_name_of_a_saved_file_cannot_mislead(sandbox, name, saved):
    """No folders, quotes, line ends and bidi controls; a name remains."""
    disposition = file_of(sandbox, Name=name).headers["content-disposition"]
    plain = re.match(r'attachment; filename="([^"]*)"', disposition)[1]
    assert plain.replace(";", "_") == saved
    assert len(disposition.splitlines()) == 1


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("image/png", "image/png"),
        ("IMAGE/JPEG; name=a", "image/jpeg"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/html", None),
        ("image/svg+xml", None),
        ("application/pdf", None),
        ("application/xhtml+xml", None),
        ("text/plain\r\nX: y", None),
        ("text/javascript", None),
    ],
)
def test_only_images_and_plain_text_are_viewed(sandbox, kind, shown):
    """Every other type is saved, also when its view is asked for; none can run on this origin."""
    answer = file_of(sandbox, ContentType=kind, query="?view")
    assert answer.headers["content-type"] == (shown or "application/octet-stream")
    assert ("content-disposition" in answer.headers) == (shown is None)
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("place", ["1", "-1", "x", "²", "99999", "0x0"])
def test_a_file_that_is_not_there_is_a_404(sandbox, place):
    """By any number but its own."""
    entry = {"Name": "a.txt", "ContentType": "text/plain", "Content": "aGk="}
    message_id = post(sandbox, mail(Attachments=[entry])).json()["MessageID"]
    assert get(sandbox, f"/inbox/{message_id}/attachments/{place}").status_code == 404


@pytest.mark.parametrize(
    ("part", "ending"), [("source", "html"), ("text", "txt"), ("raw", "eml"), ("json", "json")]
)
def test_a_part_is_opened_as_plain_text_and_saved_as_a_file(sandbox, part, ending):
    """The HTML source is text, too."""
    message_id = post(sandbox, mail(HtmlBody="<script>alert(1)</script>")).json()["MessageID"]
    opened = get(sandbox, f"/inbox/{message_id}/parts/{part}")
    assert opened.headers["content-type"] == "text/plain; charset=utf-8"
    saved = get(sandbox, f"/inbox/{message_id}/parts/{part}?save")
    assert f'filename="{message_id}.{ending}"' in saved.headers["content-disposition"]
    for answer in (opened, saved):
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert opened.content == saved.content
    assert get(sandbox, f"/inbox/{message_id}/parts/html").status_code == 404


def test_the_links_of_both_bodies_are_listed():
    """With their text, also of an image, each once."""
    html = (
        '<a href="https://a.example/1">One <b>link</b></a>'
        '<a href="https://a.example/1">One link</a>'
        '<a href="https://a.example/2"><img alt="A picture"></a>'
        '<a name=x>no link</a><a href="">empty</a>'
        '<map><area href="https://a.example/3" alt="Area"></map>'
    )
    text = "See https://a.example/4, or (https://a.example/5). HTTPS://A.EXAMPLE/6!"
    assert [(link.text, link.address, link.part) for link in links_of(html, text)] == [
        ("One link", "https://a.example/1", "HTML"),
        ("A picture", "https://a.example/2", "HTML"),
        ("Area", "https://a.example/3", "HTML"),
        ("", "https://a.example/4", "Text"),
        ("", "https://a.example/5", "Text"),
        ("", "HTTPS://A.EXAMPLE/6", "Text"),
    ]
    assert links_of(None, None) == []


@pytest.mark.parametrize(
    ("address", "href", "host"),
    [
        ("https://a.example/x?y=1&z=2#f", "https://a.example/x?y=1&z=2#f", "a.example"),
        (" \thttp://localhost:3000/reset\n", "http://localhost:3000/reset", "localhost"),
        ("ht\ntps://a.example/", "https://a.example/", "a.example"),
        ("https:\\\\a.example\\@evil.example", "https://a.example/@evil.example", "a.example"),
        (
            "https://good.example@evil.example/",
            "https://good.example@evil.example/",
            "evil.example",
        ),
        ("https://a.example/\u202ex", "https://a.example/%E2%80%AEx", "a.example"),
        ('https://a.example/"><b', "https://a.example/%22%3E%3Cb", "a.example"),
        ("https://[::1]:8/", "https://[::1]:8/", "::1"),
        ("https://b\u00fccher.example/", "https://b%C3%BCcher.example/", "b\u00fccher.example"),
        *((address, "", "") for address in ("javascript:alert(1)", "java\nscript:alert(1)")),
        *((address, "", "") for address in ("data:text/html,x", "//a.example", "/inbox", "#x")),
        *(
            (address, "", "")
            for address in ("mailto:a@a.example", "file:///etc/passwd", "https://")
        ),
        *((address, "", "") for address in ("https://[::1", "https://a b/", "ftp://a.example", "")),
    ],
)
def test_only_an_address_of_the_web_can_be_opened(address, href, host):
    """As a browser reads it: blanks, line ends, backslashes and a user name before the host."""
    assert web_address(address) == (href, host)


@pytest.mark.parametrize(
    ("html", "warns"),
    [
        ('<a href="https://evil.example/">https://bank.example/login</a>', True),
        ('<a href="https://bank.example@evil.example/">Go</a>', True),
        ('<a href="https://b\u0430nk.example/">Go</a>', True),
        ('<a href="https://bank.example/">bank.example</a>', False),
        ('<a href="https://bank.example/">Your account</a>', False),
    ],
)
def test_a_link_that_may_mislead_names_its_host(sandbox, html, warns):
    """Where its text or a user name looks like another host."""
    assert links_of(html, None)[0].host_matters == warns
    message_id = post(sandbox, mail(HtmlBody=html)).json()["MessageID"]
    assert ("Opens <b>" in get(sandbox, f"/inbox/{message_id}?part=links").text) == warns


def test_a_link_is_opened_in_a_new_tab_that_learns_nothing(sandbox):
    """No opener and no referrer; other addresses are shown as text."""
    html = '<a href="https://a.example/x">Go</a><a href="javascript:alert(1)">Run</a>'
    message_id = post(sandbox, mail(HtmlBody=html)).json()["MessageID"]
    page = get(sandbox, f"/inbox/{message_id}?part=links").text
    (link,) = re.findall(r'<a href="https?:[^>]*>', page)
    assert 'target="_blank" rel="noopener noreferrer external"' in " ".join(link.split())
    assert "javascript:alert(1)</bdi>" in page
    assert "Not a web address" in page


def test_many_links_are_counted_and_hostile_html_takes_no_time(sandbox):
    """300 are listed; of HTML with too many tags, none."""
    html = "".join(f'<a href="https://a.example/{number}">x</a>' for number in range(MAX_LINKS + 5))
    message_id = post(sandbox, mail(HtmlBody=html)).json()["MessageID"]
    assert "5 more links are not shown" in get(sandbox, f"/inbox/{message_id}?part=links").text
    assert links_of("<a href=https://a.example>" * 200_000, "https://a.example/")[0].part == "Text"
