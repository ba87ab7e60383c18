"""Checks HTML templates for values in places where escaping does not protect them.

The templates of a part are traversed as they are rendered: each branch, with included files, macros
and blocks where they are printed. So the position in HTML of each ``{{ … }}`` is known.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from jinja2 import TemplateSyntaxError
from jinja2 import nodes as ast

from mailframe.errors import LetterError
from mailframe.letter.jinja.rewriting import is_text_of_template, texts_of_template
from mailframe.letter.jinja.source_positions import Comment, parsed, readable
from mailframe.letter.jinja.translations import PLACEHOLDER
from mailframe.letter.lint.assignments import Assignments
from mailframe.letter.lint.encoded_placeholders import ENCODED, encoded_placeholder, refuse
from mailframe.letter.lint.html_position import (
    CODE,
    START,
    VALUES,
    HtmlPosition,
    Mode,
    feed,
    printed,
)
from mailframe.letter.lint.unsafe_attributes import (
    html_in_quotes,
    quotes,
    unquoted,
    why_unsafe_in_quotes,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    States = frozenset[HtmlPosition]

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
    constants: Mapping[str, object] | None = None,
    trusted: Collection[object] = (),
    translations: Mapping[str, Collection[str]] | None = None,
    lines: Mapping[str, Sequence[int]] = MappingProxyType({}),
    shown_as: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Refuse an HTML template in which escaping does not protect a value, or a part is not sent.

    Args:
        source: the text of the template.
        name: the name of the part, for the message.
        others: the templates that it refers to, by name.
        columns: the columns of the frame; a name of a column is not a constant.
        constants: the constants of the letter.
        trusted: the columns with trusted HTML.
        translations: all translations of each text of ``{% trans %}``.
        lines: for templates that were made from Markdown, the line of the source for each line.
        shown_as: the names of these templates for the message.

    Raises:
        LetterError: a value in an attribute without quotes (a space would start a new attribute),
            as the name of a tag or an attribute, in an ``on…`` handler or ``srcdoc``, or inside
            ``<script>`` or ``<style>``; the quotes of ``tojson`` in double quotes; a comment that
            starts in ``<style>``; a placeholder that is percent-encoded.

    >>> lint_html('<a href={{ url }}>x</a>', name="c.html")
    Traceback (most recent call last):
        ...
    mailframe.errors.LetterError: c.html, line 1: href={{ … }} has no quotes; write href="{{ … }}"
    """
    texts = {other: readable(text) for other, text in {**(others or {}), name: source}.items()}
    trees = {other: _tree(text, name=other) for other, text in texts.items()}
    assignments = Assignments.of(trees, columns=columns, constants=constants or {})
    traversal = _Traversal(
        texts, trees, assignments, trusted, translations or {}, lines=lines, shown_as=shown_as
    )
    traversal.template(name, _START)
    for other in trees.keys() - traversal.visited:
        traversal.template(other, _START)


def _tree(text: str, *, name: str) -> ast.Template:
    try:
        try:
            return parsed(text)
        except TemplateSyntaxError:  # a comment in a required block, where no value is allowed
            return parsed(text, with_comments=False)
    except TemplateSyntaxError as error:
        return refuse(text, name, min(error.lineno, len(text)), error.message or "")


_START: Final[States] = frozenset({START})


