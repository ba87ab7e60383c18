"""Batches whose messages are checked many at once: the answers and what is kept are the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.checks.account import Account
from mailframe.sandbox.checks.message_checks import checked_message
from mailframe.sandbox.checks.request_json import many_messages
from mailframe.sandbox.checks.usual_messages import recipient, usual
from tests.sandbox.sandbox_mail import mail, post

ACCOUNT = Account()
EMOJI = "\N{PARTY POPPER}"
TEXTS = st.text("aB.@<>\", \n'é" + EMOJI, max_size=12)
LONG = st.sampled_from(["x" * 80, "x" * 81, EMOJI * 40, EMOJI * 41, "x" * 1001, EMOJI * 500])
ADDRESSES = st.sampled_from(
    [
        "a.b+c@mail.example.com",
        "Ann <ann@example.com>",
        "Dr. Ann O'Neil <ann@example.com>",
        " Ann <ann@example.com>",
        "Ann  Lee <ann@example.com>",
        "a..b@example.com",
        "a@example",
        "a@example.com,",
        "a@-.com",
        "a@example..com",
        "",
    ]
)
FIELDS = st.fixed_dictionaries(
    {"From": ADDRESSES | TEXTS | LONG, "To": ADDRESSES | TEXTS, "TextBody": st.just("Hi") | TEXTS},
    optional={
        "Cc": ADDRESSES | st.none(),
        "ReplyTo": ADDRESSES | st.none(),
        "Subject": TEXTS | LONG | st.none(),
        "Tag": TEXTS | LONG | st.none(),
        "HtmlBody": TEXTS | st.none(),
        "TrackLinks": st.sampled_from(["", "None", "none", None]),
        "MessageStream": st.sampled_from(["", "broadcast", "inbound", "nowhere", None]),
        "Metadata": st.dictionaries(
            TEXTS | st.sampled_from(["x" * 20, "x" * 21, EMOJI * 10, EMOJI * 11]),
            TEXTS | LONG | st.integers() | st.booleans(),
            max_size=11,
        ),
        "Headers": st.lists(
            st.fixed_dictionaries(
                {"Name": TEXTS | st.sampled_from(["List-Unsubscribe", "Message-ID", "Date"])},
                optional={"Value": TEXTS | st.none()},
            ),
            max_size=3,
        ),
    },
)
CAMPAIGN = mail(
    From="Acme Inc. <hello@example.com>",
    To="Ann Lee <Ann@example.com>",
    HtmlBody="<p>Hi",
    ReplyTo="reply@example.com",
    Tag="spring",
    Metadata={"mailframe-batch": "7", "row": "1"},
    Headers=[{"Name": "List-Unsubscribe", "Value": "<https://example.com/u>"}],
    TrackOpens=True,
    TrackLinks="HtmlOnly",
    MessageStream="broadcast",
    Cc=None,
)
FILE = {"Name": "a.txt", "Content": "aGk=", "ContentType": "text/plain"}
NAMES = [*CAMPAIGN, "Cc", "Bcc", "Attachments", "subject", "Own", "InactiveRecipients"]
ANYTHING = st.none() | st.booleans() | st.integers() | TEXTS | st.just([]) | st.just({})
CHANGED = st.dictionaries(
    st.sampled_from(NAMES), ANYTHING | st.just([FILE]) | st.lists(ANYTHING, max_size=2), max_size=2
)
OF_CAMPAIGN = st.builds(
    lambda to, subject, changed: CAMPAIGN | {"To": to, "Subject": subject} | changed,
    st.sampled_from(["ann@example.com", "Bob <Bob@Example.com>", '"Lee, A" <a@example.com>']),
    TEXTS,
    st.just({}) | CHANGED,
)
BATCHES = st.lists(OF_CAMPAIGN | FIELDS | CHANGED, max_size=5)


@settings(deadline=None, max_examples=75)
@given(BATCHES)
def test_what_is_usual_passes_all_checks(messages):
    """With the same stream and recipient, and no key of it is written in another way."""
    for message, stream in zip(messages, usual(messages, ACCOUNT), strict=True):
        if stream is not None:
            checked = checked_message(message, ACCOUNT)
            assert many_messages([message]) == [message]
            assert [one.address.lower() for one in checked.recipients] == [recipient(message)]
            assert checked.stream == stream


@settings(deadline=None, max_examples=30)
@given(BATCHES, st.booleans())
def test_a_batch_is_answered_and_kept_as_if_each_message_were_checked_alone(messages, is_strict):
    """An unknown field, which Postmark ignores, rules out that they are checked at once."""
    options = {"senders": ["example.com"], "suppressions": ["bob@example.com"]} if is_strict else {}
    answers, kept = [], []
    for unknown in ({}, {"Zz": 0}):
        batch = [message | unknown for message in messages]
        with LocalPostmark(in_process=True, seed=1, **options) as sandbox:
            answers.append(re.sub(r'"SubmittedAt":"[^"]+"', "", post(sandbox, batch).text))
            kept.append(
                [
                    (one.message_id, one.stream, one.head | {"Zz": 0}, one.content)
                    for one in sandbox._store.messages.all()
                ]
            )
    assert answers[0] == answers[1]
    assert kept[0] == kept[1]


@pytest.mark.parametrize(
    ("change", "is_usual"),
    [
        ({}, True),
        ({"To": "ann@example.com"}, True),
        ({"To": "ann@example.com,"}, False),
        ({"Subject": "x" * 1000}, True),
        ({"Subject": "x" * 1001}, False),
        ({"Subject": "a\nb"}, False),
        ({"Tag": "x" * 500}, True),
        ({"Tag": "x" * 501}, False),
        ({"Metadata": {f"key-{number}": "v" * 40 for number in range(10)}}, True),
        ({"Metadata": {f"key-{number}": "v" for number in range(11)}}, False),
        ({"Metadata": {"key": "v" * 41}}, False),
        ({"Metadata": {"k" * 20: EMOJI * 40}}, True),
        ({"Metadata": {"k" * 21: "v"}}, False),
        ({"Metadata": {"Key": "v", "key": "v"}}, False),
        ({"Headers": [{"Name": "X-Own", "Value": "1"}]}, False),
        ({"Headers": [{"Name": "Message-ID", "Value": "a\r\nb"}]}, False),
        ({"Attachments": []}, True),
        ({"Attachments": [FILE]}, False),
        ({"MessageStream": ""}, True),
        ({"MessageStream": "inbound"}, False),
        ({"Cc": ""}, True),
        ({"Cc": "a@example.com"}, False),
        ({"Cc": 0}, False),
        ({"From": None}, False),
        ({"HtmlBody": "", "TextBody": None}, False),
        ({"TrackLinks": "none"}, False),
        ({"ReplyTo": "a, b"}, False),
    ],
)
def test_one_message_that_needs_all_checks_does_not_change_its_neighbors(change, is_usual):
    """Most messages of a campaign take the short way, alone and in any batch."""
    changed = CAMPAIGN | change
    usual_ones = [one is not None for one in usual([CAMPAIGN, changed, CAMPAIGN], ACCOUNT)]
    assert usual_ones == [True, is_usual, True]
    assert [usual([changed], ACCOUNT)[0] is not None] == [is_usual]


@pytest.mark.parametrize("other", [7, None, [], mail(subject="Hi", Subject=None)])
def test_another_kind_of_item_takes_all_of_its_batch_the_long_way(other):
    """Such as a key in another case."""
    assert usual([CAMPAIGN, other], ACCOUNT) == [None, None]
