"""Rooms import in one direction, the sandbox is independent, files stay small."""

from __future__ import annotations

import graphlib
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mailframe as mf
from tests.sources import source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mailframe"
SOURCES = sorted(PACKAGE.rglob("*.py"))


TABLE = (ROOT / "docs" / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROOMS = {
    room: set(re.findall(r"`(\w+)/?`", allowed))
    for room, allowed in re.findall(r"^\| `(\w+)/` \|.*\| ([^|]*) \|$", TABLE, re.MULTILINE)
}
"""Which rooms each room may import, as the table in CONTRIBUTING.md says."""
SANDBOX_ROOMS = re.findall(r"^\| `sandbox/(\w+)/` \|", TABLE, re.MULTILINE)
"""The rooms of the sandbox in the order in which they may import: each those before it."""
DOORS, FACTS = (
    set(
        re.findall(
            r"`(\w+)\.py`", re.search(rf"^\| {kind}: (.*?) \|", TABLE, re.MULTILINE).group(1)
        )
    )
    for kind in ("doors", "facts")
)


ALSO = {"postmark/sandbox.py": {"sandbox"}, "errors.py": {"short_traceback"}}
"""What two files import besides, as the page says below the table."""


def room_of(path: Path) -> str:
    """The room that a file belongs to: a folder of the package, or the file itself."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imported_rooms(path: Path) -> set[str]:
    """The rooms of mailframe that a file imports, also inside functions and for types."""
    names = {name.split(".")[1] for name in imports_of(path, "mailframe.")}
    return {name if name in ROOMS.keys() | FACTS | DOORS else "__init__" for name in names} | {
        "__init__" for name in source(path).imports if name == "mailframe"
    }


def imports_of(path: Path, start: str) -> set[str]:
    """What a file imports whose name has that start."""
    return {name for name in source(path).imports if name.startswith(start)}


def wrong(paths: Iterable[Path], rest: Callable[[Path], Collection[object]]) -> dict[str, object]:
    """The files that are wrong, each with what is wrong in it."""
    return {str(path.relative_to(PACKAGE)): bad for path in paths if (bad := rest(path))}


def test_the_top_level_has_nothing_else():
    """No file that an example has written; names with a dot are settings of tools."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the git of this machine
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = {path.partition("/")[0] for path in listed.stdout.split("\0") if path}
    if listed.returncode:  # a copy without its history has only what belongs to it
        names = {path.name for path in ROOT.iterdir()} - {"dist", "build", "htmlcov", "mutants"}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


TOP_LEVEL = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "benchmarks",
    "docs",
    "mailframe",
    "notebooks",
    "pyproject.toml",
    "sample_data",
    "tests",
}


def test_the_package_is_what_the_table_of_rooms_says():
    """Every folder and every file at the top is in the table, and nothing else is."""
    folders = {
        path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"
    }
    assert folders == set(ROOMS)
    assert {path.stem for path in PACKAGE.glob("*.py")} == DOORS | FACTS
    assert set().union(*ROOMS.values()) <= ROOMS.keys() | FACTS | {"facts"}


def test_a_room_imports_only_what_the_table_allows():
    """Doors and commands may import everything; ``postmark/sandbox.py`` has the sandbox."""
    assert wrong(SOURCES, lambda path: imported_rooms(path) - allowed_rooms(path)) == {}


def allowed_rooms(path: Path) -> set[str]:
    """What the table allows a file."""
    room = room_of(path)
    if room in DOORS or room in ("command", "pytest_plugin"):
        return imported_rooms(path)
    allowed = {"errors", "secret_values"} if room in FACTS else ROOMS[room]
    allowed = allowed | (FACTS if "facts" in allowed else set()) | {room}
    return allowed | ALSO.get(str(path.relative_to(PACKAGE)), set())


def test_rooms_import_in_one_direction():
    """No two rooms import each other, also by way of others."""
    order = graphlib.TopologicalSorter(
        {room: allowed & ROOMS.keys() for room, allowed in ROOMS.items()}
    )
    assert list(order.static_order())


def test_the_sandbox_has_the_rooms_of_its_table():
    """Every folder is in the table; at its top are only its public names and the command."""
    folders = {path.parent.name for path in (PACKAGE / "sandbox").glob("*/*.py")}
    assert folders == set(SANDBOX_ROOMS)
    assert {path.stem for path in (PACKAGE / "sandbox").glob("*.py")} == SANDBOX_DOORS


SANDBOX_DOORS = {"__init__", "serve"}


def test_a_room_of_the_sandbox_imports_only_those_above_it():
    """So no two import each other, also inside functions, for types, or by way of others."""
    for position, room in enumerate(SANDBOX_ROOMS):
        above = set(SANDBOX_ROOMS[: position + 1])
        paths = (PACKAGE / "sandbox" / room).rglob("*.py")
        assert wrong(paths, lambda path, above=above: sandbox_rooms(path) - above) == {}


