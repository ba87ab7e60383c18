"""The template language renders what Mustachio itself has rendered, for each recorded case."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mailframe.sandbox.templating.suggested_model import suggested_model
from mailframe.sandbox.templating.template import RenderingFailed, Template
from tests.sandbox import mustachio_templates

LINES = Path(__file__).with_name("mustachio_cases.jsonl").read_text(encoding="utf-8").splitlines()
CASES: list[dict[str, Any]] = [json.loads(line) for line in LINES]


def outcome(template: Template, model: dict[str, Any]) -> dict[str, Any]:
    """What the sandbox makes of a template, in the form of the recorded cases."""
    if template.errors:
        return {"errors": [[one.line, one.position, one.text] for one in template.errors]}
    suggested = {"suggested": suggested_model([(template, None)])}
    try:
        texts = {"html": template.render(model, html=True), "text": template.render(model)}
    except RenderingFailed:
        return {"failed": True, **suggested}
    return {**texts, **suggested}


def test_the_cases_are_those_of_the_script():
    """All kinds of outcome are among them."""
    inputs = [(case["template"], case["model"]) for case in CASES]
    assert inputs == mustachio_templates.cases(len(CASES))
    kinds = Counter(
        "failed" if "failed" in case else "errors" if "errors" in case else bool(case["html"])
        for case in CASES
    )
    assert min(kinds[kind] for kind in ("failed", "errors", True, False)) >= 20


@pytest.mark.parametrize("start", range(0, len(CASES), 100))
def test_a_template_is_what_mustachio_makes_of_it(start: int):
    """Both texts, the suggested model, or the errors in their places."""
    for case in CASES[start : start + 100]:
        result = outcome(Template.of(case["template"]), case["model"])
        recorded = {key: case[key] for key in case if key not in ("template", "model")}
        if not isinstance(recorded.get("suggested", {}), dict):
            # Of {{.}} outside of a block, Mustachio makes a text or a list; a model is an object.
            recorded["suggested"] = result["suggested"]
        assert result == recorded
