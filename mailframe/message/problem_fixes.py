"""How to fix each problem, in one line; ``docs/problems.md`` has more ways and the sources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailframe.problems import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIXES: Final[Mapping[Code, str]] = {
    Code.MISSING_VALUE: "Print another text, `{{ name | default('there') }}`, or drop the rows, "
    '`df.dropna(subset=["name"])`.',
    Code.UNDEFINED_NAME: "Set the name in every branch, or `{{ word | default('dear') }}`.",
    Code.UNSUPPORTED_VALUE: 'Convert the column: `df.assign(month=df["month"].astype(str))`.',
    Code.UNPRINTABLE_VALUE: "A list: `{{ items | join(', ') }}`. A dict: print one of its values, "
    "`{{ order.number }}`.",
    Code.TEMPLATE_ERROR: "Test the value before it is used: "
    "`{{ (total / seats) | round(2) if seats else '\N{EN DASH}' }}`.",
    Code.TEMPLATE_LIMIT: "Loop over fewer values, or prepare the text with pandas.",
    Code.UNSAFE_TEMPLATE: "Use a filter, `{{ name | upper }}`, or prepare the text with pandas.",
    Code.SAFE_FILTER: "Print the value escaped, `{{ name }}`, unless you trust its HTML.",
    Code.NAME_OF_A_COLUMN: "To print the column, write `{{ title }}`.",
    Code.NEAR_COLUMN: "Rename the column, "
    '`df.rename(columns={"First Name": "first_name"})`, or write its name as it is.',
    Code.UNUSED_LIST: 'Loop over the list, or drop the column, `df.drop(columns="orders")`.',
    Code.MISSING_RECIPIENT: 'Fill in the address, or drop the rows, `df.dropna(subset=["email"])`.',
    Code.EMPTY_ADDRESS: "Fill in the address, or drop the rows, "
    '`df[df["email"].str.strip() != ""]`.',
    Code.INVALID_ADDRESS: 'Correct the cell, `df.replace({"email": {"bob@": "bob@acme.example"}})`;'
    " remove spaces around it with `{{ email | trim }}`.",
    Code.SEVERAL_ADDRESSES: "For several recipients write a list of templates, "
    '`to=["{{ email }}", "{{ second }}"]`.',
    Code.MIXED_SCRIPTS: "Correct the address; if it is right as it is, `allow_idn_mixed=True`.",
    Code.ADDRESS_NORMALISED: "Check the address, then write it in ASCII, "
    '`df.assign(email=df["email"].str.normalize("NFKC"))`.',
    Code.BIDI_IN_NAME: "Remove the character from the name with `str.replace`.",
    Code.MAILBOX_TOO_LONG: "Shorten the name: `{{ name | truncate(60) }} <{{ email }}>`.",
    Code.DOCUMENTATION_DOMAIN: "Replace the address, or drop the rows; a sandbox takes them.",
    Code.TOO_MANY_RECIPIENTS: 'Send one email to each: `df.explode("email")`.',
    Code.DUPLICATE_RECIPIENT: 'Keep one row each, `df.drop_duplicates("email")`, or name the '
    'column that tells the rows apart, `key="id"`.',
    Code.REPEATED_RECIPIENT: 'If one email is enough, keep one row: `df.drop_duplicates("email")`.',
    Code.MISSING_KEY: 'Drop the rows, `df.dropna(subset=["id"])`, or choose another key.',
    Code.DUPLICATE_KEY: 'Keep one row each, `df.drop_duplicates("id")`, or add a column to the '
    'key, `key=["id", "month"]`.',
    Code.AMBIGUOUS_KEY: "Write both keys in the same way, and keep one row.",
    Code.CONTROL_CHARACTER: "Replace the character in the cell by a space with `str.replace`.",
    Code.UNENCODABLE_TEXT: "Read the file again with its encoding.",
    Code.GARBLED_TEXT: "Read the file again with its encoding, "
    '`pd.read_csv("people.csv", encoding="cp1252")`.',
    Code.FOREIGN_PLACEHOLDER: "Write the placeholder for Jinja: `{{ name }}`.",
    Code.ESCAPED_MARKUP: "Print the text alone, `{{ body | striptags }}`; trust the HTML with "
    '`df.assign(body=mf.html(df["body"]))`.',
    Code.EMPTY_SUBJECT: "Write another text, `{{ title | default('News', true) }}`, or send "
    "without a subject, `allow_empty_subject=True`.",
    Code.SUBJECT_TOO_LONG: "Shorten it: `{{ title | truncate(100) }}`.",
    Code.TAG_TOO_LONG: "Shorten it: `{{ plan | truncate(100) }}`.",
    Code.METADATA_TOO_LONG: "Shorten it, `{{ note[:40] }}`, or send an id.",
    Code.METADATA_HOLDS_ADDRESS: 'Send an id: `metadata={"customer": "{{ id }}"}`.',
    Code.INVALID_VALUE: 'Write a valid value: `track_opens=True`; `track_links="HtmlOnly"`.',
    Code.EMPTY_BODY: "Write a text for this case too: "
    "`{% if vip %}Thank you.{% else %}Hello.{% endif %}`.",
    Code.BODY_TOO_LARGE: "Shorten it, `{{ report[:10000] }}`, or link to it.",
    Code.MESSAGE_TOO_LARGE: "Attach a smaller file, or link to the file.",
    Code.UNSAFE_LINK: "Use http, https, mailto, tel, sms or cid, or drop the rows, "
    '`df[df["url"].str.match("https?://")]`.',
    Code.INCOMPLETE_LINK: 'Write the whole address: `<a href="https://{{ url }}">`.',
    Code.INSECURE_LINK: 'Write https: `<a href="https://acme.example">`.',
    Code.DIFFERENT_LINKS: "Add the link to the other part.",
    Code.IMAGE_WITHOUT_ALT: "Describe the image: "
    '`<img src="https://acme.example/logo.png" alt="Acme">`.',
    Code.UNSUPPORTED_IMAGE: 'Attach the image and show it: `<img src="cid:logo.png" alt="Acme">`.',
    Code.CLIPPED_BY_GMAIL: "Shorten it, `{{ report[:10000] }}`, or link to it.",
    Code.NO_TEXT_DIRECTION: 'Name the direction: `<p dir="rtl">`.',
    Code.NO_TEXT_PART: 'Add a text part: `text_body="News of the week {{{ pm:unsubscribe }}}"`.',
    Code.NO_UNSUBSCRIBE: "Add the link: `{{{ pm:unsubscribe }}}`.",
    Code.ATTACHMENT_UNREADABLE: "Correct the path, or drop the rows.",
    Code.ATTACHMENT_FORBIDDEN: "Link to the file, or pack it and name it so: `{{ file }}.zip`.",
    Code.ATTACHMENT_NAME: "Write a name without a folder: `{{ title | replace('/', '-') }}.pdf`.",
    Code.UNKNOWN_CONTENT_ID: "Attach the image, "
    '`mf.Attachment("logo.png", content_id="logo.png")`, or correct the name in the HTML.',
    Code.UNUSED_CONTENT_ID: 'Show it, `<img src="cid:logo.png" alt="Acme">`; for an ordinary file, '
    'leave out its content_id, `mf.Attachment("logo.png")`.',
    Code.CHANGED_SINCE_CHECK: "Compose again, check, and send.",
}
"""Code stands between backticks, and is code of the page."""

_COLUMN: Final = re.compile(r"write \{\{ ([^\W\d]\w*) \| default")
"""The column in a detail, if templates write it without ``row[…]``."""


def fix_of(code: Code, details: Iterable[str]) -> str:
    """The line for problems of one code; with the name of their column, if it is the same in all.

    >>> fix_of(Code.MISSING_VALUE, ["column 'city' …; write {{ city | default('…') }}"])[:50]
    "Print another text, `{{ city | default('there') }}"
    >>> fix_of(Code.MISSING_VALUE, ["column '0' …; write {{ row['0'] | default('…') }}"])[:50]
    "Print another text, `{{ name | default('there') }}"
    """
    if code is not Code.MISSING_VALUE:
        return FIXES[code]
    columns = {match[1] if (match := _COLUMN.search(detail)) else "name" for detail in details}
    column = columns.pop() if len(columns) == 1 else "name"
    return FIXES[code].replace("{{ name |", f"{{{{ {column} |").replace('"name"', f'"{column}"')
