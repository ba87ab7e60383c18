"""Campaigns that Postmark renders with its templates: laws, faults, kills and resumes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pandas as pd
import pytest

import mailframe as mf
from mailframe import errors, limits
from mailframe.message.batch import batches, counts
from mailframe.message.message import Message
from mailframe.sandbox import Fault, FaultName
from tests.campaigns import judge, people, send_with

if TYPE_CHECKING:
    from collections.abc import Iterator

LETTER = mf.Letter(
    sender="Acme <hello@acme.example>",
    to="{{ email }}",
    template="welcome",
    model={"name": "Ann {{ n }}", "number": lambda df: df["n"], "items": [{"id": "{{ n }}"}]},
    metadata={"n": "{{ n }}"},
)
TEMPLATE = {
    "Name": "Welcome",
    "Alias": "welcome",
    "Subject": "Hi {{name}}",
    "TextBody": "{{number}}:{{#each items}} {{id}}{{/each}}",
}
BATCH = "/email/batchWithTemplates"


def campaign(rows: int, **fields: object) -> mf.Campaign:
    """The letter to as many people."""
    return people(rows).mail.compose(LETTER, name="numbers", **fields)


@contextmanager
def sandbox_with(*templates: dict[str, object], **options: object) -> Iterator[mf.Sandbox]:
    """A sandbox that has these templates."""
    with mf.Sandbox(**{"in_process": True, **options}) as sandbox:
        for template in templates or (TEMPLATE,):
            assert sandbox.server.change("/templates", template).object
        yield sandbox


def test_each_row_gets_the_mail_of_its_own_model():
    """In batches of 500, with marks for the ledger; a second run sends nothing."""
    with sandbox_with() as sandbox:
        frame = people(1_001).set_index(pd.Index(["same"] * 1_001))
        composed = frame.mail.compose(LETTER, name="numbers")
        results = composed.send(sandbox.server, progress=False)
        judge(results, sandbox)
        assert results.index.equals(frame.index)
        arrived = sandbox.messages().set_index("To").loc[frame["email"]]
        assert arrived["Subject"].tolist() == [f"Hi Ann {n}" for n in range(1_001)]
        assert arrived["TextBody"].tolist() == [f"{n}: {n}" for n in range(1_001)]
        assert set(arrived["Metadata"].iloc[0]) == {"n", "mf-c", "mf-b", "mf-m"}
        posts = sandbox.requests().query("path == @BATCH")
        assert posts["messages"].tolist() == [500, 500, 1]
        made = composed.batches()
        bare = [b'{"Messages":[%s]}' % b",".join(m.body for m in batch) for batch in made]
        assert bare == [batch.body for batch in composed.batches()]
        assert composed.plan().bytes == sum(map(len, bare))
        again = composed.send(sandbox.server, progress=False)
        assert set(again["reason"]) == {"already_sent"}
        assert len(sandbox.requests().query("path == @BATCH")) == 3


@pytest.mark.parametrize(
    ("templates", "fields", "text"),
    [
        ((), {"template": "wellcome"}, "no template 'wellcome'; server.templates()"),
        ((), {"template": 77}, "no template 77"),
        ((), {"template": "{{ ['welcome', 'gone'][n % 2] }}"}, "no template 'gone'"),
        ((), {"template": "t{{ n }}"}, "name 101 templates, and a server has at most 100"),
        (
            (
                TEMPLATE,
                {
                    "Name": "L",
                    "Alias": "frame",
                    "TemplateType": "Layout",
                    "TextBody": "{{{ @content }}}",
                },
            ),
            {"template": "frame"},
            "'frame' is a layout",
        ),
    ],
)
def test_a_template_that_is_not_there_refuses_the_run_before_the_first_request(
    templates, fields, text
):
    """Also a dry run; every row is unsent."""
    with sandbox_with(*templates) as sandbox:
        for options in ({}, {"dry_run": True}, {"ledger": None}):
            with pytest.raises(errors.UnknownTemplate, match=text) as caught:
                campaign(101, **fields).send(sandbox.server, progress=False, **options)
            assert set(caught.value.results["status"]) == {"unsent"}
        with pytest.raises(errors.UnknownTemplate, match=text):
            campaign(101, **fields).plan(sandbox.server)
        assert campaign(101, **fields).plan().messages == 101
        assert len(sandbox.messages()) == 0
        assert BATCH not in set(sandbox.requests()["path"])


def test_the_template_of_a_row_that_is_left_out_stops_nothing():
    """As its other errors; nor does that of a row that was sent."""
    letter = {"template": "{{ 'welcome' if n else 'gone' }}"}
    with sandbox_with() as sandbox:
        results = campaign(3, **letter).send(
            sandbox.server, progress=False, exclude=["p0@example.com"]
        )
        assert results["status"].tolist() == ["skipped", "accepted", "accepted"]
        assert campaign(3, **letter).plan(sandbox.server, exclude=["p0@example.com"]).skipped == {
            "already_sent": 2,
            "excluded": 1,
        }


@pytest.mark.parametrize("by", ["alias", "id"])
def test_a_template_is_asked_for_once_and_only_where_something_is_to_be_sent(by):
    """Not by a letter without one, and not by a second run after the template was deleted."""
    with sandbox_with() as sandbox:
        [number] = sandbox.server.templates()["TemplateId"]
        template = "welcome" if by == "alias" else int(number)
        plain = mf.Letter(sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="Hi")
        people(2).mail.compose(plain, name="plain").send(sandbox.server, progress=False)
        campaign(2, template=template).send(sandbox.server, progress=False)
        delete(sandbox, number)
        again = campaign(2, template=template).send(sandbox.server, progress=False)
        assert set(again["reason"]) == {"already_sent"}
        asked = sandbox.requests()["path"].str.startswith("/templates/").sum()
        assert asked == 2  # one is the deletion
        text = "was deleted" if by == "id" else "no template"
        with pytest.raises(errors.UnknownTemplate, match=text):
            campaign(3, template=template).send(sandbox.server, progress=False)


def delete(sandbox: mf.Sandbox, number: int) -> None:
    """Delete a template, which mailframe has no verb for."""
    headers = {"X-Postmark-Server-Token": sandbox.token, "Accept": "application/json"}
    with httpx.Client(
        transport=sandbox.transport(), base_url="http://sandbox", headers=headers
    ) as http:
        assert http.delete(f"/templates/{number}").status_code == 200


class DeletingTemplate(httpx.BaseTransport):
    """The sandbox, whose template is deleted after the first batch."""

    def __init__(self, sandbox: mf.Sandbox) -> None:
        self.sandbox, self.inner = sandbox, sandbox.transport()
        self.server = mf.Postmark(sandbox.token, base_url="http://127.0.0.1:9", transport=self)
        [self.number] = sandbox.server.templates()["TemplateId"]
        self.is_deleted = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on, and delete the template after a batch."""
        response = self.inner.handle_request(request)
        if request.url.path == BATCH and not self.is_deleted:
            response.read()
            self.is_deleted = True
            delete(self.sandbox, self.number)
        return response


