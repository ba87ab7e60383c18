"""README.md, docs/*.md and docstrings: examples run and print what they show; all is documented."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import inspect
import io
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import mailframe as mf
from mailframe.accessor import MailAccessor

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [
    "mailframe",
    *sorted(
        module.name
        for module in pkgutil.walk_packages(mf.__path__, "mailframe.")
        if not module.name.endswith(".__main__")  # importing it runs it
    ),
]
TEST_COMMAND = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/python -m pytest"
)
FENCE = re.compile(
    r"^(?P<mark>```+)(?P<language>[\w-]*)(?P<more>[^`\n]*)\n(?P<body>.*?)^(?P=mark)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\((?!https?://|mailto:)(?P<path>[^)#\s]*)#?(?P<heading>[^)\s]*)\)")
FILE = re.compile(r"# (?P<name>\w+\.py)$", re.MULTILINE)
"""The first line of a block that is a file, with its name."""
SQL = "run SQL"
ADDRESS = "127.0.0.1:8025"
"""Where the sandbox listens without an option."""
HEADING = re.compile(r"^#+ (.+?)\s*$", re.MULTILINE)
VARYING = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "MESSAGE-ID"),
    (re.compile(r"[\d.,]+ (msg/s|s)\b"), r"N \1"),
    (re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.]*(Z|\+00:00)?"), "TIME"),
)
"""What no two runs have in common."""
LONGEST_RECIPE = 25
"""Lines of a program of the cookbook."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: language, rest of the first line, text, line, and the next block."""

    language: str
    more: str
    body: str
    line: int
    output: str | None

    @property
    def runs(self) -> bool:
        """Whether it is executed."""
        return "no-run" not in self.more.split()


def blocks(page: Path) -> Iterator[Block]:
    """The Python, bash and SQL blocks of a page, each with the output shown right below it."""
    text = page.read_text(encoding="utf-8")
    every = list(FENCE.finditer(text))
    for block, following in zip(every, [*every, None][1:], strict=True):
        if block["language"] not in ("python", "bash", "sql"):
            continue
        below = None
        if (
            following
            and following["language"] in ("text", "console")
            and not text[block.end() : following.start()].strip()
        ):
            below = following["body"]
        line = text.count("\n", 0, block.start()) + 1
        yield Block(block["language"], block["more"], block["body"], line, below)


class Both(io.StringIO):
    """A stream that also writes to a second one."""

    def __init__(self, second: io.StringIO) -> None:
        super().__init__()
        self._second = second

    def write(self, text: str) -> int:
        """Write *text* to both."""
        self._second.write(text)
        return super().write(text)


