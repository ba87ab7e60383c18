"""``import mailframe`` is light: public names, and what a process does not use, come later."""

from __future__ import annotations

import ast
import inspect
import os
import pickle
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

import mailframe as mf
from mailframe import _menu

PACKAGE = Path(mf.__file__).parent
EAGER = {"__version__", "errors"}
"""Public names that the import itself loads."""


def run(script: str) -> str:
    """The output of a script in a new process, with warnings as errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- one table -----------------------------------------------------------------------------------


def test_the_table_the_imports_and_the_menu_agree():
    """Type checkers read the imports, Python reads the table, and both read ``__all__``."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "_typing.TYPE_CHECKING"
    )
    imports = {
        alias.name: statement.module for statement in block.body for alias in statement.names
    }
    assert imports == mf._LAZY_NAMES
    assert set(mf.__all__) == set(mf._LAZY_NAMES) | EAGER
    assert list(mf._LAZY_NAMES) == sorted(mf._LAZY_NAMES)


def test_each_name_is_imported_from_the_module_that_defines_it():
    """Not from one that imports it too."""
    for name, module in mf._LAZY_NAMES.items():
        defined = getattr(mf, name).__module__
        assert defined == module or defined.startswith(f"{module}."), name


def test_the_menu_knows_the_methods_of_a_campaign():
    """``mf.send`` says who sends; for this text no campaign is imported."""
    public = {
        name
        for name, _ in inspect.getmembers(mf.Campaign, inspect.isfunction)
        if not name.startswith("_")
    }
    assert public == _menu._VERBS


# --- what is not loaded --------------------------------------------------------------------------

HEAVY = [
    "IPython",
    "email_validator",
    "httpx",
    "ipywidgets",
    "jinja2",
    "justhtml",
    "openpyxl",
    "orjson",
    "platformdirs",
    "rich",
    "sqlite3",
    "ssl",
    "starlette",
    "tqdm",
    "uvicorn",
    "mailframe.campaign",
    "mailframe.pages",
    "mailframe.letter.letter",
    "mailframe.message",
    "mailframe.postmark",
    "mailframe.results",
    "mailframe.review",
    "mailframe.sandbox",
    "mailframe.send",
]


def test_the_import_loads_no_room_and_no_dependency_but_pandas():
    """Nor do the names, their completion, and the texts for names that do not exist."""
    script = (
        f"HEAVY = {HEAVY}\n"
        "import sys, mailframe as mf, pandas as pd\n"
        "from mailframe import errors, limits\n"
        "dir(mf), mf.__version__, mf.errors.MailframeError, hasattr(mf, 'send')\n"
        "df = pd.DataFrame({'n': [1]})\n"
        "dir(df.mail), repr(df.mail), df.mail.compose, hasattr(df.mail, 'send')\n"
        "print([name for name in HEAVY if name in sys.modules])\n"
        "assert mf.compose and 'mailframe.campaign' in sys.modules\n"
    )
    assert run(script) == "[]\n"


SEND = """
import sys, pandas as pd, mailframe as mf
from benchmarks.answering import Answering

people = pd.DataFrame({"email": ["ann@acme.example", "Bob <bob@acme.example>"]})
made = people.mail.compose(
    sender="a@acme.example", to="{{ email }}", subject="Hi", html_body="<p>Hi",
    text_body="Hi", name="lean"
)
assert made.problems().empty and made.plan().messages == 2
results = made.send(Answering().server(), progress=False)
assert results["status"].tolist() == ["accepted", "accepted"]
assert not results.mail.summary().empty
"""

UNUSED = [
    "IPython",
    "asyncio",
    "email_validator",
    "ipywidgets",
    "justhtml",
    "openpyxl",
    "psycopg",
    "starlette",
    "tqdm",
    "uvicorn",
    "mailframe.pages.safe_copy",
    "mailframe.results.csv",
    "mailframe.results.excel",
    "mailframe.review",
    "mailframe.sandbox",
    "mailframe.send.ledger.postgres",
]


def test_a_process_that_sends_loads_nothing_for_review_or_the_sandbox():
    """It composes, checks, sends with its ledger, and counts; without a progress bar."""
    assert run(f"{SEND}\nprint([name for name in {UNUSED} if name in sys.modules])") == "[]\n"


