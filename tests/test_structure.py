"""The rooms: imports point one way, the sandbox stands apart, the menu is a menu, nothing grows too large."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import mailframe as mf

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mailframe"
LAYERS = (  # from the door down; a module imports only from lower layers, or from its own
    {"__main__"},
    {"cli"},
    {"demo"},
    {"__init__"},
    {"menu"},
    {"accessor", "aftercare"},
    {"local"},
    {"campaign"},
    {"preview"},
    {"send", "trial", "comparing"},
    {"sender"},
    {"memory", "wishes", "refused", "release"},
    {"recorded", "repeats"},
    {"approval"},
    {"inspection", "messages", "tour", "control"},
    {"prepare", "searching"},
    {"check", "payload", "render", "export", "excel", "progress", "postmark"},
    {"headline", "fingerprints"},
    {"binding", "results", "calls", "evidence", "csv_plain", "csv_cells", "interrupts", "patience"},
    {"letter", "attachments", "templating", "keys", "batch", "answers", "ledger", "choosing"},
    {"cells", "addresses", "message", "secret", "sandbox"},
    {"limits", "problems", "naming", "error_codes", "message_ids", "decoding", "deadline", "columns", "page"},
    {"packing", "paths", "near", "foreign", "copying", "address_hints", "scripts"},
    {"errors", "_version"},
)
FLOOR = {room: floor for floor, rooms in enumerate(reversed(LAYERS)) for room in rooms}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """The room that a file belongs to: a folder of the package, or the file itself."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imported_rooms(path: Path) -> set[str]:
    """The rooms of mailframe that a file imports, also inside functions and for types."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "mailframe":
            module = node.module.split(".")[1:]
            names = [module[0]] if module else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            parts = [alias.name.split(".") for alias in node.names]
            names = [part[1] if len(part) > 1 else "__init__" for part in parts if part[0] == "mailframe"]
        found |= {name if name in FLOOR else "__init__" for name in names}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    """No module imports one of a higher floor."""
    here = FLOOR[room_of(path)]
    higher = {room for room in imported_rooms(path) if FLOOR[room] > here}
    assert not higher


def test_the_sandbox_shares_nothing_with_the_sending_side():
    """If both sides shared code, one misreading of Postmark would pass on both.

    Both draw their pages with ``page``: it knows nothing of Postmark, so none can pass through it.
    """
    rooms = set().union(*(imported_rooms(path) for path in (PACKAGE / "sandbox").glob("*.py")))
    assert rooms <= {"sandbox", "errors", "page"}


def test_the_pages_know_nothing_but_themselves():
    """What is drawn of a mail depends on what is handed over; two of them know the HTML parser."""
    files = sorted((PACKAGE / "page").glob("*.py"))
    assert files
    for path in files:
        named = {name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for name in modules(node)}
        parser = {"justhtml"} if path.stem in ("tree", "rebuilt") else set()
        assert {name for name in named if name.partition(".")[0] not in sys.stdlib_module_names} <= parser | {
            "mailframe.page",
            *(f"mailframe.page.{file.stem}" for file in files),
        }, path.name


def modules(node: ast.AST) -> list[str]:
    """The modules that a statement imports; a relative one begins with its dots."""
    if isinstance(node, ast.ImportFrom):
        return ["." * node.level + (node.module or "")]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_httpx_stays_in_its_rooms(path):
    """The day the client is exchanged, one file changes on each side."""
    text = path.read_text(encoding="utf-8")
    names_httpx = any(line.split()[:2] in (["import", "httpx"], ["from", "httpx"]) for line in text.splitlines())
    assert not names_httpx or path.name == "postmark.py" or room_of(path) == "sandbox"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_passes_400_lines_and_no_function_60(path):
    """A file that passes 400 lines is two files."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert (node.end_lineno or 0) - first.lineno < 60, node.name


def test_the_menu_names_what_it_has():
    """__all__ is sorted, complete and true."""
    assert mf.__all__ == sorted(mf.__all__)
    for name in mf.__all__:
        assert getattr(mf, name) is not None
    public = {name for name, thing in vars(mf).items() if not name.startswith("_") and not inspect.ismodule(thing)}
    assert public == set(mf.__all__) - {"errors", "__version__"}
    assert dir(mf) == mf.__all__


def test_a_file_of_the_package_is_no_attribute_of_it():
    """``mf.send`` was a module that looked like a function; the error says who sends."""
    for name, said in (
        ("send", r"a campaign has it: df\.mail\.compose\(…\)\.send\(…\)"),
        ("letter", r"mf\.Letter"),
        ("ledger", ""),
    ):
        importlib.import_module(f"mailframe.{name}")  # Python would make it one now
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'.*{said}"):
            getattr(mf, name)
    for name in ("preview", "tour", "results", "check", "campaign", "register", "cli"):
        assert not hasattr(mf, name)
    assert mf.errors.MailframeError
    assert mf.sandbox.Fault


def test_the_files_of_the_package_are_imported_as_ever():
    """In each form of the statement, in a process of its own, with warnings as errors, also after a reload."""
    script = (
        "import mailframe.send, mailframe.preview.pages as pages\n"
        "import mailframe.ledger.file as file\n"
        "from mailframe import limits, send as module, tour\n"
        "from mailframe.send import send\n"
        "import mailframe as mf, pickle, copy\n"
        "mf.Sandbox; mf.sandbox.serve\n"
        "assert module.send is send and pages.Page and file.connect and limits.MAX_MESSAGE_BYTES and tour.tour\n"
        "assert pickle.loads(pickle.dumps(mf.compose)) is mf.compose\n"
        "assert dir(mf) == mf.__all__ and not hasattr(mf, 'send')\n"
        "import importlib; importlib.reload(mf); assert not hasattr(mf, 'send') and dir(mf) == mf.__all__\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_error_and_warning_is_under_one_root():
    """What a caller catches; the errors that stay inside are turned into these or into problems of a row."""
    inside = {
        "DecodingError",
        "KeyFault",
        "AttachmentFault",
        "AddressError",
        "UnprintableValue",
        "MissingValue",
        "UnsupportedValue",
    }
    inside |= {"TemplateLimit", "Refused", "_Stopped", "_UnclearError"}
    for path in SOURCES:
        if path.stem == "__main__":
            continue
        module = importlib.import_module(
            ".".join(["mailframe", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        )
        for name, kind in vars(module).items():
            if inspect.isclass(kind) and issubclass(kind, BaseException) and kind.__module__ == module.__name__:
                root = mf.errors.MailframeWarning if issubclass(kind, Warning) else mf.errors.MailframeError
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
    script = "import mailframe, mailframe.accessor as door; reload(mailframe); reload(door).register()"
    script = f"from importlib import reload; {script}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_typed_example_is_read_by_mypy():
    """tests/typing/api.py is never run; mypy --strict reads it as a caller's code."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "tests/typing/api.py"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
