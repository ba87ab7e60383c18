"""Numbers of list items in the text part of Markdown letters."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import mailframe as mf

FRAME = pd.DataFrame({"email": ["ann@example.com"], "xs": [["A", "B"]]})
FIELDS: dict[str, Any] = {"sender": "hello@acme.dev", "to": "{{ email }}", "subject": "Hi"}
NESTED = """\
{% for i in xs %}
1. {{ i }}
   {% for j in xs %}
   1. {{ j }}
   {% endfor %}
{% endfor %}"""


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("3. a\n{% for i in xs %}\n4. {{ i }}\n{% endfor %}\n5. z", "3. a\n4. A\n5. B\n6. z"),
        ("1. a\n{% if not xs %}\n2. b\n{% endif %}\n3. c", "1. a\n2. c"),
        (NESTED, "1. A\n   1. A\n   2. B\n2. B\n   1. A\n   2. B"),
        ("> {% for i in xs %}\n> 1. {{ i }}\n> {% endfor %}", "> 1. A\n> 2. B"),
    ],
)
def test_items_of_a_loop_are_numbered_in_the_text(markdown, text):
    """As the HTML numbers them, whatever the branches leave out."""
    letter = mf.Letter(**FIELDS, markdown_body=markdown, layout="none")
    assert FRAME.mail.compose(letter).message(0).payload["TextBody"].strip() == text


def test_an_error_in_a_numbered_item_has_its_line():
    """The numbers have no lines of their own."""
    letter = mf.Letter(
        **FIELDS, markdown_body="a\n\n{% for i in [1] %}\n1. {{ i.x }}\n{% endfor %}"
    )
    details = FRAME.mail.compose(letter).problems()["detail"].tolist()
    assert len(details) == 1
    assert "line 4" in details[0]
