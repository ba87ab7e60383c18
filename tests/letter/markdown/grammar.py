"""Random Markdown with Jinja in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_DEEPEST = 3
_WORDS = (
    "word", "**bold**", "_em_", "**{v}**", "`c {v}`", "[l]({v})", "3*4", "<b>h</b>", "~~{v}~~",
    "{v}", "{{% if f{n} %}}y{{% endif %}}", "\\{{", "&amp;", "{{", "{{# note #}}",
)  # fmt: skip
_VALUES = ("{{{{ x{n} }}}}", "{{{{ x{n} | f('|') }}}}", "{{{{- x{n} }}}}", "{{{{ x{n} -}}}}")


class Writer:
    """Writes Markdown; each value has a name of its own."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._count = 0

    def document(self) -> str:
        """A text of a few blocks."""
        return "\n".join(self._blocks(0, 5))

    def _value(self) -> str:
        self._count += 1
        return self._random.choice(_VALUES).format(n=self._count)

    def _flag(self) -> str:
        return f"{{% if f{self._random.randrange(4)} %}}"

    def _text(self) -> str:
        words = self._random.choices(_WORDS, k=self._random.randint(1, 4))
        return " ".join(word.format(v=self._value(), n=self._random.randrange(4)) for word in words)

    def _blocks(self, depth: int, most: int) -> list[str]:
        lines: list[str] = []
        for number in range(self._random.randint(1, most)):
            if number and self._random.random() < 0.6:
                lines.append("")
            lines += self._block(depth)
        return lines

    def _block(self, depth: int) -> list[str]:
        if depth > _DEEPEST:
            return [self._text()]
        name = self._random.choice(_BLOCKS)
        block = _LINES.get(name)
        if block is not None:
            return [line.replace("TEXT", self._text()) for line in block]
        return getattr(self, f"_{name}")(depth)

    def _bullets(self, _: int) -> list[str]:
        return [f"- {self._text()}" for _ in range(self._random.randint(1, 3))]

    def _numbers(self, _: int) -> list[str]:
        return [f"{i}. {self._text()}" for i in range(1, self._random.randint(2, 4))]

    def _quote(self, depth: int) -> list[str]:
        return [f"> {line}" for line in self._block(depth + 1)]

    def _nested(self, depth: int) -> list[str]:
        return [f"- {self._text()}", *(f"  {line}" for line in self._block(depth + 1))]

    def _table(self, _: int) -> list[str]:
        rows = [f"| {self._value()} | b |" for _ in range(self._random.randint(1, 2))]
        if self._random.random() < 0.6:
            rows = ["{% for i in xs %}", *rows, "{% endfor %}"]
        return ["| h | i |", "|---|--:|", *rows, "| t | u |"]

    def _if(self, depth: int) -> list[str]:
        return [self._flag(), *self._inner(depth), "{% endif %}"]

    def _else(self, depth: int) -> list[str]:
        arms = [*self._inner(depth), "{% else %}", *self._inner(depth)]
        return [self._flag(), *arms, "{% endif %}"]

    def _for(self, depth: int) -> list[str]:
        return ["{% for i in xs %}", *self._inner(depth), "{% endfor %}"]

    def _inner(self, depth: int) -> list[str]:
        blank = self._random.choice(([], [""]))
        return [*blank, *self._blocks(depth + 1, 2), *blank]


_LINES = {
    "paragraph": ["TEXT"],
    "two lines": ["TEXT", "TEXT"],
    "heading": ["## TEXT"],
    "rule": ["***"],
    "set": ["{% set s = 1 %}"],
    "fence": ["```", "TEXT", "{% if f0 %}", "TEXT", "{% endif %}", "```"],
    "code": ["    TEXT", "    x"],
    "html": ["<div>", "{% if f1 %}", "<b>TEXT</b>", "{% endif %}", "</div>"],
}
_BLOCKS = (*_LINES, "bullets", "numbers", "quote", "nested", "table", "if", "else", "for")
