"""Masked messages: the text of the letter with the shape of each value instead of the value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jinja2.runtime import BlockReference, LoopContext, Macro
from jinja2.utils import pass_context
from markupsafe import Markup

from mailframe.letter.jinja.environment import LetterEnvironment
from mailframe.letter.jinja.printing import as_printed
from mailframe.limits import UNSUBSCRIBE_PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2.runtime import Context

_WITH_COUNT: Final = 3
"""Arguments of ``ngettext``: the texts for one and for several, and the count."""
_LETTER: Final = re.compile(r"[^\W\d_]")
_DIGIT: Final = re.compile(r"\d")


def masked(text: str) -> str:
    """The shape of a text: each letter an x, each digit a 0.

    >>> masked("Zoë Müller <zoe.42@example.com>")
    'Xxx Xxxxxx <xxx.00@xxxxxxx.xxx>'
    """
    shape = _LETTER.sub(lambda match: "X" if match[0].isupper() else "x", text)
    return _DIGIT.sub("0", shape)


class MaskingEnvironment(LetterEnvironment):
    """Takes the branches that the real values take, and prints the shape of each value.

    A condition on text that was already printed, such as a ``{% set %}`` block, sees the masked
    text. The output of a macro or block is already masked and is kept. Everything else that ``{{ …
    }}`` prints is masked, also the output of ``safe``.
    """

    allows_simple_templates = False

    def _printer(self) -> Callable[[Context, Any], Any]:
        @pass_context
        def printed(_context: Context, value: Any) -> Any:
            if isinstance(value, _PrintedText | _PrintedMarkup) or value == UNSUBSCRIBE_PLACEHOLDER:
                return value
            return _masked_value(value)

        return printed

    @pass_context
    def _written(self, context: Context, value: Any) -> Any:
        """Mask values that enter through the arguments of a filter block's filter."""
        return super()._written(context, _masked_value(value))

    @pass_context
    def _kept(self, context: Context, value: Any) -> Any:
        """Masked when it is printed; at once where jinja2 marks it as safe."""
        return self._written(context, value) if context.eval_ctx.autoescape else value

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - jinja2's signature
        """What jinja2 does for each call in a template."""
        is_translated = id(__obj) in __self.translating_texts
        if is_translated:  # the words of the translation stay readable
            if len(args) >= _WITH_COUNT:
                kwargs.setdefault("num", args[-1])
            kwargs = {name: _masked_value(value) for name, value in kwargs.items()}
        result = super().call(__context, __obj, *args, **kwargs)
        if is_translated or isinstance(__obj, Macro | BlockReference | LoopContext):
            return (_PrintedMarkup if isinstance(result, Markup) else _PrintedText).of(result)
        return result


def _masked_value(value: Any) -> str:
    return masked(str(as_printed(value)))


class _PrintedText(str):
    """Text that a macro or block has printed.

    Text derived from it is plain again, because ``m().format(name)`` would put a value into it.
    """

    __slots__ = ()

    def __new__(cls, text: object = "") -> str:  # type: ignore[misc]
        return str(text)

    @classmethod
    def of(cls, text: str) -> str:
        """The text, marked."""
        return str.__new__(cls, text)


class _PrintedMarkup(Markup):
    """The same with escaped values; ``m() + name`` returns plain Markup."""

    __slots__ = ()

    def __new__(cls, text: object = "", *args: Any, **kwargs: Any) -> Markup:  # type: ignore[misc]
        return Markup(text, *args, **kwargs)

    @classmethod
    def of(cls, text: str) -> Markup:
        """The text, marked."""
        return str.__new__(cls, text)
