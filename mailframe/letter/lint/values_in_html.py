"""What can be said of an HTML template before any row is rendered: where a value must not stand.

The templates of a part are walked as they are rendered, each branch of them, with included files, macros and blocks
where they are printed, and at each ``{{ … }}`` it is known where in HTML it stands.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from jinja2 import TemplateSyntaxError
from jinja2 import nodes as ast

from mailframe.errors import LetterError
from mailframe.letter.jinja.positions import COMMENT, parsed, place, readable
from mailframe.letter.lint.assignments import Assignments
from mailframe.letter.lint.html_position import (
    CODE,
    START,
    VALUES,
    HtmlPosition,
    Mode,
    feed,
    printed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    States = frozenset[HtmlPosition]

_BRACE: Final = r"(?:%(?:25)*7b|&#123;|&#x7b;|&lbrace;|&lcub;|\{)"
_ENCODED: Final = re.compile(rf"(?=[%&]|\{{[%&]){_BRACE}(?:{_BRACE}|%25)", re.IGNORECASE)
_END_BRACE: Final = r"(?:%(?:25)*7d|&#125;|&#x7d;|&rbrace;|&rcub;|\})"
_ENCODED_END: Final = re.compile(rf"{_END_BRACE}{{2,3}}|%(?:25)+{_END_BRACE}", re.IGNORECASE)
_WHOLE_CODE: Final = re.compile(r"<(style|script)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_CUT_CODE: Final = re.compile(r"</(?:style|script)\b|<(?:style|script)\b[^{]*\{", re.IGNORECASE)
_IN_VALUE: Final = VALUES | {Mode.BEFORE_VALUE}
_MAX_DEPTH: Final = 20


def lint_html(
    source: str,
    *,
    name: str,
    others: Mapping[str, str] | None = None,
    columns: Collection[object] = (),
) -> None:
    """Refuse an HTML template in which escaping would not protect a value, or that is not sent as it is written.

    Args:
        source: the template as written.
        name: of the part, for the message.
        others: the sources of the templates that it refers to, by their names.
        columns: of the frame; a name that is one of them is no constant.

    Raises:
        LetterError: a value in an attribute without quotes (a space in it would begin a new attribute), as the
            name of a tag or an attribute, in an ``on…`` handler or ``srcdoc``, or inside ``<script>`` or
            ``<style>``; the quotes of ``tojson`` in double quotes; a comment that begins in ``<style>``; a
            placeholder that is percent-encoded.

    >>> lint_html('<a href={{ url }}>x</a>', name="html_body")
    Traceback (most recent call last):
        ...
    mailframe.errors.LetterError: html_body, line 1: href={{ … }} stands without quotes; write href="{{ … }}"
    """
    texts = {other: readable(text) for other, text in {**(others or {}), name: source}.items()}
    trees = {other: _tree(text, name=other) for other, text in texts.items()}
    walk = _Walk(texts, trees, Assignments.of(trees, columns=columns))
    walk.template(name, frozenset({START}))
    for other in trees.keys() - walk.visited:
        walk.template(other, frozenset({START}))


def lint_text(source: str, *, name: str) -> None:
    """Refuse a placeholder that is percent-encoded in a template of text.

    >>> lint_text("https://acme.example/%7B%7B%20id%20%7D%7D", name="text_body")
    Traceback (most recent call last):
        ...
    mailframe.errors.LetterError: text_body, line 1: '%7B%7B%20id%20%7D%7D' is an encoded placeholder, which \
