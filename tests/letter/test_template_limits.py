"""Templates that try to leave the sandbox or that never end: each is an error within seconds."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time

import pytest

import mailframe as mf
from mailframe.letter.jinja.budget import Budget, TemplateLimit
from tests.composing import compose, frame, text_of

ESCAPES = (
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('__cl' ~ 'ass__') }}",
    "{{ ''['__cl' ~ 'ass__'] }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ['']|map(attribute='__class__')|list|join }}",
    "{{ ['']|map('attr', '__class__')|list|join }}",
    "{{ [''.format]|map('string')|list|join }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ cycler }}",
    "{{ joiner }}",
    "{{ lipsum }}",
    "{{ lipsum.__globals__ }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ range.__self__ }}",
    "{{ dict.fromkeys(['a']) }}",
    "{{ dict.mro() }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ '{0.__class__}'.format('') }}",
    "{{ '{0.real}'.format(1) }}",
    "{{ '{a[0]}'.format(a='x') }}",
    "{{ '{0.__class__}'|format('') }}{{ '{}'.format.__self__ }}",
    "{{ '{a.__class__}'.format_map({'a': ''}) }}",
    "{{ ('{0.__cl' ~ 'ass__}').format('') }}",
    "{{ v.encode() }}",
    "{{ v.translate({}) }}",
    "{{ v.to_csv('out.csv') }}",
    "{{ v.tofile('out') }}",
    "{{ v.unlink() }}",
    "{{ row.to_csv('out.csv') }}",
    "{{ row.pop('v') }}",
    "{{ row.clear() }}",
    "{{ [1].append(2) }}",
    "{{ {'a': 1}.update(b=2) }}",
    "{{ {'a': 1}.setdefault('b', 2) }}",
    "{{ when.now() }}",
    "{{ when.fromtimestamp(0) }}",
    "{{ when.today() }}",
    "{{ (1).to_bytes(9, 'big') }}",
    "{{ (1.5).hex() }}",
    "{% macro m() %}{{ m._func }}{% endmacro %}{{ m() }}{{ m._func }}",
    "{% macro m() %}{% endmacro %}{{ m.__call__.__globals__ }}",
    "{% set x = [].__class__ %}{{ x }}",
    "{% for x in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% for x in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% include '../secret' %}",
    "{% include v %}",
    "{% import 'os' as os %}{{ os }}",
    "{% from 'os' import system %}",
    "{% extends '/etc/passwd' %}",
    "{{ v|random }}",
    "{{ v|pprint }}",
    "{{ {'a': 1}|xmlattr }}",
    "{{ '%s'|format(range) }}",
    "{{ '{}'.format(range) }}",
    "{{ range ~ '' }}",
    "{% do v.append(1) %}",
    "{% debug %}",
    "{% continue %}",
)
"""Each must be an error: of the letter when it is composed, or of the row when it is rendered."""

RUNAWAYS = (
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{% for i in range(10**9) %}{% endfor %}",
    "{% for a in [1] recursive %}{{ loop(range(99999)) }}{% endfor %}",
    (
        "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}"
        "{% set ns.s = ns.s ~ ns.s %}{% endfor %}"
    ),
    (
        "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}"
        "{% set ns.s = ns.s + ns.s %}{% endfor %}"
    ),
    (
        "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}"
        "{% set ns.s = ns.s * 2 %}{% endfor %}"
    ),
    (
        "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.s %}"
        "{{ ns.s }}{{ ns.s }}{% endset %}"
        "{% endfor %}{{ ns.s }}"
    ),
    (
        "{% set ns = namespace(s='a') %}{% for i in range(60) %}"
        "{% set ns.s = [ns.s, ns.s]|join %}{% endfor %}"
    ),
    (
        "{% set ns = namespace(s='a') %}{% for i in range(60) %}"
        "{% set ns.s = ''.join([ns.s, ns.s]) %}{% endfor %}"
    ),
    (
        "{% set ns = namespace(s='a') %}{% for i in range(60) %}"
        "{% set ns.s = '%s%s' % (ns.s, ns.s) %}{% endfor %}"
    ),
    (
        "{% set ns = namespace(s='a') %}{% for i in range(60) %}"
        "{% set ns.s = '{0}{0}'.format(ns.s) %}{% endfor %}"
    ),
    (
        "{% set ns = namespace(s='a') %}{% for i in range(60) %}"
        "{% set ns.s = ns.s.replace('a', 'aa') %}{% endfor %}"
    ),
    (
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}"
        "{% endfor %}{{ ns.s|tojson }}"
    ),
    (
        "{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(60) %}"
        "{% set ns.s = [ns.s, ns.s] %}"
        "{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}"
    ),
    (
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s] * 2 %}"
        "{% endfor %}"
    ),
    (
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}"
        "{% set ns.s = {'a': ns.s, 'b': ns.s} %}{% endfor %}"
    ),
    (
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}"
        "{% set ns.s = dict(a=ns.s, b=ns.s) %}{% endfor %}"
    ),
    "{{ 'a' * 10**10 }}",
    "{{ 10**10 * 'a' }}",
    "{{ '🎉' * 19000000 ~ '🎉' * 19000000 }}",
    "{{ [1] * 10**9 }}",
    "{{ 2**99999999 }}",
    "{{ 10 ** (10**10) }}",
    "{{ big.ljust(10**9) }}",
    "{{ big.zfill(10**9) }}",
    "{{ '\\t'.expandtabs(10**9) }}",
    "{{ ('\\t' * 1000000).expandtabs(9999) }}",
    "{{ big|center(10**9) }}",
    "{{ range(99999)|map('center', 9999)|join }}",
    "{{ ('\\n' * 1000000)|indent(9999) }}",
    "{{ ('\\n' * 1000000)|indent(big) }}",
    "{{ 'x'|indent(10**9, true) }}",
    "{{ '%0999999999d' % 1 }}",
    "{{ '%0999999999d'|format(1) }}",
    "{{ '%.999999999f' % 1 }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ ('%9999d' * 100000) % ((1,) * 100000) }}",
    "{{ ('%(a)9999d' * 100000) % {'a': 1} }}",
    "{{ ('%(a)s' * 100000) % {'a': big} }}",
    "{{ '{:>999999999}'.format('') }}",
    "{{ '{:{}}'.format('', 10**9) }}",
    "{{ ('{0:9999}' * 100000).format(1) }}",
    "{{ ('{0}' * 100000).format(big) }}",
    "{{ when.strftime('%0999999999d') }}",
    "{{ when|date('%0999999999d') }}",
    "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
    "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}",
    "{{ ('x' * 1000000).join(range(99999)|map('string')) }}",
    "{{ range(9999)|join('x' * 100000) }}",
    "{{ ([big] * 99999)|join }}",
    "{{ ([big] * 99999)|tojson }}",
    "{{ ([[1] * 1000] * 5000)|sum(start=[]) }}",
    "{{ ('<!---->' * 1000000)|striptags }}",
    "{{ ('a-' * 5000000)|wordwrap(2) }}",
    "{{ ('a' * 1000000)|wordwrap(1) }}",
    "{% filter wordwrap(1) %}{{ 'a' * 1000000 }}{% endfilter %}",
    "{{ ('a ' * 100000)|wordwrap(1, wrapstring=big) }}",
    "{{ ('a ' * 9000000)|wordcount }}",
    "{{ ('a ' * 9000000).split() }}",
    "{{ ('a' * 19000000)|list }}",
    "{{ ('<' * 19000000)|e }}",
    "{{ ('🎉' * 19000000)|urlencode }}",
    "{{ range(99999)|batch(10**9, 'x')|list }}",
    "{{ range(99999)|slice(10**9)|list }}",
    "{{ 2.5|round(10**9) }}",
    "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(1) }}",
    "{% macro f() %}{% for i in range(99999) %}{{ f() }}{% endfor %}{% endmacro %}{{ f() }}",
    "{{ lipsum(n=100000000) }}",
    "{% set x %}{% for i in range(9999) %}{{ big }}{% endfor %}{% endset %}",
    "{% filter upper %}{% for i in range(9999) %}{{ big }}{% endfor %}{% endfilter %}",
    "{% for i in range(90000) %}" + "x" * 1000 + "{% endfor %}",
    "{% for a in [1] %}" * 25 + "{% endfor %}" * 25,
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "[" * 500 + "]" * 500 + " }}",
    "{{ " + "-" * 9000 + "1 }}",
)

OPERATIONS = (
    "big[1:] == 'b'",
    "big[::-1]",
    "many[1:]",
    "'y' in big",
    "big in big",
    "'y' in many",
    "'y' not in range(99999)",
    "'y' in keyed.values()",
    "big is lower",
    "big is eq copy",
    "big == copy",
    "big <= copy",
    "many == many[:]",
    "[many, many] == [many, many]",
    "many == same",
    "keyed == dict(keyed)",
    "loop.changed(big if i is odd else copy)",
    "loop.changed(big ~ i)",
    "range(99999) | max",
    "range(99999) | min",
    "range(99999) | sum",
    "range(99999) | select('gt', 10**9) | first",
    "range(99999) | select('odd') | reject('odd') | first",
    "range(99999) | map('string') | map('upper') | join",
    "many | sort | first",
    "many | unique | list",
    "many | reverse | list",
    "many | groupby(0) | list",
    "many | join",
    "many | select('in', many) | list",
    "many | selectattr(0, 'eq', 'y') | first",
    "i in many | map('upper')",
    "many.index('x1999')",
    "many.count('y')",
    "many + many",
    "keyed | dictsort",
    "keyed | tojson",
    "keyed.get(big[i:])",
    "{big[i:]: 1}",
    "big.count('y')",
    "big.replace('x', 'x')",
    "big | replace('y', '')",
    "big | upper",
    "big | striptags",
    "big | int",
    "when.strftime(big)",
    "big ~ 'a'",
    "big + 'a'",
    "'%s' % big",
    "'{}'.format(big)",
    "m(*range(9999))",
    "text()",
)
"""The time of each depends on its values; 90,000 of them would take minutes or all memory."""
USED = {
    "m(": "{% macro m() %}{{ varargs | length }}{% endmacro %}",
    "text()": "{% macro text() %}" + "y" * 200_000 + "{% endmacro %}",
    "copy": "{% set copy = big[:50000] ~ big[50000:] %}",
    "same": "{% set same = many + [] %}",
}
"""What stands before an operation that uses it; the long text takes time in each template."""
SLOW = (
    *(
        "".join(text for name, text in USED.items() if name in operation)
        + "{% for i in range(90000) %}{% if ("
        + operation
        + ") is sameas(0) %}x{% endif %}{% endfor %}"
        for operation in OPERATIONS
    ),
    "{% for i in range(90000) %}{% set x %}" + "y" * 1_000_000 + "{{ i }}{% endset %}{% endfor %}",
    "{% for i in range(90000) %}" + "y" * 200_000 + "{% endfor %}",
    "{% for i in range(90000) %}"
    + "{% if i > 5 and i < 9 or i == 7 %}x{% endif %}" * 500
    + "{% endfor %}",
    (
        "{% macro f(n) %}{% for a in range(9) %}{{ f(n + 1) if n < 9 }}{% endfor %}{% endmacro %}"
        "{{ f(0) }}"
    ),
)

CHILD = """
    import json, os, re, resource, sys, time
    sys.addaudithook(lambda event, args: watch(event, args))
    watch = lambda event, args: None
    import pandas as pd
    import mailframe as mf
    from mailframe.letter.jinja import budget
    corpus, budget.MAX_SECONDS, times = json.load(sys.stdin)
    frame = pd.DataFrame(
        {
            "email": ["a@acme.com"],
            "v": ["/etc/passwd"],
            "big": ["x" * 100_000],
            "when": pd.to_datetime(["2026-01-02"]),
        }
    )
    frame["many"] = [[f"x{n}" for n in range(2_000)]]
    frame["keyed"] = [{f"x{n}": n for n in range(2_000)}]
    mail = {"sender": "me@acme.com", "to": "{{ email }}", "subject": "Hi"}
    first_uses = ("{{ ['\\x41', v][0] }}", "{{ v.nope }}", "{{ v.encode() }}", "{{ v|nope }}")
    for template in (*first_uses, "{% nope %}"):
        try:  # modules that Python imports at first use
            frame.mail.compose(**mail, text_body=template).problems()
        except mf.errors.LetterError:
            pass
    resource.setrlimit(resource.RLIMIT_AS, (3 * 10**9, 3 * 10**9))
    touched = []
    FORBIDDEN = ("open", "socket.", "subprocess.", "os.", "shutil.", "import")
    def watch(event, args):
        if event.startswith(FORBIDDEN):
            touched.append([event, str(args)[:80]])
    results = []
    for template in corpus:
        touched.clear()
        start = time.process_time()  # independent of the load of the machine
        twice = []
        for _ in range(times):
            try:
                campaign = frame.mail.compose(**mail, text_body=template)
                touched.clear()  # composing may import a codec, rendering does nothing
                problems = campaign.problems()
                codes = problems["code"].tolist()
                twice.append([codes, [d[:200] for d in problems["detail"]]])
            except mf.errors.LetterError as error:
                twice.append([["LetterError"], [str(error)[:200]]])
        results.append([twice, (time.process_time() - start) / times, list(touched)])
    # ru_maxrss of a child is no less than that of the process that started it
    status = open("/proc/self/status").read() if os.path.exists("/proc/self/status") else ""
    peak = int((re.search(r"VmHWM:\\s+(\\d+)", status) or [0, 0])[1]) * 1024
    print(json.dumps([results, peak]))