def test_the_folders_of_the_state_import_in_one_direction():
    """In the order of its row; what is shared stands beside them."""
    row = re.search(r"^\| `sandbox/state/` \|(.*)$", TABLE, re.MULTILINE).group(1)
    folders = re.findall(r"`(\w+)/`", row)
    state = PACKAGE / "sandbox" / "state"
    assert {path.parent.name for path in state.glob("*/*.py")} == set(folders)
    for position, folder in enumerate(folders):
        below = {f"mailframe.sandbox.state.{name}." for name in folders[position + 1 :]}

        def bad(path, below=below):
            return {name for start in below for name in imports_of(path, start)}

        assert wrong((state / folder).glob("*.py"), bad) == {}


def sandbox_rooms(path: Path) -> set[str]:
    """The rooms of the sandbox that a file imports, and every relative import."""
    absolute = {"".join(name.split(".")[2:3]) for name in imports_of(path, "mailframe.sandbox")}
    return absolute | imports_of(path, ".")


def test_the_sandbox_shares_nothing_with_the_sending_side():
    """If both sides shared code, one misreading of Postmark would pass on both.

    Both draw their pages with ``pages``, and make columns of text with ``pandas_versions``: these
    know nothing of Postmark, so none can pass through them.
    """
    rooms = set().union(*(imported_rooms(path) for path in (PACKAGE / "sandbox").rglob("*.py")))
    assert rooms <= {"sandbox", "errors", "pages", "pandas_versions"}


THIRD_PARTY = {
    "environment": {"jinja2", "markupsafe"},
    "inlining": {"css_inline"},
    "mail_height": {"justhtml"},
    "safe_copy": {"justhtml"},
    "tree": {"justhtml"},
}
"""Packages that ``pages`` imports: the templates in one file, the HTML parser in three, css-inline
in one."""


def test_the_pages_know_nothing_but_themselves():
    """Pages depend on their arguments only; one file uses Jinja, others a parser or css-inline."""
    files = sorted((PACKAGE / "pages").rglob("*.py"))
    assert files
    ours = {*sys.stdlib_module_names, "mailframe"}
    assert wrong(files, lambda path: roots(path) - ours - THIRD_PARTY.get(path.stem, set())) == {}


def roots(path: Path) -> set[str]:
    """The packages that a file imports; a relative import has an empty name."""
    return {name.partition(".")[0] for name in source(path).imports}


WRITES_HTML = {
    "pages/environment.py": "the one place that escapes",
    "pages/inlining.py": "writes a style into a tag of a mail, escaped",
    "pages/safe_copy.py": "writes the nodes of a parsed mail, with escapes of its own",
    "message/empty_content.py": "finds the empty cell of a layout",
    "letter/jinja/builtin_filters.py": "filters of letters keep the escapes of their values",
    "letter/jinja/environment.py": "the environment of letters",
    "letter/jinja/constants.py": "printed constants become text of the template, escaped",
    "letter/jinja/table.py": "tables of records, with their values escaped",
    "letter/jinja/text_filters.py": "writes line breaks between escaped lines",
    "letter/jinja/translations.py": "escapes the values in a translated text",
    "letter/markdown/html_writer.py": "what markdown-it does not write as letters need it",
    "letter/markdown/html_text.py": "patterns of tags, whose text it takes",
    "letter/markdown/marks.py": "escapes the text in {% raw %}",
    "letter/lint/values_in_html.py": "error texts that name elements",
    "message/columnar/encoding.py": "escapes the cells of a column at once, as the letter does",
    "message/html_sources.py": "finds tables and missing values in the HTML of others",
    "message/problem_fixes.py": "says what to write into a template",
    "message/images.py": "writes the img of an inline image, with its text escaped",
    "pages/height.py": "counts the paragraphs, rows and pictures of a mail",
    "pages/tokens.py": "reads the tags of a mail",
    "review/diff/placeholders.py": "finds values in a mail, where they are escaped",
    "sandbox/state/messages/body_links.py": "finds the links of a mail, which a person would click",
    "sandbox/faults/names.py": "the error page of a proxy between the client and Postmark",
    "sandbox/templating/styles.py": "looks for a style element in a mail",
    "sandbox/state/messages/stored_message.py": "adds an unsubscribe link, as Postmark does",
    "send/bar_surfaces.py": "one line of text in a widget of tqdm",
}
"""Files that contain markup or escape text for HTML, each with the reason."""


def test_html_is_written_by_templates():
    """Only the templates of ``pages`` contain markup, because they escape every value."""
    writing = {str(path.relative_to(PACKAGE)) for path in SOURCES if source(path).writes_html}
    assert writing <= set(WRITES_HTML)


def test_templates_print_no_value_unescaped():
    """No template turns the escapes off, and attributes with a value have quotes."""
    templates = sorted((PACKAGE / "pages" / "templates").rglob("*"))
    assert templates
    for path in templates:
        if path.is_dir():
            continue
        text = path.read_text(encoding="utf-8")
        assert path.name.endswith(".html.jinja")
        assert not re.search(r"autoescape|\|\s*safe\b|Markup", text), path.name
        assert not re.search(r"=\s*\{\{", text), f"{path.name}: an attribute without quotes"


