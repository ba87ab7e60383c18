"""Random templates with models, the same ones for a seed.

``python -m tests.sandbox.mustachio_templates 300`` prints them as lines of JSON. What Mustachio 2
makes of them is in ``mustachio_cases.jsonl``: the text of a body in HTML and of one in text, the
suggested model, or the errors. It was run by Mono, which has other rules for fractions, so the
models have none.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

NAMES = ["a", "b", "ä"]
PATHS = ["a.b", "b.a", "../a", "../../b", "../b.ä", ".", "a.b.ä", "b.", ".ä", "a b", ""]
TEXTS = ["x", " ", "<b>", "\n", "é&", "{", "}}", "{{", "'\"", "\r\n"]
VALUES: list[Any] = [None, True, False, 0, 7, -12, "", "text", "<i>&\"'", "ünï", " ", [], {}]


def cases(count: int, *, seed: int = 1) -> list[tuple[str, dict[str, Any]]]:
    """*count* templates, each with a model; about one in eight is broken."""
    source = random.Random(seed)
    return [(_template(source), _model(source)) for _ in range(count)]


def _template(source: random.Random) -> str:
    text = _block(source, depth=0)
    if source.random() < 0.12:
        at = source.randrange(len(text) + 1)
        text = (
            text[:at]
            + source.choice(["{{/each}}", "{{#a}}", "{{/b}}", "{", "}", "{{#each}}"])
            + text[at:]
        )
    return text


def _block(source: random.Random, *, depth: int) -> str:
    return "".join(_piece(source, depth=depth) for _ in range(source.randint(1, 3)))


def _piece(source: random.Random, *, depth: int) -> str:
    path = source.choice(NAMES if source.random() < 0.6 else PATHS)
    kind = source.choice(
        ["text", "value", "raw", "and", "comment"] + ["#", "^", "each", "both"] * (depth < 2)
    )
    if kind == "text":
        return source.choice(TEXTS)
    if kind in ("value", "raw", "and", "comment"):
        space = source.choice(["", " "])
        start, end = {
            "value": ("{{", "}}"),
            "raw": ("{{{", "}}}"),
            "and": ("{{&", "}}"),
            "comment": ("{{!", "}}"),
        }[kind]
        return f"{start}{space}{path}{space}{end}"
    inside = _block(source, depth=depth + 1)
    if kind == "each":
        return f"{{{{#each {path}}}}}{inside}{{{{/each}}}}"
    if kind == "both":
        inside += f"{{{{^{path}}}}}{_block(source, depth=depth + 1)}"
        kind = "#"
    return f"{{{{{kind}{path}}}}}{inside}{{{{/{path}}}}}"


def _model(source: random.Random) -> dict[str, Any]:
    return {name: _value(source, depth=0) for name in NAMES}


def _value(source: random.Random, *, depth: int) -> Any:
    kind = source.random()
    if depth < 2 and kind < 0.35:
        return {name: _value(source, depth=depth + 1) for name in NAMES}
    if depth < 2 and kind < 0.65:
        return [_value(source, depth=depth + 1) for _ in range(source.randint(1, 3))]
    return source.choice(VALUES)


if __name__ == "__main__":
    for template, model in cases(int(sys.argv[1])):
        sys.stdout.write(json.dumps([template, model], ensure_ascii=False) + "\n")
