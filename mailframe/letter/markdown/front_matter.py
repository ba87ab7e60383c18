"""The YAML at the start of a Markdown file, read so that each text stays as it is written.

YAML 1.1 makes ``False`` of ``no``, 7 of ``007`` and 750 of ``12:30``, and takes the last of two
fields with one name. Here, words and numbers are those of the core schema of YAML 1.2, and a number
with zeros in front is text.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

_TAG: Final = "tag:yaml.org,2002:"
_KINDS: Final = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(?:0|[1-9][0-9]{0,18})", list("-+0123456789")),
    "float": (
        r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
    "timestamp": (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}(?::[0-9]{2}){2}(?:Z|[-+][0-9]{2}:[0-9]{2})?)?",
        list("0123456789"),
    ),
}
"""How a word that is no text is written, and its possible first characters."""
_NUMBERS: Final = frozenset({_TAG + "int", _TAG + "float", _TAG + "timestamp"})
_NOT_TEXT: Final = "constants"
"""The field in which a number is a number; in all others, it is text as it is written."""
_MAX_DEPTH: Final = 50


def read(text: str) -> Any:
    r"""The fields.

    Raises:
        yaml.YAMLError: it is no YAML, has a name twice, an alias, or is nested too deep.

    >>> read("subject: no\ntag: 007\nmetadata: {price: 1.50}\nconstants: {price: 1.50}")
    {'subject': 'no', 'tag': '007', 'metadata': {'price': '1.50'}, 'constants': {'price': 1.5}}
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """A loader of YAML; the methods are those that PyYAML calls."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - none of YAML 1.1
    _depth = 0

    def get_single_node(self) -> Any:
        root = super().get_single_node()
        if isinstance(root, yaml.MappingNode):
            for key, value in root.value:
                if key.value != _NOT_TEXT:
                    _as_written(value)
        return root

    def compose_node(self, parent: Any, index: Any) -> Any:
        mark = self.peek_event().start_mark
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "an alias; write its value", mark)
        if self._depth == _MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, "nested too deep", mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT002 - PyYAML's signature
        names: set[Any] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    twice = f"{key.value} is there twice; remove one"
                    raise yaml.constructor.ConstructorError(None, None, twice, key.start_mark)
                names.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT002 - PyYAML's signature
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # such as 2026-02-30
            raise yaml.constructor.ConstructorError(
                None, None, f"{node.value!r}: {error}", node.start_mark
            ) from None


def _as_written(node: Any) -> None:
    """Make text of each number in a node."""
    if isinstance(node, yaml.ScalarNode):
        node.tag = _TAG + "str" if node.tag in _NUMBERS else node.tag
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _as_written(item)
    else:
        for _, value in node.value:
            _as_written(value)


for _kind, (_pattern, _first) in _KINDS.items():
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"(?:{_pattern})\\Z"), _first)