"""


@pytest.fixture(scope="module")
def child(tmp_path_factory):
    """Renders a corpus in a child with 3 GB of address space, in an empty folder of its own."""

    def run(corpus, *, max_seconds=5.0, times=2):
        folder = tmp_path_factory.mktemp("child")
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(CHILD)],
            input=json.dumps([corpus, max_seconds, times]),
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert not list(folder.iterdir())
        return json.loads(done.stdout)

    return run


def test_no_template_leaves_the_sandbox(child):
    """Each attempt is an error; nothing is opened, connected, started, imported or written."""
    results, _ = child(ESCAPES)
    for template, (twice, _, touched) in zip(ESCAPES, results, strict=True):
        assert twice[0][0], template
        assert not touched, (template, touched)
        assert "0x" not in twice[0][1][0], (template, twice)
        assert twice[0] == twice[1], template


def test_a_runaway_template_ends_as_a_problem(child):
    """It ends within seconds and limited memory, with the same message each time."""
    results, peak = child(RUNAWAYS, max_seconds=1.0)
    for template, (twice, seconds, _) in zip(RUNAWAYS, results, strict=True):
        assert twice[0][0], template
        assert twice[0][0] in (["template_limit"], ["LetterError"], ["template_error"]), (
            template,
            twice,
        )
        if not any(
            "takes longer" in str(outcome) for outcome in twice
        ):  # that is up to the machine
            assert twice[0] == twice[1], template
        assert seconds < 6, (template, seconds)
    assert peak < 1_200_000_000


def test_no_operation_escapes_the_limits(child):
    """Each operation whose time depends on its values is charged or checks the time."""
    results, peak = child(SLOW, max_seconds=0.05, times=1)
    for template, (twice, seconds, _) in zip(SLOW, results, strict=True):
        assert twice[0][0] == ["template_limit"], (template[-200:], twice)
        assert seconds < 4, (template[-200:], seconds)
    assert peak < 1_200_000_000


def test_the_time_limit_is_processor_time():
    """A rendering that waits for the machine is not over; one that computes is."""
    budget = Budget()
    budget.reset(share=100)  # 0.05 s
    time.sleep(0.2)
    budget.check_time()
    end = time.thread_time() + 1

    def compute():
        while time.thread_time() < end:
            budget.check_time()

    with pytest.raises(TemplateLimit, match="takes longer"):
        compute()


def test_comparing_and_slicing_long_text_ends_within_the_limit(child):
    """The comparison took more than 25 seconds when slices were not charged."""
    loop = "{% for i in range(99999) %}{% if s[1:] == 'b' %}x{% endif %}{% endfor %}"
    [(twice, seconds, _)], _ = child(["{% set s = big * 50 %}" + loop])
    assert twice[0][0] == ["template_limit"]
    assert (
        "builds more than 20,000,000 characters" in twice[0][1][0]
    )  # counted: the same on every machine
    assert seconds < 6


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{{ v[1:] }}{{ v[:-1] }}{{ v[::2] }}{{ v[1:3][0] }}{{ v[9:] }}", "bcdabcacb"),
        ("{{ [1, 2, 3][1:] | join }}{{ (1, 2, 3)[:1] | join }}", "231"),
        ("{{ 1 < 2 < 3 }}{{ 3 > 2 > 2 }}{{ v == v == 'abcd' }}", "yesnoyes"),
        ("{{ 'b' in v }}{{ 'x' not in v }}{{ v in ['abcd', 1] }}{{ v in v }}", "yesyesyesyes"),
        (
            (
                "{{ v is eq('abcd') }}{{ v is in(['abcd']) }}{{ v is lower }}"
                "{{ [v] | select('eq', 'abcd') | first }}"
            ),
            "yes" * 3 + "abcd",
        ),
        (
            (
                "{% for i in range(20) %}{{ loop.length if loop.last }}"
                "{{ loop.revindex if loop.first }}{% endfor %}"
            ),
            "2020",
        ),
        (
            "{% for x in v | map('upper') %}{{ loop.length if loop.first }}{{ x }}{% endfor %}",
            "4ABCD",
        ),
        ("{{ [3, 1] | min }}{{ [3, 1] | max }}{{ '7' | int + 1 }}{{ '1.5' | float }}", "1381.5"),
        ("{% for i in range(40) %}{{ 'x' if loop.changed(i // 20) }}{% endfor %}", "xx"),
    ],
)
def test_charged_operations_have_the_same_results(template, printed):
    """Comparisons, slices, long loops and tests have the same results."""
    assert text_of(template, v="abcd") == printed


def test_an_attempt_to_escape_stops_the_send():
    """It is an error of the call, so that on_invalid='skip' sends nothing either."""
    campaign = compose(frame(2), text_body="{{ email|attr('__cl' ~ 'ass__') }}")
    assert campaign.problems()["code"].tolist() == ["unsafe_template"] * 2
    assert mf.Code.UNSAFE_TEMPLATE.stops_everything
