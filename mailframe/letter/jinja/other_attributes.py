"""What to write instead of attributes that lists and texts have in other tools."""

from __future__ import annotations

import re
from typing import Final

_ATTRIBUTE: Final = re.compile(r"'(list|str) object' has no attribute '(\w+)'")
_METHOD: Final = re.compile(r"builtin_function_or_method|'method'|\bmethod_descriptor\b")
_FILTERS: Final = {"size": "length", "count": "length", "len": "length", "length": "length"} | {
    name: name for name in ("first", "last", "sum", "join")
}
"""Filters of Jinja for attributes of Liquid, Django, JavaScript and Twig."""


def other_way(detail: str) -> str:
    """The text of an error with what to write, if it is about such an attribute.

    >>> other_way("'list object' has no attribute 'size'")
    "the value is a list, which has no 'size'; write {{ … | length }}"
    """
    if _METHOD.search(detail):
        return (
            "the template uses a method as a value; call it with (), or for the number of items "
            "write {{ … | length }}"
        )
    match = _ATTRIBUTE.search(detail)
    if match is None:
        return detail
    kind, name = ("list" if match[1] == "list" else "text"), match[2]
    if _FILTERS.get(name) == "length" or (name in _FILTERS and kind == "list"):
        way = f"write {{{{ … | {_FILTERS[name]} }}}}"
    elif kind == "list":
        way = f"loop over it: {{% for item in … %}}{{{{ item.{name} }}}}{{% endfor %}}"
    else:
        way = "write the value alone, or a filter"
    return f"the value is a {kind}, which has no {name!r}; {way}"
