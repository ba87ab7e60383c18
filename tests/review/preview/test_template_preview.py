"""The preview of letters with a template at Postmark: its model, or Postmark's rendering."""

from __future__ import annotations

import httpx
import orjson
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import MailframeError
from mailframe.postmark.templates import template_rendering

HOSTILE = '<img src=x onerror="alert(1)">{{#each x}}'
PEOPLE = pd.DataFrame(
    {"email": ["ann@example.com", "bob@example.com"], "name": ["Ann", HOSTILE], "n": [1, 2]}
)
LETTER = mf.Letter(
    sender="me@acme.example",
    to="{{ email }}",
    template="welcome",
    model={"name": "{{ name }}", "n": lambda df: df["n"], "plan": {"name": "Team"}},
)
TEMPLATE = {
    "Name": "Welcome",
    "Alias": "welcome",
    "Subject": "Hi {{name}}",
    "HtmlBody": "<p>{{name}} {{plan.name}}{{#coupon}}COUPON{{code}}{{/coupon}}{{plan.seats}}</p>",
    "TextBody": "{{name}}: {{n}}",
    "LayoutTemplate": "frame",
}
LAYOUT = {
    "Name": "Frame",
    "Alias": "frame",
    "TemplateType": "Layout",
    "HtmlBody": "<h1>Acme</h1>{{{ @content }}}",
    "TextBody": "-- {{{ @content }}} --",
}


@pytest.fixture
def sandbox():
    """A sandbox with the template in its layout."""
    with mf.Sandbox(in_process=True) as made:
        for template in (LAYOUT, TEMPLATE):
            assert made.server.change("/templates", template).object
        yield made


def campaign(**fields: object) -> mf.Campaign:
    """The campaign of the two people."""
    return PEOPLE.mail.compose(LETTER, **fields)


def rendered(composed: mf.Campaign, row: int, **options: object) -> str:
    """The page of one row."""
    return composed.preview([row], static=True, **options)._repr_html_()


def test_without_a_server_it_shows_the_model_and_says_how_to_see_the_mail():
    """Escaped, in a table; the same for a message, and in a gallery."""
    page = rendered(campaign(), 1)
    assert "preview(server=server) shows it" in page.replace("&#39;", "'")
    assert "the subject of the template" in page
    assert "plan.name" in page
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert "plan.name" in campaign().message(1)._repr_html_()
    assert "Team" in campaign().gallery().html
    assert "the subject of the template" in repr(campaign().preview(static=True))


def test_with_a_server_it_shows_what_postmark_sends(sandbox):
    """The same subject, HTML and text as the mail that arrives, in its layout."""
    campaign(name="c").send(sandbox.server, progress=False)
    arrived = sandbox.messages()
    for row in (0, 1):
        page = rendered(campaign(), row, server=sandbox.server)
        for part in ("Subject", "TextBody"):
            text = arrived[part].iloc[row].replace("&", "&amp;").replace('"', "&#34;")
            assert text.replace("<", "&lt;").replace(">", "&gt;") in page
        assert "Acme" in page
        assert "Rendered by Postmark with its template" in page
        assert "COUPON" not in page
        assert "_Value" not in page
        assert "also reads coupon, plan.seats, which" in page or "plan.seats, coupon" in page
        assert "<img src=x" not in page


def test_a_page_asks_for_each_row_once_and_a_list_asks_nothing(sandbox):
    """Showing it again, also for an approval, takes no further request for the same row."""
    shown = campaign().preview([0], static=True, server=sandbox.server)
    repr(shown)
    before = len(sandbox.requests())
    for _ in range(2):
        shown._repr_html_()
    paths = sandbox.requests()["path"].tolist()[before:]
    assert paths == ["/templates/welcome", "/templates/validate", "/templates/validate"]


def test_a_page_for_approval_says_that_the_text_of_the_template_is_not_part_of_it(
    sandbox, tmp_path
):
    """The rendered mails are on it; a letter without a template has no such sentence."""
    shown = campaign(name="c").preview(static=True, server=sandbox.server)
    text = shown.save(tmp_path / "a.html").read_text(encoding="utf-8")
    assert "The text of the templates at Postmark is not part of it" in text
    assert "Rendered by Postmark with its template" in text
    plain = PEOPLE.mail.compose(
        sender="a@acme.example", to="{{ email }}", subject="x", text_body="y"
    )
    text = plain.preview(static=True).save(tmp_path / "b.html").read_text(encoding="utf-8")
    assert "not part of it" not in text


def test_a_letter_and_a_campaign_show_the_template_and_the_constants_of_the_model():
    """Not as values of each row."""
    letter = LETTER.replace(model={"tags": [], "n": 7, "name": "{{ name }}"})
    assert letter._repr_html_().count("another one for each row") == 0
    composed = PEOPLE.mail.compose(letter)
    assert repr(composed) == "<Campaign: 2 rows, template 'welcome'>"
    assert "welcome" in composed._repr_html_()


