"""What the tests of structure and words read of a Python file, in one pass."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MARKUP = re.compile(
    r"<!doctype|</?(?:a|b|bdi|body|br|code|del|details|div|em|figure|h[1-6]|head|html|i|iframe|img|ins|li|link|main"
    r"|meta|ol|p|pre|script|small|span|strong|style|summary|table|tbody|td|th|thead|title|tr|ul)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file; its syntax tree is not kept.

    Attributes:
        text: the file.
        imports: what it imports, also inside functions and for types: ``a.b`` of ``import a.b``,
            ``a.b`` of ``from a import b``; a relative import begins with its dots.
        variables: the names that are assigned, and those of arguments.
        lines_of: the lines of code of each function, without its docstring.
        writes_html: whether a text that is no docstring has markup, or a name escapes for HTML.
    """

    text: str
    imports: frozenset[str]
    variables: frozenset[str]
    lines_of: tuple[tuple[str, int], ...]
    writes_html: bool


@cache
def source(path: Path) -> Source:
    """Read one file."""
    text = path.read_text(encoding="utf-8")
    nodes = [*ast.walk(ast.parse(text))]
    statements = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return Source(
        text=text,
        imports=frozenset(name for node in nodes for name in _imports(node)),
        variables=frozenset(name for node in nodes for name in _variables(node)),
        lines_of=tuple(_lines(node) for node in nodes if isinstance(node, ast.FunctionDef)),
        writes_html=any(_writes_html(node) for node in nodes if id(node) not in statements),
    )


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return [f"{module}.{alias.name}" for alias in node.names]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _variables(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    return [node.arg] if isinstance(node, ast.arg) else []


def _lines(node: ast.FunctionDef) -> tuple[str, int]:
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return node.name, (node.end_lineno or 0) - first.lineno + 1


def _writes_html(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and MARKUP.search(node.value) is not None
    return "escape" in (getattr(node, "attr", ""), getattr(node, "id", ""))