stays in every mail as it is; write {{ id }}
    """
    text = readable(source)
    for found in _ENCODED.finditer(text):
        if "%" in found.group():
            _refuse(text, name, found.start(), _encoded(text, found.start()))


def _tree(text: str, *, name: str) -> ast.Template:
    try:
        try:
            return parsed(text)
        except (
            TemplateSyntaxError
        ):  # a comment in a block that is required, where no value may stand
            return parsed(text, with_comments=False)
    except TemplateSyntaxError as error:
        return _refuse(text, name, min(error.lineno, len(text)), error.message or "")


def _refuse(text: str, name: str, offset: int, why: str) -> ast.Template:
    where, near = place(text, offset)
    raise LetterError(
        f"{name}, {where}: {why}" + (f" (near {near!r})" if "column" in where else "")
    )


def _encoded(text: str, offset: int) -> str:
    end = _ENCODED_END.search(text, offset, offset + 300)
    written = text[offset : end.end() if end else offset + 12]
    plain = html.unescape(written)
    for _ in range(3):
        plain = unquote(plain)
    way = f"write {' '.join(plain.split())}" if end else "write {{ … }}"
    return f"{written[:60]!r} is an encoded placeholder, which stays in every mail as it is; {way}"


class _Walk:
    """Each ``_node`` method takes the places where a node may begin, and gives those where it may end."""

    def __init__(
        self, texts: Mapping[str, str], trees: Mapping[str, ast.Template], bindings: Assignments
    ) -> None:
        self.visited: set[str] = set()
        self._texts = texts
        self._trees = trees
        self._bindings = bindings
        self._name = ""
        self._blocks: dict[str, list[tuple[str, ast.Block]]] = {}
        self._callers: list[tuple[str, list[ast.Node]]] = []
        self._supers: list[tuple[str, int]] = []
        self._active: list[int] = []
        self._known: dict[tuple[int, States], States] = {}

    def template(self, name: str, states: States) -> States:
        """A template from its beginning; one that extends another fills that one's blocks."""
        outer, self._blocks = self._blocks, {}
        chain = [name]
        while (parent := self._parent(chain[-1])) and parent not in chain:
            chain.append(parent)
        for one in chain:
            self.visited.add(one)
            for block in self._trees[one].find_all(ast.Block):
                self._blocks.setdefault(block.name, []).append((one, block))
        states = self._within(chain[-1], self._trees[chain[-1]].body, states)
        if len(chain) > 1 or self._trees[name].find(ast.Extends):
            for one in chain[:-1] or chain:  # what no block of the parent shows, such as macros
                self._within(one, self._trees[one].body, frozenset({START}))
        self._blocks = outer
        return states

    def _parent(self, name: str) -> str | None:
        for node in self._trees[name].find_all(ast.Extends):
            if isinstance(node.template, ast.Const) and node.template.value in self._trees:
                return str(node.template.value)
        return None

    def _within(self, name: str, body: list[ast.Node], states: States) -> States:
        """Statements of a template; those that are printed within themselves end where they begin."""
        if id(body) in self._active or len(self._active) > _MAX_DEPTH:
            return states
        key = (id(body), states)
        if key in self._known and not self._callers:
            return self._known[key]
        outer, self._name = self._name, name
        self._active.append(id(body))
        result = self._body(body, states)
        self._active.pop()
        self._name = outer
        self._known[key] = result
        return result

    def _body(self, body: Iterable[ast.Node], states: States) -> States:
        for node in body:
            step = getattr(self, f"_node_{type(node).__name__.lower()}", None)
            if step is not None:
                states = step(node, states)
            elif isinstance(
                inner := getattr(node, "body", None), list
            ):  # with, autoescape, filter and so on
                states = self._body(inner, states)
        return states

    def _node_output(self, node: ast.Output, states: States) -> States:
        for part in node.nodes:
            if isinstance(part, ast.TemplateData):
                self._look_at_text(part, states)
                states = frozenset(feed(state, part.data) for state in states)
            else:
                states = self._value(part, states)
        return states

    def _node_if(self, node: ast.If, states: States) -> States:
        arms = [node.body, *(arm.body for arm in node.elif_), node.else_]
        return frozenset().union(*(self._body(arm, states) for arm in arms))

    def _node_for(self, node: ast.For, states: States) -> States:
        once = self._body(node.body, states)
        return states | once | self._body(node.body, states | once) | self._body(node.else_, states)

    def _node_block(self, node: ast.Block, states: States) -> States:
        return self._block(node.name, 0, states)

    def _block(self, name: str, level: int, states: States) -> States:
        versions = self._blocks.get(name, [])
        if level >= len(versions):
            return states
        template, block = versions[level]
        self._supers.append((name, level + 1))
        states = self._within(template, block.body, states)
        self._supers.pop()
        return states

    def _node_include(self, node: ast.Include, states: States) -> States:
        names = [
            one.value
            for one in [node.template, *node.template.find_all(ast.Const)]
            if isinstance(one, ast.Const)
        ]
        included = [
            self.template(name, states)
            for name in names
            if name in self._trees and len(self._active) < _MAX_DEPTH
        ]
        return frozenset().union(*included) if included else states

    def _node_macro(self, node: ast.Macro, states: States) -> States:
        self._within(self._name, node.body, frozenset({START}))
        return states

    def _node_assignblock(self, node: ast.AssignBlock, states: States) -> States:
        self._within(self._name, node.body, frozenset({START}))
        return states

    def _node_callblock(self, node: ast.CallBlock, states: States) -> States:
        self._callers.append((self._name, node.body))
        states = self._value(node.call, states)
        self._callers.pop()
        return states

    def _node_filterblock(self, node: ast.FilterBlock, states: States) -> States:
        if self._bindings.is_json(node.filter):
            self._refuse_quotes(node, states)
        return self._body(node.body, states)

    # --- what is printed ---------------------------------------------------------------------------------

    def _value(self, expr: ast.Expr, states: States) -> States:
        if (
            isinstance(expr, ast.Const)
            and isinstance(expr.value, str)
            and expr.value.startswith(COMMENT)
        ):
            self._look_at_comment(expr, states)
            return states
        if isinstance(expr, ast.CondExpr):
            other = self._value(expr.expr2, states) if expr.expr2 is not None else states
            return self._value(expr.expr1, states) | other
        bodies = self._printed_by(expr)
        if bodies:
            after = frozenset().union(*(self._within(name, body, states) for name, body in bodies))
            is_also_value = isinstance(expr, ast.Name) and expr.name in self._bindings.values
            return after | self._plain_value(expr, states) if is_also_value else after
        if (
            isinstance(expr, ast.Call)
            and isinstance(expr.node, ast.Name)
            and expr.node.name == "super"
            and self._supers
        ):
            return self._block(*self._supers[-1], states)
        return self._plain_value(expr, states)

    def _plain_value(self, expr: ast.Expr, states: States) -> States:
        for state in states:
            self._look_at_value(expr, state)
        return frozenset(map(printed, states))

    def _printed_by(self, expr: ast.Expr) -> list[tuple[str, list[ast.Node]]]:
        """The statements that an expression prints: of a macro, a block, a caller, or a set block."""
        if isinstance(expr, ast.Name):
            return [(name, block.body) for name, block in self._bindings.blocks.get(expr.name, [])]
        if not isinstance(expr, ast.Call):
            return []
        if isinstance(expr.node, ast.Name) and expr.node.name == "caller":
            return self._callers[-1:]
        if isinstance(expr.node, ast.Getattr) and getattr(expr.node.node, "name", "") == "self":
            return [(name, block.body) for name, block in self._blocks.get(expr.node.attr, [])[:1]]
        return [(name, macro.body) for name, macro in self._bindings.called(expr)]

    def _look_at_value(self, expr: ast.Expr, state: HtmlPosition) -> None:
        if self._bindings.is_json(expr) and state.mode is Mode.DOUBLE_QUOTED:
            self._refuse(expr, _quotes(state.attribute))
        if self._bindings.is_constant(expr):
            if state.tag == "style" and state.mode is Mode.RAW and self._bindings.is_escaped(expr):
                self._refuse(expr, _ESCAPED_CONSTANT)
            return
        why = self._why_unsafe(expr, state)
        if why:
            self._refuse(expr, why)

    def _why_unsafe(self, expr: ast.Expr, state: HtmlPosition) -> str:
        if state.mode in (Mode.TAG_OPEN, Mode.TAG_NAME):
            return "a value stands as the name of a tag; a cell could bring its own markup"
        if state.mode in (Mode.IN_TAG, Mode.ATTRIBUTE, Mode.AFTER_ATTRIBUTE):
            return (
                "a value stands as an attribute; write {% if … %}name{% endif %}, or name='{{ … }}'"
            )
        if state.mode in (Mode.BEFORE_VALUE, Mode.UNQUOTED):
            return _unquoted(state, is_json=self._bindings.is_json(expr))
        if state.mode is Mode.RAW and state.tag in CODE:
            return self._why_unsafe_in_code(expr, state)
        return _why_unsafe_in_quotes(state.attribute) if state.mode in VALUES else ""

    def _why_unsafe_in_code(self, expr: ast.Expr, state: HtmlPosition) -> str:
        is_json = isinstance(expr, ast.Filter) and expr.name == "tojson"
        if state.is_json and state.in_string:
            return "a value stands inside a JSON string; write {{ ('…' ~ value) | tojson }}, which brings its own quotes"
        if state.is_json:
            return (
                ""
                if is_json
                else "a value stands inside JSON; write {{ … | tojson }}, without quotes around it"
            )
        way = "; a constant may, such as {% set brand = '#0b5' %}" if state.tag == "style" else ""
        return f"a value stands inside <{state.tag}>, where escaping does not protect it{way}"

    def _refuse_quotes(self, node: ast.Node, states: States) -> None:
        for state in states:
            if state.mode is Mode.DOUBLE_QUOTED:
                self._refuse(node, _quotes(state.attribute))

    # --- text and comments -------------------------------------------------------------------------------

    def _look_at_text(self, node: ast.TemplateData, states: States) -> None:
        for found in _ENCODED.finditer(node.data):
            for state in states:
                there = feed(state, node.data[: found.start()])
                if there.mode in _IN_VALUE or (there.mode is Mode.RAW and there.tag in CODE):
                    why = _encoded(node.data, found.start())
                    _refuse(self._texts[self._name], self._name, node.lineno + found.start(), why)

    def _look_at_comment(self, node: ast.Const, states: States) -> None:
        text = node.value.removeprefix(COMMENT)
        rest = _WHOLE_CODE.sub(
            "", text
        )  # a <style> that is commented out, from its start to its end
        for state in states:
            if _CUT_CODE.search(rest) or (state.mode is Mode.RAW and state.tag in CODE):
                where = (
                    f"inside <{state.tag}>"
                    if state.tag in CODE
                    else "and holds a tag of <style> or <script>"
                )
                self._refuse(node, f"a comment begins with {{# {where}, {_COMMENT_WAY}")

    def _refuse(self, node: ast.Node, why: str) -> None:
        _refuse(self._texts[self._name], self._name, node.lineno, why)