def test_masked_values_do_not_leave_the_notebook(sandbox):
    """Postmark renders the shapes of the values; the names of the model stay."""
    inner, bodies = sandbox.transport(), []

    def keep(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        return inner.handle_request(request)

    server = mf.Postmark("any", base_url="http://127.0.0.1:9", transport=httpx.MockTransport(keep))
    page = rendered(campaign(), 0, server=server, mask=True)
    assert "Ann" not in page
    assert "Rendered by Postmark" in page
    assert "Hi Xxx" in page
    [*_, posted] = map(orjson.loads, filter(None, bodies))
    model = posted["TestRenderModel"]
    assert model["name"] == "Xxx"
    assert model["n"] == "0"
    assert not [body for body in bodies if b"Ann" in body or b"ann@" in body]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"template": "wellcome"}, "Postmark did not render it: The Template"),
        ({"template": "{{ 'a/../b' }}"}, "Postmark did not render it"),
        ({"template": "{{ none_here }}"}, "This row has no template"),
        ({"model": {"name": "x", "n": [1], "plan": "y"}}, "Rendered by Postmark"),
    ],
)
def test_what_postmark_does_not_render_is_said_in_place_of_the_mail(sandbox, fields, text):
    """The preview stays usable."""
    composed = PEOPLE.assign(none_here=None).mail.compose(LETTER, **fields)
    assert text in rendered(composed, 0, server=sandbox.server)


def test_an_error_of_the_template_is_shown_with_the_words_of_postmark(sandbox):
    """The message would be accepted, and bounce."""
    template = {**TEMPLATE, "Alias": "list", "TextBody": "{{#each name}}{{.}}{{/each}}"}
    assert sandbox.server.change("/templates", template).object
    page = rendered(campaign(template="list"), 0, server=sandbox.server)
    assert "TextBody cannot be rendered, so that the mail would bounce" in page
    assert "is used like an array" in page


def test_a_wrong_server_or_letter_is_refused():
    """With what to give."""
    with pytest.raises(MailframeError, match="give sandbox"):
        campaign().preview(server="https://api.postmarkapp.com")
    plain = PEOPLE.mail.compose(
        sender="a@acme.example", to="{{ email }}", subject="x", text_body="y"
    )
    with mf.Sandbox(in_process=True) as sandbox, pytest.raises(MailframeError, match="has none"):
        plain.preview(server=sandbox.server)


def test_a_server_that_does_not_answer_is_named():
    """The row is shown with its model."""
    server = mf.Postmark("any", base_url="http://127.0.0.1:9", timeout=2)
    page = rendered(campaign(), 0, server=server)
    assert "Postmark did not render it: Connect" in page
    assert "plan.name" in page


def test_a_silent_server_is_asked_for_one_row_alone():
    """Each row of a page would wait for the whole timeout."""
    asked: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ReadTimeout("no answer", request=request)

    server = mf.Postmark("any", transport=httpx.MockTransport(reply))
    rendering = template_rendering(server, has_template=True)
    for model in ({"a": 1}, {"a": 2}):
        made = rendering({"TemplateAlias": "welcome", "TemplateModel": model})
        assert made.about == "Postmark did not render it: ReadTimeout."
    assert asked == ["/templates/welcome"]


def test_an_answer_of_another_form_is_no_mail():
    """As of a proxy, or of another version of Postmark; the row is shown with its model."""
    part = b'{"RenderedContent":"x","ValidationErrors":[]}'
    answers = {
        b"<html>": "HTTP 200, but another answer",
        b"[]": "HTTP 200, but another answer",
        b"{}": "another form",
        b'{"Subject":null,"HtmlBody":null}': "another form",
        b'{"Subject":"x","HtmlBody":%s}' % part: "another form",
        b'{"Subject":%s,"TextBody":[1]}' % part: "another form",
        b'{"Subject":%s,"TextBody":{"RenderedContent":5}}' % part: "another form",
        b'{"Subject":%s,"TextBody":{"ValidationErrors":[1]}}' % part: "another form",
        b'{"Subject":%s,"SuggestedTemplateModel":[1]}' % part: "",
    }
    for answer, fault in answers.items():

        def reply(request: httpx.Request, content: bytes = answer) -> httpx.Response:
            is_asked = request.url.path == "/templates/validate"
            stored = orjson.dumps({**TEMPLATE, "TemplateId": 7, "Active": True})
            return httpx.Response(200, content=content if is_asked else stored)

        server = mf.Postmark(
            "any", base_url="http://127.0.0.1:9", transport=httpx.MockTransport(reply)
        )
        page = rendered(campaign(), 0, server=server)
        remark = "Postmark did not render it: " if fault else "Rendered by Postmark"
        assert remark in page
        assert fault in page
        assert "plan.name" in page


def test_the_widget_shows_the_rendering_and_its_saved_copy_is_masked(sandbox):
    """The first view is that of the HTML part."""
    pytest.importorskip("ipywidgets")
    widget = campaign().preview([0], static=False, server=sandbox.server)
    bundle = widget._repr_mimebundle_()
    assert "Rendered by Postmark" in widget._panes.header.value
    assert "Hi Ann" in widget._panes.header.value
    assert "Ann" not in bundle["text/html"]
    widget.close()