def test_httpx_stays_in_its_rooms():
    """The day the client is exchanged, one file changes on each side."""
    importing = {path for path in SOURCES if "httpx" in roots(path)}
    assert {path for path in importing if room_of(path) != "sandbox"} == {
        PACKAGE / "postmark" / "connection.py"
    }


def test_no_file_passes_400_lines_and_no_function_60():
    """A file that passes 400 lines is two files."""
    long = {path: lines for path in SOURCES if (lines := source(path).text.count("\n")) > 400}
    assert long == {}
    assert wrong(SOURCES, lambda path: [one for one in source(path).lines_of if one[1] > 60]) == {}


def test_the_menu_names_what_it_has():
    """__all__ is sorted, complete and true."""
    assert mf.__all__ == sorted(mf.__all__)
    for name in mf.__all__:
        assert getattr(mf, name) is not None
    public = {
        name
        for name, thing in vars(mf).items()
        if not name.startswith("_") and not inspect.ismodule(thing)
    }
    assert public == set(mf.__all__) - {"errors", "__version__"}
    assert dir(mf) == mf.__all__


def test_a_file_of_the_package_is_no_attribute_of_it():
    """``mf.send`` was a module that looked like a function; the error says who sends."""
    for name, said in (
        ("send", r"a campaign has it: df\.mail\.compose\(…\)\.send\(…\)"),
        ("letter", r"mf\.Letter"),
        ("message", ""),
    ):
        importlib.import_module(f"mailframe.{name}")  # Python would make it one now
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'.*{said}"):
            getattr(mf, name)
    for name in ("review", "pages", "results", "postmark", "campaign", "register", "cli"):
        assert not hasattr(mf, name)
    assert mf.errors.MailframeError
    assert mf.sandbox.Fault


def test_the_files_of_the_package_are_imported_as_ever():
    """With each form of the statement and after a reload, with warnings as errors."""
    script = (
        "import mailframe.send.run, mailframe.review.preview.pages as pages\n"
        "import mailframe.send.ledger.file as file\n"
        "from mailframe import limits\n"
        "from mailframe.review import tour\n"
        "from mailframe.send import run as module\n"
        "from mailframe.send.run import send\n"
        "import mailframe as mf, pickle, copy\n"
        "mf.Sandbox; mf.sandbox.serve\n"
        "assert module.send is send and pages.Page and file.connect and tour.tour\n"
        "assert limits.MAX_MESSAGE_BYTES\n"
        "assert pickle.loads(pickle.dumps(mf.compose)) is mf.compose\n"
        "assert dir(mf) == mf.__all__ and not hasattr(mf, 'send')\n"
        "import importlib; importlib.reload(mf)\n"
        "assert dir(mf) == mf.__all__ and not hasattr(mf, 'send')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_error_and_warning_is_under_one_root():
    """Callers catch these; internal errors become these or problems of a row."""
    inside = {
        "DecodingError",
        "KeyFault",
        "AttachmentFault",
        "AddressError",
        "HtmlFault",
        "SplitGroup",
        "NotColumnar",
        "UnprintableValue",
        "MissingValue",
        "UnsupportedValue",
        "UnknownLanguage",
    }
    inside |= {"TemplateLimit", "CheckFailed", "DamagedError", "_Stopped", "_UnclearError"}
    inside |= {"NotRegularError", "QueryError", "RenderingFailed"}
    for path in SOURCES:
        if path.stem == "__main__":
            continue
        module = importlib.import_module(
            ".".join(["mailframe", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(
                ".__init__"
            )
        )
        for name, kind in vars(module).items():
            if (
                inspect.isclass(kind)
                and issubclass(kind, BaseException)
                and kind.__module__ == module.__name__
            ):
                root = (
                    mf.errors.MailframeWarning
                    if issubclass(kind, Warning)
                    else mf.errors.MailframeError
                )
                assert issubclass(kind, root) or name in inside, f"{module.__name__}.{name}"


def test_everything_public_has_a_docstring():
    """Each public name says in one sentence what it is; each public method too."""
    for name in mf.__all__:
        thing = getattr(mf, name)
        if inspect.isclass(thing):
            for method, function in vars(thing).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    assert inspect.getdoc(function), f"{name}.{method}"
        if not isinstance(thing, str):
            assert inspect.getdoc(thing), name


def test_importing_it_twice_registers_the_accessor_once():
    """A reload warns of nothing, and warnings are errors here."""
    script = (
        "import mailframe, mailframe.accessor as door; reload(mailframe); reload(door).register()"
    )
    script = f"from importlib import reload; {script}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_typed_example_is_read_by_mypy():
    """tests/typing/api.py is never run; ``mypy`` reads it with the package, as a caller's code."""
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert "tests.typing.api" in mypy["modules"]
    assert mypy["strict"]
