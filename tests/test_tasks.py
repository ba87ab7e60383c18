"""The tasks, the hooks, CI and the documentation name the same checks and the same Pythons."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TASKS: dict[str, Any] = PROJECT["tool"]["poe"]["tasks"]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "docs" / "CONTRIBUTING.md").read_text(encoding="utf-8")
GITHUB = ROOT / ".github"


def read_yaml(path: Path) -> Any:
    """The content of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def lint_commands() -> list[str]:
    """The checks that ``poe lint`` runs, one command each."""
    return [step["cmd"] for step in TASKS["lint"]["sequence"]]


def pythons() -> list[str]:
    """The minor versions in the classifiers."""
    classifiers = "\n".join(PROJECT["project"]["classifiers"])
    return re.findall(r"^Programming Language :: Python :: (3\.\d+)$", classifiers, re.MULTILINE)


def test_each_task_has_a_help_text_and_is_in_the_documentation() -> None:
    """``poe`` prints a help text; CONTRIBUTING has a row for each task, ``fast`` first."""
    assert all(task.get("help") for task in TASKS.values())
    assert re.findall(r"^\| `poe (\w+)` \|", CONTRIBUTING, re.MULTILINE) == list(TASKS)
    assert next(iter(TASKS)) == "fast"


@pytest.mark.parametrize("name", TASKS)
def test_poe_can_run_each_task(name: str) -> None:
    """The task runner accepts the configuration; a dry run executes nothing."""
    command = [sys.executable, "-m", "poethepoet", "--dry-run", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ci_and_the_hooks_run_the_lint_commands() -> None:
    """A commit that passes its hooks passes the same checks in CI."""
    steps = re.findall(r"^ +\.venv/bin/((?:ruff|mypy).*) \|\| status=1$", CI, re.MULTILINE)
    (repository,) = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    assert steps == lint_commands()
    assert [hook["entry"] for hook in repository["hooks"]] == lint_commands()


def test_the_hooks_need_no_network() -> None:
    """They run programs of the active environment on the whole repository."""
    (repository,) = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert (hook["language"], hook["pass_filenames"]) == ("system", False)


def test_the_workflow_runs_the_ci_script_on_each_supported_python() -> None:
    """The matrix is the classifiers, which begin with the lowest Python that is allowed."""
    workflow = read_yaml(GITHUB / "workflows" / "ci.yml")
    job = workflow["jobs"]["checks"]
    assert job["strategy"]["matrix"]["python"] == pythons()
    assert job["steps"][-1] == {"run": "bash .ci/run"}
    assert workflow["permissions"] == {"contents": "read"}
    assert PROJECT["project"]["requires-python"] == f">={pythons()[0]}"


CONSTRAINTS = ROOT / "tests" / "constraints"
EXTRAS = re.findall(r"[a-z]+", PROJECT["project"]["optional-dependencies"]["all"][0])[1:]
LINE = re.compile(r"^([a-z0-9-]+)==([0-9.]+)(?:  # (.+))?$", re.MULTILINE)


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    """Of what mailframe and its extras need; a line that differs says why."""
    text = (CONSTRAINTS / "oldest.txt").read_text(encoding="utf-8").partition("\n\n")[0]
    pinned = {name: (version, reason) for name, version, reason in LINE.findall(text)}
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *(one for name in EXTRAS for one in extras[name])]
    bound = re.compile(r"^([a-z0-9-]+)(?:\[[a-z]+\])?>=([0-9.]+)", re.MULTILINE)
    bounds = dict(bound.findall("\n".join(needed)))
    assert pinned.keys() == bounds.keys()
    for name, (version, reason) in pinned.items():
        assert reason or version.startswith(f"{bounds[name]}.") or version == bounds[name], name


def test_ci_knows_both_sets_of_versions_and_runs_files_that_exist() -> None:
    """The newest one by default, with a part of the tests on the oldest; the other on demand."""
    assert {path.stem for path in CONSTRAINTS.iterdir()} == {"newest", "oldest"}
    (files,) = re.findall(r'of_pandas="([^"]+)"', CI)
    assert all((ROOT / "tests" / f"{name}.py").is_file() for name in files.split())
    steps = read_yaml(GITHUB / "workflows" / "ci.yml")["jobs"]["oldest"]["steps"]
    assert steps[-2]["with"] == {"python-version": pythons()[0]}
    assert steps[-1] == {"run": "bash .ci/run oldest"}
    assert "bash .ci/run oldest" in CONTRIBUTING


def test_the_workflow_runs_the_fast_tests_on_other_systems() -> None:
    """On the oldest and the newest Python, by commands that need no POSIX shell."""
    job = read_yaml(GITHUB / "workflows" / "ci.yml")["jobs"]["other-systems"]
    matrix = job["strategy"]["matrix"]
    assert matrix["system"] == ["windows-latest", "macos-latest"]
    assert matrix["python"] == [pythons()[0], pythons()[-1]]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == ['python -m pip install -e ".[test]"', "python -m poethepoet fast"]
    assert "fast" in TASKS


@pytest.mark.parametrize(
    "path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.stem
)
def test_an_issue_template_is_a_valid_form(path: Path) -> None:
    """It has a name, a description and fields with unique identifiers."""
    form = read_yaml(path)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert form["name"]
    assert form["description"]
    assert fields
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)


def test_templates_ask_for_no_real_data() -> None:
    """Forms that ask for code or answers tell the reporter to replace tokens and recipients."""
    for name in ("bug.yml", "postmark.yml"):
        text = (GITHUB / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8")
        assert "**Do not post tokens" in text
        assert "real recipients" in text
    policy = (GITHUB / "SECURITY.md").read_text(encoding="utf-8")
    assert "**Never include a real token or a real recipient.**" in policy
