"""Error texts for values in attributes where escaping does not protect them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailframe.letter.lint.html_position import HtmlPosition


def why_unsafe_in_quotes(attribute: str) -> str:
    """Why a value in the quotes of an attribute is refused; empty if it is not."""
    if attribute.startswith("on"):
        return f"{attribute}=… contains a value; mail clients remove it, and a cell could be code"
    if attribute == "srcdoc":
        return "srcdoc contains a value; it is parsed as HTML again, so a cell could add markup"
    return ""


def unquoted(state: HtmlPosition, *, is_json: bool) -> str:
    """The error text for a value without quotes around it."""
    name = state.attribute
    hint = f"write {name}='{{{{ … | tojson }}}}'" if is_json else f'write {name}="{{{{ … }}}}"'
    if state.value == "`":
        return f"{name}=`{{{{ … }}}}` has backticks, which are not quotes in HTML; {hint}"
    return f"{name}={{{{ … }}}} has no quotes; {hint}"


def quotes(attribute: str) -> str:
    """The error text for the JSON of a value in double quotes."""
    return (
        f'{attribute}="{{{{ … | tojson }}}}" would end at the first quote of the JSON; '
        f"write {attribute}='{{{{ … | tojson }}}}' with single quotes"
    )
