"""The characters that stand for parts of a template while it is processed.

A mark replaces a part of a template whose text would mislead what reads it next, a parser or a
regular expression. Only templates are marked, never the values of rows, and each mark is removed
before anything is sent:

- PLACEHOLDER_START and PLACEHOLDER_END replace the braces of ``{{{ pm:unsubscribe }}}``, which
  Jinja would parse as a dict literal. They are Unicode noncharacters, which no text contains
  (Unicode standard, 23.7); a template that contains one is refused.
- VALUE and STATEMENT replace ``{{ … }}`` and ``{% … %}`` in a copy of a template that the linter
  searches for links and placeholders. The copy is never sent. They are control characters that
  count as white space in regular expressions, so they end a name, a scheme or an unquoted
  attribute. In a template that contains one itself, it counts as a value or a statement, which is
  the stricter case.
- MARK_OF_STATEMENT and MARK_OF_VALUE, a number and MARK_END or MARK_END_IN_TEXT stand for a part of
  Jinja's syntax while Markdown is converted; see ``markdown/marks.py``. They are noncharacters too.
"""

from __future__ import annotations

import re
from typing import Final

from mailframe.errors import LetterError

PLACEHOLDER_START: Final = "\ufdd0"
PLACEHOLDER_END: Final = "\ufdd1"
MARK_OF_STATEMENT: Final = "\ufdd2"
MARK_OF_VALUE: Final = "\ufdd3"
MARK_END: Final = "\ufdd4"
MARK_END_IN_TEXT: Final = "\ufdd5"
VALUE: Final = "\x1e"
STATEMENT: Final = "\x1f"
_PLACEHOLDER: Final = re.compile(r"\{\{\{(\s*pm:[^{}]*)\}\}\}")


def hide_placeholders(source: str) -> str:
    """The template with the braces of Postmark's placeholders replaced by marks.

    Raises:
        LetterError: the template contains one of the marks.

    >>> show_placeholders(hide_placeholders("{{{ pm:unsubscribe }}}"))
    '{{{ pm:unsubscribe }}}'
    """
    if PLACEHOLDER_START in source or PLACEHOLDER_END in source:
        raise LetterError("a template contains the noncharacter U+FDD0 or U+FDD1; remove it")
    return _PLACEHOLDER.sub(rf"{PLACEHOLDER_START}\1{PLACEHOLDER_END}", source)


def show_placeholders(text: str) -> str:
    """The text with the braces of Postmark's placeholders again."""
    return text.replace(PLACEHOLDER_START, "{{{").replace(PLACEHOLDER_END, "}}}")