SANDBOX_UNUSED = [
    "IPython",
    "css_inline",
    "email_validator",
    "httpx",
    "jinja2",
    "justhtml",
    "numpy",
    "pandas",
    "platformdirs",
    "starlette",
    "tqdm",
    "uvicorn",
    "mailframe.accessor",
    "mailframe.letter.letter",
    "mailframe.message",
    "mailframe.postmark",
    "mailframe.results",
    "mailframe.review",
    "mailframe.send",
]


def test_the_sandbox_on_the_command_line_starts_without_pandas(tmp_path):
    """Its first answer needs neither templates nor an HTML parser, and its pages no pandas."""
    home = {"HOME": str(tmp_path / "none"), "PATH": os.environ["PATH"]}
    command = ["-X", "importtime", "-m", "mailframe", "sandbox", "--port", "0"]
    with (
        (tmp_path / "imports").open("w") as imports,
        subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=imports, text=True, env=home
        ) as process,
    ):
        try:
            url = re.search(r"http://[\d.]+:\d+", process.stdout.readline()).group()
            names = []
            for path in ("/server", "/"):
                headers = {"X-Postmark-Server-Token": "any", "Accept": "application/json"}
                request = urllib.request.Request(url + path, headers=headers)  # noqa: S310 - a sandbox
                urllib.request.urlopen(request).close()  # noqa: S310 - as above
                lines = (tmp_path / "imports").read_text(encoding="utf-8").splitlines()
                names.append({line.rpartition("|")[2].strip() for line in lines})
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.stdout.read().endswith("sandbox closed\n")
        assert process.wait(300) == 0
    assert "h11" in names[0]
    assert not names[0] & set(SANDBOX_UNUSED)
    assert "jinja2" in names[1]
    assert "pandas" not in names[1]


@pytest.mark.sampled(2)
def test_no_module_uses_a_public_name_while_it_is_imported():
    """Two threads could wait for each other: one for the module, one for the name."""
    script = (
        "import importlib, pkgutil, mailframe as mf\n"
        "for each in pkgutil.walk_packages(mf.__path__, 'mailframe.'):\n"
        "    if not each.name.endswith('__main__'):\n"
        "        importlib.import_module(each.name)\n"
        "print(sorted(set(mf._LAZY_NAMES) & set(vars(mf))))\n"
    )
    assert run(script) == "[]\n"


# --- as ever -------------------------------------------------------------------------------------


@pytest.mark.sampled(2)
@pytest.mark.parametrize("start", range(2))
def test_threads_may_use_the_first_names_together(start):
    """Each begins with another name, and all get the same objects."""
    script = f"""
import sys, threading, pandas as pd, mailframe as mf
sys.setswitchinterval(1e-5)
names = list(mf._LAZY_NAMES)
barrier = threading.Barrier(12)
people = pd.DataFrame({{"email": ["ann@acme.example"]}})
wrong = []

def use(number):
    barrier.wait()
    try:
        if number % 3 == 0:
            made = people.mail.compose(sender="a@acme.example", to="b@acme.example", text_body="Hi")
            made.problems(), made.tour(progress=False), made.gallery(), made._repr_html_()
        shift = (number * 3 + 2 * {start}) % len(names)
        for name in names[shift:] + names[:shift]:
            if getattr(mf, name).__name__ != name or getattr(mf, name) is not vars(mf)[name]:
                wrong.append(name)
    except BaseException as error:
        wrong.append(repr(error))

threads = [threading.Thread(target=use, args=(number,)) for number in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join(100)
print(wrong, [thread for thread in threads if thread.is_alive()])
"""
    assert run(script) == "[] []\n"