def test_a_template_that_is_deleted_between_two_batches_ends_the_run():
    """The rejected rows and the rest are sent by the next run, each once."""
    with sandbox_with() as sandbox:
        wire = DeletingTemplate(sandbox)
        with pytest.raises(errors.EveryoneRejected, match="1101") as caught:
            send_with(campaign(1_001), wire.server)
        results = caught.value.results
        judge(results, sandbox)
        counts = results["status"].value_counts().to_dict()
        assert counts == {"accepted": 500, "rejected": 500, "unsent": 1}
        assert set(results.query("status == 'rejected'")["reason"]) == {"template_not_found"}
        sandbox.server.change("/templates", TEMPLATE)
        second = send_with(campaign(1_001), wire.server)
        judge(second.query("status != 'skipped'"), sandbox)
        assert len(sandbox.messages()) == 1_001


@pytest.mark.parametrize(
    "name",
    [
        FaultName.HTTP_429,
        FaultName.HTTP_413_HTML,
        FaultName.RESET_ACCEPTED,
        FaultName.PART_ACCEPTED,
    ],
)
def test_faults_make_no_duplicate_and_unclear_answers_are_reconciled(name):
    """Busy, too large, accepted without an answer, accepted in part."""
    with sandbox_with(in_process=False) as sandbox:
        sandbox.fault(Fault(name, request=1))
        first = send_with(campaign(7), sandbox.server)
        judge(first, sandbox)
        if name is not FaultName.PART_ACCEPTED:
            assert set(first["status"]) == {"accepted"}
        second = send_with(campaign(7), sandbox.server)
        judge(second.query("status != 'skipped'"), sandbox)


SENDER = """
import os, mailframe as mf
from tests.send.test_postmark_templates import campaign
campaign(1_501).send(mf.Postmark("any", base_url=os.environ["SANDBOX_URL"]), progress=False)
"""


@pytest.mark.slow
def test_a_killed_send_is_resumed_without_a_duplicate(tmp_path):
    """By SIGKILL, while the answer to an accepted batch is on its way."""
    with sandbox_with(in_process=False) as sandbox:
        moment = threading.Event()
        sandbox.fault("slow", request=2, delay_s=60)
        sandbox.listen(lambda seen: moment.set() if seen.number == 2 else None)
        environment = {**os.environ, "SANDBOX_URL": sandbox.url}
        with subprocess.Popen([sys.executable, "-c", SENDER], env=environment) as process:
            assert moment.wait(60)
            process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        server = mf.Postmark("any", base_url=sandbox.url)
        results = campaign(1_501).send(server, progress=False)
        assert set(results["status"]) == {"accepted", "skipped"}
        judge(results.query("status == 'accepted'"), sandbox)
        assert len(sandbox.messages()) == 1_501


