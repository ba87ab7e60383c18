"""One text is one mailbox. Test ids begin with the row of the table of bad inputs."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.utils import getaddresses

import pandas as pd
import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mailframe.limits import MAX_MAILBOX_UNITS, utf16_units
from mailframe.message.address_errors import AddressError, AddressFault
from mailframe.message.addresses import (
    SPECIAL_TOP_LEVEL_DOMAINS,
    Mailbox,
    _read_any,
    _read_plain,
    is_documentation_domain,
    plain_addresses,
    read_mailbox,
)
from mailframe.problems import Code

LABEL_63 = "b" * 63
LABEL_64 = "b" * 64

READ = [
    pytest.param("a@example.com", "", "a@example.com", id="1-plain"),
    pytest.param("A.B+tag@Example.COM", "", "A.B+tag@example.com", id="1-upper-case"),
    pytest.param("Info@Example.com", "", "Info@example.com", id="1-role-name-kept-as-written"),
    pytest.param("o'brien@example.com", "", "o'brien@example.com", id="1-apostrophe"),
    pytest.param("{a}/b=c|d@example.com", "", "{a}/b=c|d@example.com", id="1-odd-but-allowed"),
    pytest.param("Bob <a@example.com>", "Bob", "a@example.com", id="6-named"),
    pytest.param("Bob<a@example.com>", "Bob", "a@example.com", id="6-no-space"),
    pytest.param(
        "Zoë Łukasz 美咲 <a@example.com>", "Zoë Łukasz 美咲", "a@example.com", id="6-unicode-name"
    ),
    pytest.param('"Smith, John" <a@example.com>', "Smith, John", "a@example.com", id="6-quoted"),
    pytest.param(
        '"A \\"B\\" \\\\ C" <a@example.com>', 'A "B" \\ C', "a@example.com", id="6-escapes"
    ),
    pytest.param('"" <a@example.com>', "", "a@example.com", id="6-empty-quotes"),
    pytest.param("Smith, John <j@example.com>", "Smith, John", "j@example.com", id="6-raw-comma"),
    pytest.param(
        "Sales; Acme <j@example.com>", "Sales; Acme", "j@example.com", id="6-raw-semicolon"
    ),
    pytest.param(
        "a@example.com <a@example.com>", "a@example.com", "a@example.com", id="6-address-as-name"
    ),
    pytest.param("J. R. (Bob) <j@example.com>", "J. R. (Bob)", "j@example.com", id="6-specials"),
    pytest.param("a@münchen.example", "", "a@xn--mnchen-3ya.example", id="12-idn"),
    pytest.param("a@MÜNCHEN.example", "", "a@xn--mnchen-3ya.example", id="12-idn-upper-case"),
    pytest.param("a@mu\u0308nchen.example", "", "a@xn--mnchen-3ya.example", id="12-idn-decomposed"),
    pytest.param("a@xn--mnchen-3ya.example", "", "a@xn--mnchen-3ya.example", id="13-punycode"),
    pytest.param("a" * 64 + "@example.com", "", "a" * 64 + "@example.com", id="19-local-64"),
    pytest.param(f"a@{LABEL_63}.com", "", f"a@{LABEL_63}.com", id="19-label-63"),
    pytest.param("x@example.com", "", "x@example.com", id="24-documentation"),
    pytest.param("bob+1@example.com", "", "bob+1@example.com", id="28-plus-kept"),
    pytest.param(
        'Bob "The" <x@evil.example> <bob@example.com>',
        'Bob "The" <x@evil.example>',
        "bob@example.com",
        id="30-address-in-name",
    ),
]

REFUSED = [
    pytest.param(
        "a@b.com\r\nBcc: x@y.example", AddressFault.CONTROL_CHARACTER, r"'\r'", id="3-crlf"
    ),
    pytest.param("a@example.com\n", AddressFault.CONTROL_CHARACTER, "trim", id="3-line-end"),
    pytest.param("a@b.com,c@d.com", AddressFault.SEVERAL, "list of templates", id="4-comma"),
    pytest.param("a@b.com; c@d.com", AddressFault.SEVERAL, "list of templates", id="4-semicolon"),
    pytest.param("a@b.com\nc@d.com", AddressFault.SEVERAL, "list of templates", id="4-newline"),
    pytest.param("A <a@b.com>\r\nC <c@d.com>", AddressFault.SEVERAL, "list of", id="4-named-lines"),
    pytest.param("a@b.com c@d.com", AddressFault.SEVERAL, "list of templates", id="4-space"),
    pytest.param("a@b.com|c@d.com", AddressFault.SEVERAL, "list of templates", id="4-bar"),
    pytest.param(
        "a@b.com|Bob <|@d.com>", AddressFault.SEVERAL, "list of templates", id="4-bar-in-both"
    ),
    pytest.param(
        "|@b.com|Bob <c@d.com>", AddressFault.SEVERAL, "list of templates", id="4-bar-before"
    ),
    pytest.param(
        "a@b.com、c@d.com", AddressFault.SEVERAL, "list of templates", id="4-ideographic-comma"
    ),
    pytest.param(
        "a@b.com, Bob <c@d.com>", AddressFault.SEVERAL, "list of templates", id="4-bare-then-named"
    ),
    pytest.param(
        "Al <a@b.com>; Bob <c@d.com>", AddressFault.SEVERAL, "list of templates", id="4-two-named"
    ),
    pytest.param(
        "Al <a@b.com,c@d.com>", AddressFault.SEVERAL, "list of templates", id="4-inside-brackets"
    ),
    pytest.param(
        "<a@b.com> <c@d.com>", AddressFault.SEVERAL, "list of templates", id="4-two-bracketed"
    ),
    pytest.param(
        'a@b.com", "Bob <c@d.com>', AddressFault.SEVERAL, "list of templates", id="4-hidden-comma"
    ),
    pytest.param(
        "'@b.com, Bob <c@d.com>", AddressFault.SEVERAL, "list of templates", id="4-apostrophe"
    ),
    pytest.param(
        "/@b.com|Bob <c@d.com>", AddressFault.SEVERAL, "list of templates", id="4-slash-and-bar"
    ),
    pytest.param(
        "friends: a@b.com, c@d.com;", AddressFault.SEVERAL, "list of templates", id="4-group"
    ),
    pytest.param("a@b.com,", AddressFault.INVALID, "Leave out the ','", id="4-nothing-after-comma"),
    pytest.param("<a@b.com>", AddressFault.INVALID, "without < and >", id="7-brackets"),
    pytest.param("mailto:a@b.com", AddressFault.INVALID, "Leave out 'mailto:'", id="7-mailto"),
    pytest.param(
        "Bob <MAILTO:a@b.com>", AddressFault.INVALID, "Leave out 'mailto:'", id="7-named-mailto"
    ),
    pytest.param(".a@b.com", AddressFault.INVALID, "period", id="9-leading-dot"),
    pytest.param("a..b@b.com", AddressFault.INVALID, "period", id="9-double-dot"),
    pytest.param("a.@b.com", AddressFault.INVALID, "period", id="9-trailing-dot"),
    pytest.param("a@b..com", AddressFault.INVALID, "period", id="9-double-dot-in-domain"),
    pytest.param("a@b.com.", AddressFault.INVALID, "Leave out the '.'", id="9-root-dot"),
    pytest.param('"a b"@c.com', AddressFault.INVALID, "Quoting", id="10-quoted-local"),
    pytest.param('"a@evil.com x"@c.com', AddressFault.INVALID, "Quoting", id="10-nodemailer"),
    pytest.param("a@[127.0.0.1]", AddressFault.INVALID, "bracketed", id="10-domain-literal"),
    pytest.param("zoë@example.com", AddressFault.INVALID, "not supported", id="12-non-ascii-local"),
    pytest.param("a\0@b.com", AddressFault.CONTROL_CHARACTER, r"'\x00'", id="18-nul"),
    pytest.param("\ud800@b.com", AddressFault.UNENCODABLE, r"\ud800", id="18-surrogate"),
    pytest.param("a\x85@b.com", AddressFault.CONTROL_CHARACTER, r"'\x85'", id="18-c1"),
    pytest.param(
        "a@b\u2028.com", AddressFault.CONTROL_CHARACTER, r"'\u2028'", id="18-line-separator"
    ),
    pytest.param("a@\u202eb.com", AddressFault.INVALID, "unsafe", id="18-bidi-in-address"),
    pytest.param("\ufeffa@b.com", AddressFault.INVALID, r"\ufeff", id="18-byte-order-mark"),
    pytest.param("a" * 65 + "@b.com", AddressFault.INVALID, "too long", id="19-local-65"),
    pytest.param(f"a@{LABEL_64}.com", AddressFault.INVALID, "so many", id="19-label-64"),
    pytest.param(
        f"a@{LABEL_63}.{LABEL_63}.{LABEL_63}.{'c' * 61}.d",
        AddressFault.INVALID,
        "too long",
        id="19-255",
    ),
    pytest.param("", AddressFault.EMPTY, "empty", id="22-empty"),
    pytest.param("   ", AddressFault.EMPTY, "empty", id="22-spaces"),
    pytest.param(" a@b.com", AddressFault.SURROUNDING_SPACE, "| trim", id="22-leading-space"),
    pytest.param("a@b.com\u00a0", AddressFault.SURROUNDING_SPACE, "| trim", id="22-no-break-space"),
    pytest.param(
        "Bob <a@b.com >", AddressFault.SURROUNDING_SPACE, "| trim", id="22-space-in-brackets"
    ),
    pytest.param(
        "Bob <a@b.com> ",
        AddressFault.SURROUNDING_SPACE,
        "no space after the >",
        id="22-space-at-the-end",
    ),
    pytest.param("g@example,com", AddressFault.INVALID, "'g@example.com'", id="comma-for-a-dot"),
    pytest.param(
        "Bob <g@example,com>", AddressFault.INVALID, "'g@example.com'", id="named-comma-for-a-dot"
    ),
    pytest.param('"f@example.com"', AddressFault.INVALID, "Leave out the quotes", id="in-quotes"),
    pytest.param("x@foo.test", AddressFault.INVALID, "special-use", id="25-test"),
    pytest.param("x@foo.INVALID", AddressFault.INVALID, "special-use", id="25-invalid"),
    pytest.param("x@foo.local", AddressFault.INVALID, "special-use", id="25-local"),
    pytest.param("x@foo.onion", AddressFault.INVALID, "special-use", id="25-onion"),
    pytest.param("x@localhost", AddressFault.INVALID, "period", id="25-localhost"),
    pytest.param(
        "x@foo\uff0e\uff54\uff45\uff53\uff54",
        AddressFault.INVALID,
        "special-use",
        id="25-full-width",
    ),
    pytest.param("Bob\t<a@b.com>", AddressFault.CONTROL_CHARACTER, r"'\t'", id="31-tab-in-name"),
    pytest.param(
        "Bo\nb <a@b.com>", AddressFault.CONTROL_CHARACTER, r"'\n'", id="31-line-end-in-name"
    ),
    pytest.param(
        "Bo\x00b <a@b.com>", AddressFault.CONTROL_CHARACTER, r"'\x00'", id="31-nul-in-name"
    ),
    pytest.param(
        "\udfffBob <a@b.com>", AddressFault.UNENCODABLE, r"\udfff", id="31-surrogate-in-name"
    ),
    pytest.param("N" * 400 + " <a@b.com>", AddressFault.NAME_TOO_LONG, "410", id="33-name-400"),
    pytest.param("a" * 10_000_000, AddressFault.NAME_TOO_LONG, "10,000,000", id="33-endless-cell"),
    pytest.param(
        "a?b@example.com", AddressFault.INVALID, "Postmark takes no ?", id="postmark-question-mark"
    ),
    pytest.param("a@b_c.com", AddressFault.INVALID, "'_'", id="underscore-in-domain"),
    pytest.param("example.com", AddressFault.INVALID, "@", id="no-at-sign"),
    pytest.param("Bob <>", AddressFault.INVALID, "@", id="nothing-in-brackets"),
    pytest.param("Bob a@b.com", AddressFault.INVALID, "Name <address>", id="no-brackets"),
    pytest.param("a@b.com (Bob)", AddressFault.INVALID, "Name <address>", id="comment"),
    pytest.param("Bob <a@b.com> Jr", AddressFault.INVALID, "", id="text-after-brackets"),
]

NOTED = [
    pytest.param(
        "a@b\uff0eexample", "a@b.example", Code.ADDRESS_NORMALISED, id="15-full-width-dot"
    ),
    pytest.param(
        "a@gmail。example",
        "a@gmail.example",
        Code.ADDRESS_NORMALISED,
        id="15-ideographic-full-stop",
    ),
    pytest.param("a\uff20b.example", "a@b.example", Code.ADDRESS_NORMALISED, id="15-full-width-at"),
    pytest.param(
        "a@\uff42.example", "a@b.example", Code.ADDRESS_NORMALISED, id="15-full-width-letter"
    ),
    pytest.param(
        "a@ex\u0430mple.com",
        "a@xn--exmple-4nf.com",
        Code.MIXED_SCRIPTS,
        id="16-cyrillic",
    ),
    pytest.param(
        "a@xn--exmple-4nf.com",
        "a@xn--exmple-4nf.com",
        Code.MIXED_SCRIPTS,
        id="16-punycode",
    ),
    pytest.param(
        "\u202eBob <a@b.example>",
        "a@b.example",
        Code.BIDI_IN_NAME,
        id="31-override-in-name",
    ),
    pytest.param(
        "Bob\u2066 <a@b.example>",
        "a@b.example",
        Code.BIDI_IN_NAME,
        id="31-isolate-in-name",
    ),
]

BLANK_HALVES = [
    pytest.param(" Müller <m@example.com>", "Müller", id="no-first-name"),
    pytest.param("Zoë  <z@example.com>", "Zoë", id="no-last-name"),
    pytest.param("  <z@example.com>", "", id="no-name"),
    pytest.param("Zoë  van   Dam <z@example.com>", "Zoë van Dam", id="no-middle-name"),
    pytest.param("\u00a0Zoë\u00a0Dam\u2003 <z@example.com>", "Zoë Dam", id="no-break-spaces"),
    pytest.param("\ufeffZoë\u200b <z@example.com>", "Zoë", id="zero-width"),
    pytest.param('"  Dam,   Zoë " <z@example.com>', "Dam, Zoë", id="quoted"),
    pytest.param(" , Zoë <z@example.com>", ", Zoë", id="comma-stays"),
]
CURED = [
    " a@acme.com",
    "a@acme.com\u00a0",
    "\u2003a@acme.com\n",
    "\u200ba@acme.com",
    "\ufeffa@acme.com",
    "a@acme.com\u2060",
    "a\u00ad@acme.com",
    "\u200e\u202aa@acme.com\u202c \ufeff",
    " \u200b a@acme.com",
    "a@acme,com",
    "a@mail;acme\uff0ccom",
    "a,b@acme.com",
    '"a@acme.com"',
    "'a@acme.com'",
    "“a@acme.com”",
    "«o'neil@acme.com»",
    "\"'a@acme.com'\"",
]
"""Cells whose error says which filter to write."""

ONE_SCRIPT = [
    "bücher",
    "пример",
    "例え",
    "テストー",
    "々例x",
    "한국abc",
    "日本go",
    "παράδειγμα",
    "مثال",
    "x1-2",
]


@pytest.mark.parametrize(("text", "name", "address"), READ)
def test_a_mailbox_is_read(text, name, address):
    """The name is unquoted, the domain is in lower case and punycode, and there are no warnings."""
    assert read_mailbox(text) == Mailbox(name, address)


@pytest.mark.parametrize(("text", "name"), BLANK_HALVES)
def test_white_space_of_a_display_name_is_collapsed(text, name):
    """A name of which one half is empty does not block the row."""
    mailbox = read_mailbox(text)
    assert mailbox.name == name
    assert read_mailbox(str(mailbox)) == mailbox


@pytest.mark.parametrize("template", ["{{ email }}", "Zoë <{{ email }}>"])
@pytest.mark.parametrize("cell", CURED)
def test_the_filter_that_an_address_error_names_makes_the_address_valid(cell, template):
    """The advice is applied as it is written."""
    df = pd.DataFrame({"email": [cell]})
    fields = {"sender": "me@acme.com", "subject": "x", "text_body": "x"}
    [detail] = df.mail.compose(to=template, **fields).problems()["detail"]
    filters = re.search(r"\{\{ … \| (.*?) \}\}", detail)[1]
    cured = df.mail.compose(to=template.replace("email", f"email | {filters}"), **fields)
    assert cured.problems().empty
    assert cured.messages()["To"][0].endswith(
        ("@acme.com", "@acme.com>", "@mail.acme.com", "@mail.acme.com>")
    )


@pytest.mark.parametrize(
    "text", ["a@acme.com, Bob", "Smith, a@acme.com", "a@acme,com", "g, h@acme.com", "a@b,c,d"]
)
def test_one_address_with_a_comma_is_not_called_several(text):
    """The error does not advise a list of templates."""
    with pytest.raises(AddressError) as caught:
        read_mailbox(text)
    assert caught.value.code is AddressFault.INVALID


@pytest.mark.parametrize(("text", "code", "words"), REFUSED)
def test_a_text_that_is_not_a_mailbox_is_refused(text, code, words):
    """The error has a code and a sentence."""
    with pytest.raises(AddressError) as caught:
        read_mailbox(text)
    assert caught.value.code is code
    assert words in str(caught.value)


@pytest.mark.parametrize(("text", "_code", "_words"), REFUSED)
def test_the_error_text_shows_the_value_escaped_and_cut(text, _code, _words):
    """A long value, or one with line ends, is safe to log."""
    with pytest.raises(AddressError) as caught:
        read_mailbox(text)
    sentence = str(caught.value)
    assert sentence.startswith(repr(text[:60]))
    assert sentence.isprintable()
    assert len(sentence) < 400


@pytest.mark.parametrize(("text", "address", "code"), NOTED)
def test_an_unusual_mailbox_is_read_with_a_warning(text, address, code):
    """The address is ASCII, and the warning has a detail."""
    mailbox = read_mailbox(text)
    assert mailbox.address == address
    assert [warning.code for warning in mailbox.warnings] == [code]
    assert mailbox.warnings[0].detail.isprintable()


@pytest.mark.parametrize("label", ONE_SCRIPT)
def test_a_label_in_one_script_has_no_warning(label):
    """Japanese, Chinese and Korean names often mix their scripts with Latin."""
    assert read_mailbox(f"a@{label}.example").warnings == ()


@pytest.mark.parametrize("text", ["Bob@x.example", "bob@X.example", "Robert <BOB@x.example>"])
def test_recipients_are_compared_without_case(text):
    """Row 27: the address is written as it was given, and compared in lower case."""
    assert read_mailbox(text).identity == "bob@x.example"


def test_an_idn_and_its_punycode_are_one_recipient():
    """Row 13."""
    assert (
        read_mailbox("a@münchen.example").identity
        == read_mailbox("A@xn--mnchen-3ya.example").identity
    )


def test_a_plus_makes_another_recipient():
    """Row 28: rules of single providers are not applied."""
    assert read_mailbox("bob+1@example.com").identity != read_mailbox("bob@example.com").identity


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("x@example.com", True),
        ("x@EXAMPLE.org", True),
        ("x@mail.example.net", True),
        ("x@acme.example", True),
        ("x@example", True),
        ("x@example.dev", False),
        ("x@myexample.com", False),
        ("x@example.com.evil.dev", False),
        ("example.com@real.dev", False),
    ],
)
def test_documentation_domains_are_recognized(address, expected):
    """Row 24: RFC 2606 reserves them for examples, so a live server must not get them."""
    assert is_documentation_domain(address) is expected


def test_a_name_with_a_comma_gets_quotes():
    """Without them Postmark would read two recipients."""
    assert str(read_mailbox("Smith, John <j@example.com>")) == '"Smith, John" <j@example.com>'


def test_quotes_and_backslashes_are_escaped():
    """Row 30: an address inside the name is part of the name."""
    written = str(read_mailbox('Bob "The" <x@evil.example> <bob@example.com>'))
    assert written == '"Bob \\"The\\" <x@evil.example>" <bob@example.com>'


@pytest.mark.parametrize("units", [MAX_MAILBOX_UNITS - 1, MAX_MAILBOX_UNITS])
@pytest.mark.parametrize("letter", ["n", "ñ", "🎉"])
def test_a_mailbox_of_the_whole_length_is_read(units, letter):
    """Row 33: 255 units as written are allowed, counted as Postmark counts."""
    space = units - len(" <a@example.com>")
    name = letter * (space // utf16_units(letter)) + "n" * (space % utf16_units(letter))
    assert utf16_units(str(read_mailbox(f"{name} <a@example.com>"))) == units


def test_one_unit_more_is_refused():
    """Row 33: the text is not cut."""
    name = "n" * (MAX_MAILBOX_UNITS + 1 - len(" <a@example.com>"))
    with pytest.raises(AddressError, match="256") as caught:
        read_mailbox(f"{name} <a@example.com>")
    assert caught.value.code is AddressFault.NAME_TOO_LONG


def test_the_quotes_count_towards_the_length():
    """The limit applies to the text that is posted."""
    name = "n" * (MAX_MAILBOX_UNITS - len(" <a@example.com>") - 1) + "."
    with pytest.raises(AddressError, match="257"):
        read_mailbox(f"{name} <a@example.com>")


# --- laws -----------------------------------------------------------------------------------------

unhurried = settings(deadline=None)  # the first domain loads the tables of idna
LOCALS = st.from_regex(
    r"[A-Za-z0-9!#$%&'*+/=^_`{|}~?-]{1,20}(\.[A-Za-z0-9_+-]{1,6}){0,2}", fullmatch=True
)
DOMAINS = st.from_regex(
    r"([A-Za-z0-9-]{1,12}\.){1,3}([a-z]{2,4}|test|local|arpa|example)", fullmatch=True
)
ADDRESSES = st.builds("{}@{}".format, LOCALS, DOMAINS)
NAMES = st.text(
    st.sampled_from("ab Z ëß美🎉'\"\\,;:<>@()[].|/&=?\uff20\uff0c\u202e\u05d0") | st.characters(),
    max_size=30,
)
ESCAPED = NAMES.map(lambda name: name.replace("\\", "\\\\").replace('"', '\\"'))
WORDS = st.from_regex(r"(\w[\w'&=?/|-]{0,8} ?){1,4}", fullmatch=True)
EVERYDAY = ADDRESSES | st.builds("{} <{}>".format, WORDS, ADDRESSES)
TEXTS = st.one_of(
    EVERYDAY,
    st.builds("{} <{}>".format, NAMES, ADDRESSES),
    st.builds('"{}" <{}>'.format, ESCAPED, ADDRESSES),
    st.builds(
        "{}{}{}".format, ADDRESSES, st.sampled_from([",", "; ", "\n", " ", "|", "<"]), ADDRESSES
    ),
    st.text(),
)


def read_or_none(text):
    """The mailbox, or None if it is refused; other exceptions are raised."""
    try:
        return read_mailbox(text)
    except AddressError:
        return None


@unhurried
@given(EVERYDAY | TEXTS)
def test_what_the_fast_path_reads_the_slow_path_reads_equally(text):
    """The fast path may leave a text to the slow path, but never reads it differently."""
    plain = _read_plain(text)
    if plain is not None:
        assert plain == _read_any(text)


@unhurried
@given(st.lists(EVERYDAY | TEXTS, min_size=1, max_size=6))
def test_plain_addresses_are_those_of_the_mailboxes(texts):
    """A text with a plain address is posted as it is written; other texts have no effect on it."""
    addresses = plain_addresses(texts)
    assert len(addresses) == len(texts)
    for text, address in zip(texts, addresses, strict=True):
        if address:
            mailbox = _read_any(text)
            assert (mailbox.address, str(mailbox), mailbox.warnings) == (address, text, ())


@pytest.mark.parametrize(
    ("texts", "addresses"),
    [
        (["a@example.com", "", "B@example.com"], ["a@example.com", "", "B@example.com"]),
        (["", "a@example.com"], ["", "a@example.com"]),
        (["Zoë <zoe@example.com>", "b@example.com"], ["zoe@example.com", ""]),
        (["a@Example.com", "a@example.com "], ["", ""]),
        (["a@example.com", "b@example.com\nc@example.com"], ["", ""]),
        (["a" * 52 + "@example.com"], ["a" * 52 + "@example.com"]),
        (["a" * 53 + "@example.com", "a@example.com"], ["", "a@example.com"]),
        (["a@x.test", "a@x.tests", "a@test.example"], ["", "a@x.tests", "a@test.example"]),
        (["Bob <a@x.onion>", "Bob <a@x.onions>"], ["", "a@x.onions"]),
        (["Bob\u2028 <a@x.example>", "Bob <a@x.example>\r"], ["", ""]),
    ],
)
def test_which_addresses_are_plain(texts, addresses):
    """One line each; at the boundaries of length, and of names of domains that are reserved."""
    assert plain_addresses(texts) == addresses


@pytest.mark.parametrize(
    "text",
    [
        "a@example.com",
        "A.b+c_d-e@Mail-1.Example.COM",
        "o'brien@example.org",
        "a" * 52 + "@example.com",
        "Zoë <zoe@example.com>",
        "Łukasz O'Brien-Smith <l@example.com>",
        "美咲 佐藤 <misaki@example.com>",
    ],
)
def test_everyday_mailboxes_take_the_fast_path(text):
    """The most common addresses must not need the slow path."""
    assert _read_plain(text) == _read_any(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 53 + "@example.com",
        "a@xn--mnchen-3ya.example",
        "a@ab--cd.example",
        "a@-b.example",
        "a@b-.example",
        "a@b.c1",
        "a@localhost",
        "a@x.test",
        "a@x.TEST",
        "a?b@example.com",
        "a..b@example.com",
        "a@example.com\n",
        "Bob  Smith <a@example.com>",
        "Bob, Al <a@example.com>",
        "Bob\n <a@example.com>",
        "\ud800 <a@example.com>",
        "a@example.com <b@example.com>",
    ],
)
def test_anything_odd_takes_the_slow_path(text):
    """The slow path decides about each of these, and accepts some."""
    assert _read_plain(text) is None


@unhurried
@given(TEXTS)
def test_what_is_written_is_read_again(text):
    """The same name and the same address are read from the written mailbox."""
    if (mailbox := read_or_none(text)) is None:
        return
    again = read_mailbox(str(mailbox))
    assert (again.name, again.address) == (mailbox.name, mailbox.address)


@unhurried
@given(TEXTS)
def test_one_text_is_never_two_recipients(text):
    """The standard library reads exactly the one address from the written mailbox."""
    if (mailbox := read_or_none(text)) is None:
        return
    assert [address for _, address in getaddresses([str(mailbox)])] == [mailbox.address]


@unhurried
@given(TEXTS)
def test_what_is_written_is_one_safe_line(text):
    """It has no line ends, control characters or surrogates, and is within the limit."""
    if (mailbox := read_or_none(text)) is None:
        return
    written = str(mailbox)
    assert written.encode()
    assert not any(ord(character) < 32 for character in written)
    assert len(written.splitlines()) == 1
    assert mailbox.address.isascii()
    assert utf16_units(written) <= MAX_MAILBOX_UNITS


@unhurried
@given(ADDRESSES, ADDRESSES, st.sampled_from([",", ", ", ";", " ; ", "\n", "|", " ", "\uff0c"]))
def test_two_addresses_are_never_read_as_one(first, second, separator):
    """The first address is not read as a name of the second."""
    assert read_or_none(f"{first}{separator}{second}") is None
    if separator != " ":
        assert read_or_none(f"{first}{separator}Bob <{second}>") is None


@unhurried
@given(
    st.text(
        st.characters(
            exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\uff20\ufe6b"
        ),
        min_size=1,
    )
)
def test_a_name_is_written_as_the_standard_library_writes_it(name):
    """Quotes and escapes are those of ``email.headerregistry``; outer white space is quoted too."""
    assume(name == name.strip())
    assert str(Mailbox(name, "a@example.com")) == str(Address(name, "a", "example.com"))


def test_the_fast_path_knows_every_reserved_domain_of_email_validator():
    """It has a list of its own, because importing email_validator compiles large patterns."""
    assert set(SPECIAL_USE_DOMAIN_NAMES) <= set(SPECIAL_TOP_LEVEL_DOMAINS)
    for domain in SPECIAL_TOP_LEVEL_DOMAINS:
        assert _read_plain(f"ann@acme.{domain}") is None
        assert _read_plain(f"ann@{domain}.example") is not None
