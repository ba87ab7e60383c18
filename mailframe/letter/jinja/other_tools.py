"""What to write instead of the language of another tool: tags that Jinja cannot parse."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_END: Final = re.compile(r"\}\}\}?|%\}")
_START: Final = re.compile(r"\{[{%]")
_SHOWN: Final = 80
_LONGEST: Final = 300
"""Characters of a tag that are read, so that the time does not grow with a tag without an end."""


class _Rule(NamedTuple):
    """A tag of another tool.

    Attributes:
        pattern: the start of the tag; its groups are the fields of *instead*.
        tool: the tools that write so.
        instead: what to write.
    """

    pattern: re.Pattern[str]
    tool: str
    instead: str


def _tag(pattern: str, tool: str, instead: str) -> _Rule:
    """A rule for ``{% … %}``."""
    return _Rule(re.compile(rf"\{{%[-+]?\s*{pattern}"), tool, instead)


def _value(pattern: str, tool: str, instead: str) -> _Rule:
    """A rule for ``{{ … }}``."""
    return _Rule(re.compile(rf"\{{\{{[-~]?\s*{pattern}"), tool, instead)


_NAME: Final = r"([\w.\[\]]+)"
_COMPARISONS: Final = (
    ("equals", "=="),
    ("notEquals", "!="),
    ("greaterThan", ">"),
    ("lessThan", "<"),
    ("and", "and"),
    ("or", "or"),
)
"""Block helpers of SendGrid, and the operators of Jinja."""
_CERTAIN: Final = (
    # Handlebars and Mustache
    _value(
        rf"#\s*each\s+{_NAME}",
        "Handlebars",
        "{{% for item in {0} %}}…{{% endfor %}}, and {{{{ item.… }}}} inside",
    ),
    _value(rf"#\s*if\s+{_NAME}", "Handlebars", "{{% if {0} %}}…{{% endif %}}"),
    _value(rf"#\s*unless\s+{_NAME}", "Handlebars", "{{% if not {0} %}}…{{% endif %}}"),
    _value(rf"#\s*with\s+{_NAME}", "Handlebars", "{{% with item = {0} %}}…{{% endwith %}}"),
    *(
        _value(
            rf"#\s*{helper}\s+(\S+)\s+([^\s}}]+)",
            "SendGrid",
            f"{{{{% if {{0}} {sign} {{1}} %}}}}…{{{{% endif %}}}}",
        )
        for helper, sign in _COMPARISONS
    ),
    _value(r"/\s*each", "Handlebars", "{{% endfor %}}"),
    _value(
        r"/\s*(?:if|unless|equals|notEquals|greaterThan|lessThan|and|or)\b",
        "Handlebars",
        "{{% endif %}}",
    ),
    _value(r"/\s*with", "Handlebars", "{{% endwith %}}"),
    _value(
        r"#\s*([\w.]+)\s*\}",
        "Mustache",
        "{{% for item in {0} %}}…{{% endfor %}} for a list, else {{% if {0} %}}…{{% endif %}}",
    ),
    _value(r"#\s*([\w.]+)", "Handlebars", "{{% if … %}}…{{% endif %}}, or a filter of your own"),
    _value(r"\^\s*([\w.]+)", "Mustache", "{{% if not {0} %}}…{{% endif %}}"),
    _value(r"\^", "Handlebars", "{{% else %}}"),
    _value(r"/\s*([\w.]+)", "Mustache", "{{% endfor %}} after a list, {{% endif %}} after others"),
    _value(r">\s*[\"']?([\w./-]+)", "Handlebars", "{{% include '{0}.html' %}}"),
    _value(r"!", "Handlebars", "a comment as {{# … #}}"),
    _value(
        r"&\s*([\w.]+)",
        "Mustache",
        "{{{{ {0} }}}}; for HTML that you trust, make the column with mf.html(df['{0}'])",
    ),
    _value(
        r"\{\s*([\w.]+)\s*\}",
        "Handlebars",
        "{{{{ {0} }}}}; for HTML that you trust, make the column with mf.html(df['{0}']) (three "
        "braces are for Postmark's placeholders: {{{{{{ pm:… }}}}}})",
    ),
    _value(r"@(?:index|key)", "Handlebars", "{{{{ loop.index0 }}}}"),
    _value(r"@(?:first|last)", "Handlebars", "{{{{ loop.first }}}} or {{{{ loop.last }}}}"),
    _value(r"@?\.\./", "Handlebars", "the name alone; the names outside of a loop stay"),
    # Go
    _value(r"\.([A-Za-z_][\w.]*)\s*-?\}", "Go", "{{{{ {0} }}}}, with the name of a column"),
    _value(r"\.\s*-?\}", "Go", "{{{{ item }}}}, with the variable of the loop"),
    # PHP
    _value(
        r"\$(\w+)(?:->(\w+))",
        "Blade",
        "{{{{ {0}.{1} }}}}, or {{{{ {1} }}}} with the name of a column",
    ),
    _value(r"\$(\w+)", "PHP", "{{{{ {0} }}}}, with the name of a column"),
    # Django
    _tag(r"load\b", "Django", "remove it: filters and tags need no load"),
    _tag(
        r"static\s+[\"']([^\"']+)[\"']",
        "Django",
        "the whole URL, as in https://acme.example/{0}, or attach the file and write cid:… with "
        "its content_id",
    ),
    _tag(r"(?:static|get_static_prefix|get_media_prefix)\b", "Django", "the whole URL"),
    _tag(r"url\b", "Django", "the whole URL, such as https://acme.example/{{{{ id }}}}"),
    _tag(r"csrf_token\b", "Django", "remove it: a mail has no form that posts to your site"),
    _tag(
        r"(?:blocktrans|blocktranslate)\b[^%]*\bwith\s+(\w+)=([\w.]+)",
        "Django",
        "{{% trans {0}={1} %}}…{{% endtrans %}}",
    ),
    _tag(
        r"(?:blocktrans|blocktranslate)\b[^%]*\bcount\s+(\w+)=([\w.|]+)",
        "Django",
        "{{% trans {0}={1} %}}…{{% pluralize %}}…{{% endtrans %}}",
    ),
    _tag(r"(?:blocktrans|blocktranslate)\b", "Django", "{{% trans %}}…{{% endtrans %}}"),
    _tag(r"(?:endblocktrans|endblocktranslate)\b", "Django", "{{% endtrans %}}"),
    _tag(r"plural\b", "Django", "{{% pluralize %}}"),
    _tag(r"comment\b", "Django and Liquid", "{{# … #}}"),
    _tag(r"verbatim\b", "Django and Twig", "{{% raw %}}…{{% endraw %}}"),
    _tag(r"now\b", "Django", "a column or a constant of the letter, such as {{{{ year }}}}"),
    _tag(r"ifequal\s+(\S+)\s+(\S+)", "Django", "{{% if {0} == {1} %}}…{{% endif %}}"),
    _tag(r"ifnotequal\s+(\S+)\s+(\S+)", "Django", "{{% if {0} != {1} %}}…{{% endif %}}"),
    _tag(r"empty\b", "Django", "{{% else %}}"),
    _tag(r"(?:end)?spaceless\b", "Django", "remove it, or write {{%- … -%}} to remove white space"),
    _tag(r"localize\b", "Django", "{{{{ … | number }}}} or {{{{ … | date }}}}"),
    _tag(r"firstof\s+(\S+)\s+(\S+)", "Django", "{{{{ {0} or {1} }}}}"),
    # Liquid and Twig
    _tag(r"(?:elsif|elseif)\b", "Liquid and Twig", "{{% elif … %}}"),
    _tag(r"assign\s+(\w+)\s*=\s*(.+?)\s*-?%\}", "Liquid", "{{% set {0} = {1} %}}"),
    _tag(r"capture\s+(\w+)", "Liquid", "{{% set {0} %}}…{{% endset %}}"),
    _tag(r"endcapture\b", "Liquid", "{{% endset %}}"),
    _tag(r"unless\s+(.+?)\s*-?%\}", "Liquid", "{{% if not ({0}) %}}…{{% endif %}}"),
    _tag(r"endunless\b", "Liquid", "{{% endif %}}"),
    _tag(
        r"case\s+([\w.]+)", "Liquid", "{{% if {0} == '…' %}}…{{% elif {0} == '…' %}}…{{% endif %}}"
    ),
    _tag(r"(?:render|section)\s+([\"'][^\"']+[\"'])", "Liquid", "{{% include {0} %}}"),
    _tag(r"embed\s+([\"'][^\"']+[\"'])", "Twig", "{{% include {0} %}}, or extends with blocks"),
    _tag(r"layout\s+([\"'][^\"']+[\"'])", "Liquid", "{{% extends {0} %}}"),
    _tag(r"(?:increment|decrement)\s+(\w+)", "Liquid", "{{{{ loop.index }}}} in a loop"),
    _tag(r"apply\s+(\w+)", "Twig", "{{% filter {0} %}}…{{% endfilter %}}"),
    # filters
)
"""Tags that Jinja can never parse."""
_OTHERS: Final = (
    _value(rf"range\s+\.?{_NAME}?", "Go", "{{% for item in {0} %}}…{{% endfor %}}"),
    _value(rf"(?:if|with)\s+\.?{_NAME}?", "Go", "{{% if {0} %}}…{{% endif %}}"),
    _value(r"(?:template|block)\s+\"([^\"]+)\"", "Go", "{{% include '{0}.html' %}}"),
    _value(r"define\s+\"([^\"]+)\"", "Go", "{{% block {0} %}}…{{% endblock %}}"),
    _value(r"\.", "Go", "{{{{ … }}}} with the name of a column"),
    _value(r"(?:var|escapehtml)\s+([\w.]+)", "Magento", "{{{{ {0} }}}}, with the name of a column"),
    _value(r"trans\s+[\"']", "Magento", "{{% trans %}}…{{% endtrans %}}"),
    _value(r"depend\s+([\w.]+)", "Magento", "{{% if {0} %}}…{{% endif %}}"),
    _value(r"\w+\s+\w+=", "Magento", "the text or the whole URL itself"),
    _tag(r"(?:trans|translate)\s+[\"']([^\"']+)[\"']", "Django", "{{{{ _('{0}') }}}}"),
    _tag(r"trans\s+with\b", "Twig", "{{% trans name=name %}}…{{{{ name }}}}…{{% endtrans %}}"),
    _tag(r"cycle\b", "Django and Liquid", "{{{{ loop.cycle('odd', 'even') }}}}"),
    _tag(r"autoescape\s+off\b", "Django", "{{{{ … | safe }}}} for a column whose HTML you trust"),
    _tag(r"with\s+(\S+)\s+as\s+(\w+)", "Django", "{{% with {1} = {0} %}}…{{% endwith %}}"),
    _tag(
        r"include\s+([\"'][^\"']+[\"'])\s+with\b",
        "Django and Twig",
        "{{% with … %}}{{% include {0} %}}{{% endwith %}}",
    ),
    _tag(r"include\s+([\"'][^\"']+[\"'])\s*(?:only|,)", "Django and Liquid", "{{% include {0} %}}"),
    _tag(r"else\s+if\b", "not Jinja", "{{% elif … %}}"),
    _tag(r"import\s+_self\b", "Twig", "remove it: macros of the same file need no import"),
    _tag(
        r"for\s+(\w+)\s+in\s+\(\s*(\w+)\s*\.\.\s*(\w+)\s*\)",
        "Liquid",
        "{{% for {0} in range({1}, {2} + 1) %}}",
    ),
    _tag(
        r"for\s+(\w+)\s*,\s*(\w+)\s+of\s+([\w.]+)|for\s+\w+\s*=>",
        "not Jinja",
        "{{% for {0} in {2} %}}",
    ),
    _tag(
        r"(?:if|elif)\s+.*?([\w.]+)\s+contains\s+(\"[^\"]*\"|'[^']*'|[\w.]+)",
        "Liquid",
        "{{% if {1} in {0} %}}",
    ),
    _tag(r"(?:if|elif)\b[^%]*&&", "not Jinja", "{{% if … and … %}}"),
    _tag(r"(?:if|elif)\b[^%]*\|\|", "not Jinja", "{{% if … or … %}}"),
    _tag(r"(?:if|elif)\b[^%]*===", "JavaScript", "{{% if … == … %}}"),
    _tag(r"(?:if|elif)\b[^%]*!==", "JavaScript", "{{% if … != … %}}"),
    _tag(r"(?:if|elif)\s+(?:[^%]*\s)?!\s*([\w.]+)", "not Jinja", "{{% if not {0} %}}"),
    _tag(r"(?:if|elif)\s+([\w.]+)\s*=\s*(?!=)", "not Jinja", "{{% if {0} == … %}}"),
    _value(
        r"(.+?)\s*\|\s*date\s*:\s*[\"']([A-Za-z]\W?[A-Za-z]\W{0,2}[A-Za-z])[\"']\s*\}",
        "Django",
        "{{{{ {0} | date('{1}') }}}}",
    ),
    _value(
        r"(.+?)\|\s*(\w+)\s*:\s*(?=[^\s|}])((?:\"[^\"]*\"|'[^']*'|[^|}'\"])+?)\s*[|}]",
        "Django and Liquid",
        "the arguments of a filter in parentheses: {{{{ {0} | {1}({2}) }}}}",
    ),
    _value(r"(.+?)\|\s*(\w+)\s*:", "Liquid", "{{{{ {0} | {1} }}}}"),
    _tag(
        r"[^%]*\|\s*(\w+)\s*:\s*([^%|]+?)\s*(?:-?%\}|\|)",
        "Django and Liquid",
        "the arguments of a filter in parentheses: {0}({1})",
    ),
    _value(r"([\w.]+)\s*\?\?\s*(.+?)\s*\}", "Twig", "{{{{ {0} | default({1}) }}}}"),
    _value(r"(.+?)\s*\?\s*(.+?)\s*:\s*(.+?)\s*\}", "JavaScript", "{{{{ {1} if {0} else {2} }}}}"),
    _value(r"(.+?)\s*&&", "JavaScript", "{{% if {0} %}}…{{% endif %}}"),
    _value(r"(.+?)\s*\|\|\s*(.+?)\s*\}", "JavaScript", "{{{{ {0} or {1} }}}}"),
    _value(
        r"insert\s+[\"']?([\w.]+)\s+[\"']default=([^\"']*)",
        "SendGrid",
        "{{{{ {0} | default('{1}') }}}}",
    ),
    _value(r"insert\s+[\"']?([\w.]+)", "SendGrid", "{{{{ {0} }}}}"),
    _value(r"lookup\s+([\w.]+)\s+([^\s}]+)", "Handlebars", "{{{{ {0}[{1}] }}}}"),
    *(
        _value(
            rf"{helper}\s+([\w.]+)\s+([^\s}}]+)",
            "SendGrid",
            f"{{{{{{{{ {{0}} {sign} {{1}} }}}}}}}}",
        )
        for helper, sign in _COMPARISONS
    ),
    _value(r"formatDate\s+([\w.]+)", "SendGrid", "{{{{ {0} | date }}}}"),
    _value(
        r"[fF][\"'][^{}]*\{([\w.]+)", "an f-string of Python", "the text, and in it {{{{ {0} }}}}"
    ),
    _value(r"(\w+)\s+([\w.]+)\s*(?:\}|[\"'])", "Handlebars", "{{{{ {1} | {0} }}}}, with a filter"),
    _value(r"([\w.]+)\s*\}(?!\})", "not closed", "{{{{ {0} }}}}"),
    _tag(
        r"foreach\s+\$?([\w.]+)\s+as\s+(?:\$?\w+\s*=>\s*)?\$?(\w+)",
        "not Jinja",
        "{{% for {1} in {0} %}}…{{% endfor %}}",
    ),
    _tag(r"(?:foreach|each|loop|while)\b", "not Jinja", "{{% for item in … %}}…{{% endfor %}}"),
    _tag(r"end(?:foreach|each|loop|while)\b", "not Jinja", "{{% endfor %}}"),
)
"""Tags that are tried only where Jinja has found an error."""
_DATE_CODES: Final = {
    "d": "%d", "j": "%d", "m": "%m", "n": "%m", "Y": "%Y", "y": "%y", "F": "%B", "M": "%b",
    "l": "%A", "D": "%a", "H": "%H", "i": "%M", "b": "%b", "N": "%b",
}  # fmt: skip
"""Letters of dates in Django and PHP, and the same in strftime."""


def advice(text: str, offset: int) -> str:
    """What the tag at an offset is, and what to write instead; empty if no tool is known for it.

    Other tags of the template that Jinja can never parse are listed, too.

    Args:
        text: the text of the template.
        offset: the place of a syntax error.

    >>> advice("Hi {{#if vip}}dear", 5)
    '{{#if vip}} is Handlebars; write {% if vip %}…{% endif %}'
    """
    first = _advice_for(tag_at(text, offset), (*_CERTAIN, *_OTHERS))
    if not first:
        return ""
    others: dict[str, int] = {}
    for match in _TAG.finditer(text):
        more = "" if _END_TAG.match(match[0]) else _advice_for(match[0][:_LONGEST], _CERTAIN)
        if more and more != first and len(others) < _LISTED:
            others.setdefault(more, text.count("\n", 0, match.start()) + 1)
    return "; ".join([first, *(f"line {line}: {more}" for more, line in others.items())])


_TAG: Final = re.compile(r"\{\{\{?[^{}]*\}\}\}?|\{%[^{}]*%\}")
_END_TAG: Final = re.compile(r"\{\{\s*/|\{%[-+]?\s*end")
_LISTED: Final = 4
"""Further tags that a text names."""


def _advice_for(tag: str, rules: tuple[_Rule, ...]) -> str:
    for rule in rules:
        match = rule.pattern.match(tag)
        if match:
            groups = [(group or "…").strip() for group in match.groups()]
            if "date('" in rule.instead:
                groups[-1] = "".join(_DATE_CODES.get(letter, letter) for letter in groups[-1])
            shown = tag if len(tag) <= _SHOWN else f"{tag[:_SHOWN]}…"
            verb = "" if rule.instead.startswith("remove") else "write "
            return f"{shown} is {rule.tool}; {verb}{rule.instead.format(*groups)}"
    return ""


_OPEN_TRANSLATION: Final = re.compile(
    r"\{%[-+]?\s*(?:trans\b|pluralize\b)(?:(?!\{%).)*\Z", re.DOTALL
)
_DJANGO_TEXT: Final = re.compile(r"\{%[-+]?\s*trans(?:late)?\s+([\"'])(.*?)\1[^%]*%\}", re.DOTALL)


def advice_in_translation(text: str, offset: int, message: str) -> str:
    """What to write instead of a tag or an expression inside ``{% trans %}``; empty if it is none.

    Args:
        text: the text of the template.
        offset: the place of a syntax error.
        message: the text of Jinja's error.
    """
    tag = tag_at(text, offset)
    if message.startswith("control structures in translatable"):
        statement = message.rpartition("`")[0].rpartition("`")[2] or "…"
        return (
            f"{{% {statement} … %}} is inside {{% trans %}}, which holds text and names alone; "
            f"write {{% endtrans %}} before it, and {{% trans %}} again after it"
        )
    if message.startswith("unclosed translation") and (match := _DJANGO_TEXT.search(text)):
        return f"{match[0]} is Django; write {{{{ _({match[1]}{match[2]}{match[1]}) }}}}"
    before = text[: text.rfind("{{", 0, offset + 2)]
    if tag.startswith("{{") and _OPEN_TRANSLATION.search(before):
        expression = tag.strip("{} ")
        return (
            f"{tag} is inside {{% trans %}}, which holds text and names alone; write "
            f"{{% trans value={expression} %}}…{{{{ value }}}}…{{% endtrans %}}"
        )
    return ""


_UNCLOSED: Final = re.compile(r"The innermost block that needs to be closed is '(\w+)'")
_FOUND: Final = re.compile(r"Encountered unknown tag '(\w+)'")
_UNKNOWN_TAG: Final = re.compile(r"Encountered unknown tag '(\w+)'\.\Z")


def advice_about_tags(message: str) -> str:
    """What Jinja says about a tag that is not closed, or that it does not have; else empty.

    >>> advice_about_tags("Encountered unknown tag 'endif'.")
    '{% endif %} has no {% if … %} before it; remove it, or write that tag'
    """
    if match := _UNCLOSED.search(message):
        inside = _FOUND.match(message)
        where = f"before {{% {inside[1]} %}}" if inside else "where it ends"
        return f"{{% {match[1]} … %}} is not closed; write {{% end{match[1]} %}} {where}"
    if not (match := _UNKNOWN_TAG.match(message)):
        return ""
    tag = match[1]
    if tag in ("else", "elif"):
        return f"{{% {tag} %}} has no {{% if … %}} before it; remove it, or write that tag"
    if tag.startswith("end") and tag[3:]:
        return f"{{% {tag} %}} has no {{% {tag[3:]} … %}} before it; remove it, or write that tag"
    return (
        f"templates have no tag {{% {tag} … %}}; a value is {{{{ … }}}}, and a function is a "
        f"filter: {{{{ … | {tag} }}}}"
    )


def tag_at(text: str, offset: int) -> str:
    """The tag in which an offset is, or the next one of its line; empty without one."""
    start = max(text.rfind("{{", 0, offset + 2), text.rfind("{%", 0, offset + 2))
    if start > 0 and text[start - 1 : start + 2] == "{{{":
        start -= 1
    end = _END.search(text, max(start, 0))
    if start < 0 or (end is not None and end.end() <= offset):
        following = _START.search(text, offset)
        if following is None:
            return ""
        start = following.start()
        end = _END.search(text, start)
    stop = end.end() if end else start + _SHOWN
    return text[start : min(stop, start + _LONGEST)].replace("\n", " ")