@pytest.mark.parametrize(("over", "expected"), [(-1, [5, 1]), (0, [5, 1]), (1, [4, 2])])
def test_a_batch_of_fifty_million_bytes_is_counted_with_the_object_around_it(over, expected):
    """To the byte, with the marks of the ledger; a plan counts as the batches are made."""
    start, commas = b'{"TemplateAlias":"a","TemplateModel":{},"From":"', 4
    whole = limits.MAX_BATCH_BYTES - len(b'{"Messages":[]}') - commas
    sizes = [size - limits.METADATA_BYTES_FOR_MAILFRAME for size in [whole // 5] * 5]
    sizes[4] += whole - 5 * (whole // 5) + over
    bodies = [start + b"y" * (size - len(start) - 2) + b'"}' for size in (*sizes, 1_000)]
    made = list(batches(Message(n, "a@b.example", body) for n, body in enumerate(bodies)))
    assert [len(batch) for batch in made] == expected
    planned = counts(map(len, bodies), with_templates=True)
    assert planned == [(len(batch), batch.size) for batch in made]
    marked = made[0].marked(campaign="c" * 24, attempt="b" * 24, keys=["m" * 32] * len(made[0]))
    assert marked.size <= limits.MAX_BATCH_BYTES
    if over <= 0:
        assert marked.size == len(marked.body) == limits.MAX_BATCH_BYTES + over


def test_one_message_goes_to_the_endpoint_of_templates_and_a_test_email_has_no_subject():
    """The mark of a test email is in its metadata alone, because the template has the subject."""
    with sandbox_with() as sandbox:
        composed = campaign(2)
        answer = sandbox.server.send_email(composed.message(1))
        assert answer.outcomes[0].accepted
        sent = composed.send_test(sandbox.server, "me@acme.example", rows=[0])
        assert sent["status"].tolist() == ["accepted"]
        assert set(sandbox.requests()["path"].iloc[1:]) == {"/email/withTemplate"}
        arrived = sandbox.messages()
        assert arrived["Subject"].tolist() == ["Hi Ann 1", "Hi Ann 0"]
        assert arrived["To"].tolist() == ["p1@example.com", "me@acme.example"]
        assert arrived["Metadata"].iloc[1] == {"n": "0", "mf-test": "row 0 of numbers"}


def test_an_edited_model_is_a_changed_letter_and_an_approval_covers_it():
    """As with any letter; the text of the template at Postmark is not part of either."""
    with sandbox_with() as sandbox:
        approved = campaign(3).fingerprint
        campaign(3).send(sandbox.server, progress=False, limit=1, approved=approved)
        edited = campaign(3, model={"name": "Bob"})
        with pytest.raises(errors.NotApproved):
            edited.send(sandbox.server, progress=False, approved=approved)
        with pytest.raises(errors.LetterChanged):
            edited.send(sandbox.server, progress=False)


def test_variants_have_templates_of_their_own():
    """One by its alias and one by its ID; a variant with bodies beside them is refused."""
    with sandbox_with(TEMPLATE, {**TEMPLATE, "Alias": "bold", "Subject": "Bold"}) as sandbox:
        ids = sandbox.server.templates().set_index("Alias")["TemplateId"]
        variants = {"plain": LETTER, "bold": LETTER.replace(template=int(ids["bold"]))}
        composed = people(20).mail.compose(variants=variants, name="v", key="n")
        results = composed.send(sandbox.server, progress=False)
        assert set(results["status"]) == {"accepted"}
        subjects = sandbox.messages().set_index("To")["Subject"].loc[results["email"]]
        is_bold = (results["variant"] == "bold").tolist()
        assert (subjects == "Bold").tolist() == is_bold
        assert composed.messages()["TemplateId"].notna().tolist() == is_bold
        assert composed.messages()["TemplateAlias"].isna().tolist() == is_bold
    plain = mf.Letter(sender="a@acme.example", to="{{ email }}", subject="x", text_body="y")
    with pytest.raises(errors.LetterError, match="send them as two campaigns"):
        people(2).mail.compose(variants={"a": LETTER, "b": plain}, name="v", key="n")


def test_messages_of_both_kinds_are_no_batch():
    """No request takes both, so the wrong one would refuse its messages."""
    plain = people(1).mail.compose(
        LETTER.replace(template=None, model=None, text_body="x"), subject="x"
    )
    with pytest.raises(errors.MailframeError, match="no request takes both"):
        list(batches([campaign(1).message(0), plain.message(0)]))


def test_a_dataset_is_sent_with_its_template_and_checks_that_it_is_there(tmp_path):
    """Messages that other processes have rendered; the endpoint is that of each message."""
    pytest.importorskip("pyarrow")
    letter = LETTER.replace(model={"name": "Ann {{ n }}"})
    path = mf.write_messages(people(3), letter, tmp_path / "out", key="n")
    dataset = mf.messages(path, name="numbers")
    with sandbox_with() as sandbox:
        results = dataset.send(sandbox.server, progress=False)
        assert results["status"].tolist() == ["accepted"] * 3
        assert sandbox.messages()["Subject"].tolist() == [f"Hi Ann {n}" for n in range(3)]
        shown = dataset.preview(static=True, server=sandbox.server)._repr_html_()
        assert "Rendered by Postmark" in shown
    with mf.Sandbox(in_process=True) as empty, pytest.raises(errors.UnknownTemplate):
        dataset.send(empty.server, progress=False, ledger=None)