_COMMENT_WAY: Final = (
    "and all up to the next #} would not be sent; write { #… with a space, "
    "or {% raw %}…{% endraw %} around the rules; a comment in CSS is /* … */"
)
_ESCAPED_CONSTANT: Final = "a constant inside <style> holds a quote or another character that is printed as an entity; write {{ … | safe }}"


def _why_unsafe_in_quotes(attribute: str) -> str:
    if attribute.startswith("on"):
        return f"{attribute}=… holds a value; mail clients drop handlers, and a cell could be code"
    if attribute == "srcdoc":
        return (
            "srcdoc holds a value; it is read as markup once more, and a cell could bring its own"
        )
    return ""


def _unquoted(state: HtmlPosition, *, is_json: bool) -> str:
    name = state.attribute
    way = f"write {name}='{{{{ … | tojson }}}}'" if is_json else f'write {name}="{{{{ … }}}}"'
    if state.value == "`":
        return f"{name}=`{{{{ … }}}}` has backticks, which do not quote in HTML; {way}"
    return f"{name}={{{{ … }}}} stands without quotes; {way}"


def _quotes(attribute: str) -> str:
    return (
        f'{attribute}="{{{{ … | tojson }}}}" would end at the first quote of the JSON; '
        f"write {attribute}='{{{{ … | tojson }}}}' with single quotes"
    )