class _Traversal:
    """Each ``_node`` method takes the possible positions before a node and returns those after."""

    def __init__(
        self,
        texts: Mapping[str, str],
        trees: Mapping[str, ast.Template],
        assignments: Assignments,
        trusted: Collection[object],
        translations: Mapping[str, Collection[str]],
        *,
        lines: Mapping[str, Sequence[int]],
        shown_as: Mapping[str, str],
    ) -> None:
        self._lines, self._shown_as = lines, shown_as
        self.visited: set[str] = set()
        self._texts = texts
        self._trees = trees
        self._assignments = assignments
        self._trusted = trusted
        self._translations = translations
        self._name = ""
        self._blocks: dict[str, list[tuple[str, ast.Block]]] = {}
        self._callers: list[tuple[str, list[ast.Node]]] = []
        self._supers: list[tuple[str, int]] = []
        self._active: list[int] = []
        self._results: dict[tuple[int, States], States] = {}

    def template(self, name: str, states: States) -> States:
        """Traverse a template; if it extends another, its blocks are those of the other one."""
        outer, self._blocks = self._blocks, {}
        chain = [name]
        while (parent := self._parent(chain[-1])) and parent not in chain:
            chain.append(parent)
        for ancestor in chain:
            self.visited.add(ancestor)
            for block in self._trees[ancestor].find_all(ast.Block):
                self._blocks.setdefault(block.name, []).append((ancestor, block))
        states = self._within(chain[-1], self._trees[chain[-1]].body, states)
        if len(chain) > 1 or self._trees[name].find(ast.Extends):
            for child in chain[:-1] or chain:  # what is outside of blocks, such as macros
                self._within(child, self._trees[child].body, _START)
        self._blocks = outer
        return states

    def _parent(self, name: str) -> str | None:
        for node in self._trees[name].find_all(ast.Extends):
            if isinstance(node.template, ast.Const) and node.template.value in self._trees:
                return str(node.template.value)
        return None

    def _within(self, name: str, body: list[ast.Node], states: States) -> States:
        """Traverse statements of a template; recursive ones end at their start."""
        if id(body) in self._active or len(self._active) > _MAX_DEPTH:
            return states
        key = (id(body), states)
        if key in self._results and not self._callers:
            return self._results[key]
        outer, self._name = self._name, name
        self._active.append(id(body))
        result = self._body(body, states)
        self._active.pop()
        self._name = outer
        self._results[key] = result
        return result

    def _body(self, body: Iterable[ast.Node], states: States) -> States:
        for node in body:
            step = getattr(self, f"_node_{type(node).__name__.lower()}", None)
            if step is not None:
                states = step(node, states)
            elif isinstance(inner := getattr(node, "body", None), list):  # such as {% with %}
                states = self._body(inner, states)
        return states

    def _node_output(self, node: ast.Output, states: States) -> States:
        for part in node.nodes:
            if isinstance(part, ast.TemplateData):
                self._check_text(part, states)
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
            const.value
            for const in [node.template, *node.template.find_all(ast.Const)]
            if isinstance(const, ast.Const)
        ]
        included = [
            self.template(name, states)
            for name in names
            if name in self._trees and len(self._active) < _MAX_DEPTH
        ]
        return frozenset().union(*included) if included else states

    def _node_macro(self, node: ast.Macro, states: States) -> States:
        self._within(self._name, node.body, _START)
        return states

    def _node_assignblock(self, node: ast.AssignBlock, states: States) -> States:
        self._within(self._name, node.body, _START)
        return states

    def _node_callblock(self, node: ast.CallBlock, states: States) -> States:
        self._callers.append((self._name, node.body))
        states = self._value(node.call, states)
        self._callers.pop()
        return states

    def _node_filterblock(self, node: ast.FilterBlock, states: States) -> States:
        if self._assignments.is_json(node.filter):
            self._refuse_quotes(node, states)
        return self._body(node.body, states)

    # --- printed values -----------------------------------------------------------------------

    def _value(self, expr: ast.Expr, states: States) -> States:
        if isinstance(expr, ast.Const) and isinstance(expr.value, Comment):
            self._check_comment(expr.value.text, expr, states)
            return states
        if isinstance(expr, ast.CondExpr):
            other = self._value(expr.expr2, states) if expr.expr2 is not None else states
            return self._value(expr.expr1, states) | other
        if isinstance(expr, ast.Call) and is_text_of_template(expr):
            return self._translated(expr, states)
        bodies = self._printed_by(expr)
        if bodies:
            after = frozenset().union(*(self._within(name, body, states) for name, body in bodies))
            is_also_value = isinstance(expr, ast.Name) and expr.name in self._assignments.values
            return after | self._plain_value(expr, states) if is_also_value else after
        if (
            isinstance(expr, ast.Call)
            and isinstance(expr.node, ast.Name)
            and expr.node.name == "super"
            and self._supers
        ):
            return self._block(*self._supers[-1], states)
        return self._plain_value(expr, states)

    def _translated(self, call: ast.Call, states: States) -> States:
        """The texts of ``{% trans %}`` and their translations, with their values."""
        texts = texts_of_template(call)
        after: set[HtmlPosition] = set()
        for text in texts:
            after |= self._text_with_values(text, call, states)
        for translation in self._translations.get(texts[0], ()):
            try:
                after |= self._text_with_values(translation, call, states)
            except LetterError as error:
                raise LetterError(f"{error}; its translation is {translation[:60]!r}") from None
        return frozenset(after)

    def _text_with_values(self, text: str, call: ast.Call, states: States) -> States:
        values = {named.key: named.value for named in call.kwargs}
        for number, piece in enumerate(PLACEHOLDER.split(text)):
            if number % 2 == 0:
                states = frozenset(feed(state, piece) for state in states)
            elif piece in values:
                states = self._value(values[piece], states)
        return states

    def _plain_value(self, expr: ast.Expr, states: States) -> States:
        for state in states:
            self._check_value(expr, state)
        return frozenset(map(printed, states))

    def _printed_by(self, expr: ast.Expr) -> list[tuple[str, list[ast.Node]]]:
        """The statements that an expression prints: of a macro, block, caller or set block."""
        if isinstance(expr, ast.Name):
            return [
                (name, block.body) for name, block in self._assignments.blocks.get(expr.name, [])
            ]
        if not isinstance(expr, ast.Call):
            return []
        if isinstance(expr.node, ast.Name) and expr.node.name == "caller":
            return self._callers[-1:]
        if isinstance(expr.node, ast.Getattr) and getattr(expr.node.node, "name", "") == "self":
            return [(name, block.body) for name, block in self._blocks.get(expr.node.attr, [])[:1]]
        return [(name, macro.body) for name, macro in self._assignments.called(expr)]

    def _check_value(self, expr: ast.Expr, state: HtmlPosition) -> None:
        if self._assignments.is_json(expr) and state.mode is Mode.DOUBLE_QUOTED:
            self._refuse(expr, quotes(state.attribute))
        if state.mode in _IN_VALUE:
            why = html_in_quotes(expr, self._trusted, self._assignments)
            if why:
                self._refuse(expr, why)
        if self._assignments.is_constant(expr):
            if (
                state.tag == "style"
                and state.mode is Mode.RAW
                and self._assignments.is_escaped(expr)
            ):
                self._refuse(expr, _ESCAPED_CONSTANT)
            return
        why = self._why_unsafe(expr, state)
        if why:
            self._refuse(expr, why)

    def _why_unsafe(self, expr: ast.Expr, state: HtmlPosition) -> str:
        if state.mode in (Mode.TAG_OPEN, Mode.TAG_NAME):
            return "a value is the name of a tag; a cell could add markup"
        if state.mode in (Mode.IN_TAG, Mode.ATTRIBUTE, Mode.AFTER_ATTRIBUTE):
            return "a value is an attribute; write {% if … %}name{% endif %}, or name='{{ … }}'"
        if state.mode in (Mode.BEFORE_VALUE, Mode.UNQUOTED):
            return unquoted(state, is_json=self._assignments.is_json(expr))
        if state.mode is Mode.RAW and state.tag in CODE:
            return self._why_unsafe_in_code(expr, state)
        return why_unsafe_in_quotes(state.attribute) if state.mode in VALUES else ""

    def _why_unsafe_in_code(self, expr: ast.Expr, state: HtmlPosition) -> str:
        is_json = isinstance(expr, ast.Filter) and expr.name == "tojson"
        if state.is_json and state.in_string:
            return (
                "a value is inside a JSON string; write {{ ('…' ~ value) | tojson }}, which adds "
                "the quotes"
            )
        if state.is_json:
            hint = "a value is inside JSON; write {{ … | tojson }}, without quotes around it"
            return "" if is_json else hint
        hint = "; use a constant such as {% set brand = '#0b5' %}" if state.tag == "style" else ""
        return f"a value is inside <{state.tag}>, where escaping does not protect it{hint}"

    def _refuse_quotes(self, node: ast.Node, states: States) -> None:
        for state in states:
            if state.mode is Mode.DOUBLE_QUOTED:
                self._refuse(node, quotes(state.attribute))

    # --- text and comments --------------------------------------------------------------------

    def _check_text(self, node: ast.TemplateData, states: States) -> None:
        for match in ENCODED.finditer(node.data):
            for state in states:
                position = feed(state, node.data[: match.start()])
                is_code = position.mode is Mode.RAW and position.tag in CODE
                if position.mode in _IN_VALUE or is_code:
                    why = encoded_placeholder(node.data, match.start())
                    self._refuse_at(node.lineno + match.start(), why)

    def _check_comment(self, text: str, node: ast.Const, states: States) -> None:
        rest = _WHOLE_CODE.sub("", text)  # without a whole <style> that is commented out
        for state in states:
            if _CUT_CODE.search(rest) or (state.mode is Mode.RAW and state.tag in CODE):
                where = (
                    f"inside <{state.tag}>"
                    if state.tag in CODE
                    else "and contains a tag of <style> or <script>"
                )
                self._refuse(node, f"a comment starts with {{# {where}, {_COMMENT_HINT}")

    def _refuse(self, node: ast.Node, why: str) -> None:
        self._refuse_at(node.lineno, why)

    def _refuse_at(self, offset: int, why: str) -> None:
        name = self._name
        shown = self._shown_as.get(name, name)
        refuse(self._texts[name], shown, offset, why, lines=self._lines.get(name, ()))


_COMMENT_HINT: Final = (
    "so the text up to the next #} would not be sent; write { #… with a space, "
    "or {% raw %}…{% endraw %} around the rules; a comment in CSS is /* … */"
)
_ESCAPED_CONSTANT: Final = (
    "a constant inside <style> contains a quote or another character that is printed as an entity; "
    "write {{ … | safe }}"
)