IN_TURN = """
import sys, rlcompleter, pandas as pd, mailframe as mf
from importlib import reload

before = "mailframe.sandbox" in sys.modules
fault = mf.sandbox.Fault.__name__
from mailframe import sandbox
print("subpackage", before, fault, sandbox is mf.sandbox)

df = pd.DataFrame({"n": [1]})
prompt = rlcompleter.Completer({"mf": mf, "df": df})
def plain(text):
    prompt.complete(text, 0)
    return {name.partition("(")[0] for name in prompt.matches}
everything = plain("mf.") >= {f"mf.{name}" for name in mf.__all__ if name[0] != "_"}
print("completion", everything, plain("mf.Camp"), plain("df.mail.to_c"))

space = {}
exec("from mailframe import *", space)
print("star", set(space) - {"__builtins__"} == set(mf.__all__), space["compose"] is mf.compose)

import mailframe.campaign as module
old = mf.Campaign
reload(module)
assert mf.Campaign is old
print("reload", reload(mf) is mf, mf.Campaign is module.Campaign, module.Campaign is not old)
"""
"""Answers from one process, each of which needs no more than what comes before it."""


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    """What the process says by subject."""
    return dict(line.split(" ", 1) for line in run(IN_TURN).splitlines())


def test_the_public_subpackage_is_there_without_an_import(answers):
    """``mf.sandbox.Fault`` works at once, in both forms."""
    assert answers["subpackage"] == "False Fault True"


def test_completion_offers_the_public_names(answers):
    """In Python's own prompt, of the package and of the accessor."""
    assert answers["completion"] == "True {'mf.Campaign'} {'df.mail.to_csv'}"


def test_a_star_import_has_every_public_name(answers):
    """And nothing else."""
    assert answers["star"] == "True True"


def test_a_reload_takes_the_names_from_their_modules_again(answers):
    """A name that was used before does not stay as it was."""
    assert answers["reload"] == "True True True"


@pytest.mark.sampled(2)
def test_ipython_completes_the_public_names(tmp_path, monkeypatch):
    """By reading the objects, and by reading the source with jedi.

    jedi completes the attribute ``mail`` of DataFrames in a class of its own: for ``df.mail.`` it
    reads all of pandas and its stubs, which takes ten seconds and tells nothing of mailframe.
    """
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    script = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "import pandas as pd, mailframe as mf\n"
        "shell = InteractiveShell.instance(history_length=0)\n"
        "class Held:\n"
        "    mail = vars(pd.DataFrame)['mail']\n"
        "shell.push({'mf': mf, 'df': pd.DataFrame({'n': [1]}), 'held': Held()})\n"
        "from IPython.core.completer import provisionalcompleter\n"
        "def names(text):\n"
        "    with provisionalcompleter():\n"
        "        found = list(shell.Completer.completions(text, len(text)))\n"
        "    assert all((each._origin == 'jedi') is shell.Completer.use_jedi for each in found)\n"
        "    return {each.text.rpartition('.')[2] for each in found}\n"
        "for with_jedi, place in (False, 'df.mail'), (True, 'held.mail'):\n"
        "    shell.Completer.use_jedi = with_jedi\n"
        "    every = names('mf.') >= {name for name in mf.__all__ if name[0] != '_'}\n"
        "    methods = {'compose', 'summary', 'to_csv', 'to_excel'}\n"
        "    print(every, names('mf.Camp'), names(f'{place}.') >= methods)\n"
    )
    assert run(script) == "True {'Campaign'} True\n" * 2


def test_a_dependency_that_is_missing_is_no_missing_extra():
    """Only the widget belongs to an extra; another ImportError is passed on as it is."""
    script = (
        "import sys, mailframe as mf\n"
        "sys.modules['httpx'] = None\n"
        "try:\n"
        "    mf.Postmark\n"
        "except mf.errors.MissingExtra:\n"
        "    print('an extra')\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    assert "httpx" in run(script)


def test_what_was_pickled_is_read_in_a_process_that_has_used_nothing():
    """A campaign and a function of the menu; reading them imports what they need."""
    frame = pd.DataFrame({"email": ["ann@acme.example"]})
    made = frame.mail.compose(sender="a@acme.example", to="{{ email }}", text_body="Hi")
    pickled = pickle.dumps((made, mf.compose, mf.Status.ACCEPTED)).hex()
    read = f"import pickle; print(pickle.loads(bytes.fromhex({pickled!r})))"
    assert run(read).startswith("(<Campaign: 1 row")