def steady(text: str) -> str:
    """*text* without trailing spaces and without what no two runs have in common."""
    for pattern, stands_for in VARYING:
        text = pattern.sub(stands_for, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


@every_page
def test_the_examples_of_a_page_run_and_print_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """One folder and namespace per page; a text block right below a block is what it prints.

    Each program of the cookbook is complete, so it has a namespace of its own. A sandbox runs at
    the address that the pages of the sandbox have, but at another port. The page for teams has a
    PostgreSQL server, which also runs its SQL.
    """
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POSTMARK_SERVER_TOKEN", raising=False)
    namespace: dict[str, object] = {"__name__": page.stem}
    if page.stem == "teams":
        server = request.getfixturevalue("postgres")
        monkeypatch.setenv("MAILFRAME_LEDGER", server.url())
        namespace |= {"ledger_of": lambda name: server.url("team_a", user=name), SQL: server.run}
    with mf.Sandbox() as sandbox, ended(namespace):
        for block in blocks(page):
            if not block.runs:
                continue
            if page.stem == "cookbook":
                namespace = {"__name__": page.stem}
                assert block.body.count("\n") <= LONGEST_RECIPE, f"{page.name}, line {block.line}"
            code = block.body.replace(ADDRESS, f"127.0.0.1:{sandbox.port}")
            printed, everything = ran(block, code, page=page, namespace=namespace)
            if block.output is not None and steady(block.output) != steady(everything):
                assert steady(printed) == steady(block.output), f"{page.name}, line {block.line}"


@contextlib.contextmanager
def ended(namespace: dict[str, object]) -> Iterator[None]:
    """End the processes that a page has started, also if one of its blocks fails."""
    try:
        yield
    finally:
        for value in namespace.values():
            if isinstance(value, subprocess.Popen) and value.poll() is None:
                value.kill()
                value.communicate()


def ran(block: Block, code: str, *, page: Path, namespace: dict[str, object]) -> tuple[str, str]:
    """What a block printed, and the same with what it wrote to standard error."""
    if block.language == "bash":
        return in_bash(code)
    if block.language == "sql":
        namespace[SQL](*filter(str.strip, code.split(";")))  # type: ignore[operator]
        return "", ""
    if file := FILE.match(code):
        Path(file["name"]).write_text(code, encoding="utf-8")
        return "", ""
    everything = io.StringIO()
    printed = Both(everything)
    compiled = compile("\n" * block.line + code, str(page), "exec")
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(everything):
        exec(compiled, namespace)  # noqa: S102 - it is our own page
    return printed.getvalue(), everything.getvalue()


def in_bash(code: str) -> tuple[str, str]:
    """What *code* printed; ``python`` is the one that runs the tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # of the plugins of pytest only ours, which takes half of the time
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p pytest_mailframe"}
    done = subprocess.run(
        [str(shutil.which("bash")), "-euo", "pipefail", "-c", code],
        env=os.environ | plugins | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
    return done.stdout, done.stdout + done.stderr


@every_page
def test_only_a_block_for_the_live_server_is_not_run(page: Path) -> None:
    """A block marked no-run compiles, and calls mf.Postmark without a base_url."""
    for block in blocks(page):
        if not block.runs:
            assert block.language == "python"
            compile("\n" * block.line + block.body, str(page), "exec")
            assert re.search(r"\bPostmark\((?!.*base_url)", block.body), (
                f"{page.name}, line {block.line} could be run"
            )


@every_page
def test_the_links_of_a_page_lead_to_files(page: Path) -> None:
    """A relative link names a file of the repository, and after ``#`` a heading of that page."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    assert not [link[0] for link in LINK.finditer(text) if not is_there(page, link)]


def is_there(page: Path, link: re.Match[str]) -> bool:
    """Whether the file of a link exists, and has its heading."""
    target = page.parent / link["path"] if link["path"] else page
    if not target.exists() or not link["heading"]:
        return target.exists()
    headings = HEADING.findall(FENCE.sub("", target.read_text(encoding="utf-8")))
    return link["heading"] in {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings
    }


def public_names() -> Iterator[str]:
    """The names of the menu, and the public methods of its classes and of the accessor."""
    for name in mf.__all__:
        if name.startswith("__"):
            continue
        yield name
        thing = getattr(mf, name)
        if inspect.isclass(thing):
            yield from members(thing)
    yield from members(MailAccessor)


def members(kind: type) -> Iterator[str]:
    """Public methods and properties that mailframe defines; the members of an enum."""
    if issubclass(kind, Enum):
        yield from (str(member.value) for member in kind)
        return
    own = [base for base in kind.__mro__ if base.__module__.startswith("mailframe")]
    for name in {name for base in own for name in vars(base) if not name.startswith("_")}:
        member = inspect.getattr_static(kind, name)
        if isinstance(member, property | staticmethod | classmethod) or inspect.isfunction(member):
            yield name


def test_everything_public_is_in_the_pages() -> None:
    """A name that no page mentions is one that nobody finds."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    missing = sorted(
        {name for name in public_names() if not re.search(rf"\b{re.escape(name)}\b", text)}
    )
    assert not missing, f"README.md and docs/ do not mention {', '.join(missing)}"


ROW_OF_TYPES = re.compile(r"^\| (`mf\.\w+`(?:, `mf\.\w+`)*) \| (.*) \|$", re.MULTILINE)


def test_the_reference_names_only_members_that_exist() -> None:
    """Words in code style in the row of a class: its members, and the call that returns it."""
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    for names, description in ROW_OF_TYPES.findall(text):
        kinds = [getattr(mf, name) for name in re.findall(r"`mf\.(\w+)`", names)]
        if not all(map(inspect.isclass, kinds)):
            continue
        makers = [mf.Campaign, mf.Postmark]
        values = {str(value) for kind in kinds if issubclass(kind, Enum) for value in kind}
        wrong = [
            word
            for word in re.findall(r"`([a-z]\w*)`", description)
            if word not in values
            and not any(
                hasattr(kind, word) or word in getattr(kind, "__annotations__", ())
                for kind in kinds + makers
            )
        ]
        assert not wrong, names


def test_every_problem_code_is_explained() -> None:
    """docs/problems.md has each code of the closed vocabulary, in code style."""
    text = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    assert not [code.value for code in mf.Code if f"`{code.value}`" not in text]


def test_the_readme_and_ci_use_one_test_command() -> None:
    """What a newcomer is told to run is what CI runs."""
    assert TEST_COMMAND in (ROOT / "README.md").read_text(encoding="utf-8")
    assert TEST_COMMAND in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_right(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ``>>>`` of a docstring runs; ``pd`` and ``mf`` need no import."""
    monkeypatch.chdir(ROOT)
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        failed, _ = doctest.testmod(
            importlib.import_module(name),
            extraglobs={"pd": pd, "mf": mf},
            optionflags=doctest.ELLIPSIS,
        )
    assert not failed, report.getvalue()
