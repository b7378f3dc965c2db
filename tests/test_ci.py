"""What runs in CI: the action's own steps in bash, the hook in pre-commit, and snippets that fit their formats."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli.command import HEADER, RECIPE, TIMEOUT, TREE, Command, environment

SCRIPTS = sysconfig.get_path("scripts")
ACTION = yaml.safe_load((TREE / "action.yml").read_text(encoding="utf-8"))


def checked(schema: str, path: Path) -> None:
    """Check a file against a schema that check-jsonschema brings along: nothing is fetched."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr


def snippets() -> list[str]:
    return re.findall(
        r"^```yaml\n(.*?)^```$",
        (TREE / "docs" / "ci.md").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )


def test_the_action_is_one() -> None:
    checked("vendor.github-actions", TREE / "action.yml")


def test_the_snippets_fit_their_formats(tmp_path: Path) -> None:
    github, gitlab, _ = snippets()
    for name, schema, text in (
        ("g", "vendor.github-workflows", github),
        ("l", "vendor.gitlab-ci", gitlab),
    ):
        path = tmp_path / f"{name}.yml"
        path.write_text(text, encoding="utf-8")
        checked(schema, path)
    workflow = yaml.safe_load(github)
    (used,) = [
        step for step in workflow["jobs"]["plan"]["steps"] if "runner@" in step.get("uses", "")
    ]
    assert set(used["with"]) <= set(ACTION["inputs"])
    assert set(re.findall(r"steps\.plan\.outputs\.([\w-]+)", github)) <= set(ACTION["outputs"])


@dataclass
class Workflow:
    """The action in a folder that stands for a checked-out repository."""

    runner: Command
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    log: str = ""

    @property
    def temp(self) -> Path:
        """The folder of the job, in which the action has its environment: it is that of these tests."""
        temp = self.runner.folder / "temp"
        if not temp.exists():
            temp.mkdir()
            (temp / "runner-action").symlink_to(Path(SCRIPTS).parent)
        return temp

    def __call__(self, code: int = 0, **inputs: str) -> None:
        """Run the action's steps, but for the installation, until one fails; the last one ends with `code`."""
        folder = self.runner.folder
        given = {
            name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()
        } | inputs
        (folder / "output").write_text("")
        (folder / "summary").write_text("")
        self.log, ended = "", 0
        for step in ACTION["runs"]["steps"][1:]:
            if "if" in step and not given["check"]:
                continue
            ended = self._step(step, given)
            if ended:
                break
        assert ended == code, self.log
        lines = (folder / "output").read_text("utf-8").splitlines()
        self.outputs = dict(line.split("=", 1) for line in lines)
        self.summary = (folder / "summary").read_text("utf-8")

    def _step(self, step: dict[str, Any], given: dict[str, str]) -> int:
        own = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda m: given[m[1]], v)
            for name, v in step["env"].items()
        }
        env = environment({"PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", **own})
        env |= {
            "GITHUB_OUTPUT": "output",
            "GITHUB_STEP_SUMMARY": "summary",
            "GITHUB_ACTION_PATH": str(TREE),
            "GITHUB_WORKSPACE": str(self.runner.folder),
            "RUNNER_TEMP": str(self.temp),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.runner.folder, env=env, capture_output=True, text=True, timeout=TIMEOUT,
        )  # fmt: skip
        self.log += done.stdout + done.stderr
        return done.returncode


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    runner = Command(tmp_path)
    runner.write("orders.yaml", RECIPE)
    runner.write(
        "rows.csv", HEADER + "A-1,Ace Awards,1,1.10,01/02/2027\nA-2,Blue Banners,2,2.5,01/03/2027\n"
    )
    return Workflow(runner)


def test_a_pull_request_is_gated_on_its_dry_run(workflow: Workflow) -> None:
    """From a first plan over a changed recipe and a broken one to a run that sends what was reviewed."""
    runner = workflow.runner
    workflow(recipe="orders.yaml", check="*.yaml")
    assert (workflow.outputs["exit-code"], workflow.outputs["changes"]) == ("20", "true")
    assert "**2 rows: 2 to send. Nothing was sent.**" in workflow.summary
    assert workflow.log == ""
    (runner.folder / "runner-plan.json").rename(runner.folder / "old.json")

    workflow(recipe="orders.yaml", against="old.json")
    assert (workflow.outputs["exit-code"], workflow.outputs["changes"]) == ("0", "false")

    runner.write("orders.yaml", RECIPE.replace('"{{ row.name }}"', '"{{ row.name | upper }}"'))
    workflow(recipe="orders.yaml", against="old.json")
    assert (workflow.outputs["exit-code"], workflow.outputs["changes"]) == ("20", "true")
    comment = (runner.folder / workflow.outputs["comment"]).read_text("utf-8")
    assert comment == workflow.summary
    assert (
        '- changed: `A-1` line 2\n  - `contact: body.business_name was "Ace Awards", is "ACE AWARDS"`'
        in comment
    )
    reviewed = runner.folder / workflow.outputs["plan"]
    reviewed.rename(runner.folder / "reviewed.json")

    runner.write("orders.yaml", RECIPE.replace("row.name", "row.nam"))
    workflow(3, recipe="orders.yaml", against="old.json")
    assert workflow.outputs["exit-code"] == "3"
    assert "::error file=orders.yaml,line=" in workflow.log
    assert "did you mean 'name'?" in workflow.summary
    assert not reviewed.exists()

    runner("run", "orders.yaml", "--plan", "reviewed.json", code=3)
    runner.write("orders.yaml", RECIPE.replace('"{{ row.name }}"', '"{{ row.name | upper }}"'))
    runner("run", "orders.yaml", "--plan", "reviewed.json")
    assert {one["body"]["business_name"] for one in runner.delivered()} == {
        "ACE AWARDS",
        "BLUE BANNERS",
    }
    workflow(recipe="orders.yaml")
    assert (workflow.outputs["exit-code"], workflow.outputs["changes"]) == ("0", "false")


def test_problems_of_the_sheet_are_shown_at_their_lines(workflow: Workflow) -> None:
    workflow.runner.write("rows.csv", HEADER + "A-1,,1,1.10,01/02/2027\n")
    workflow(3, recipe="orders.yaml")
    assert "::error file=rows.csv,line=2,col=" in workflow.log
    assert "### 1 problem" in workflow.summary
    workflow(3, recipe="orders.yaml", check="*.yaml nothing-here.yaml")
    assert "::error file=nothing-here.yaml" in workflow.log


def test_what_somebody_writes_into_an_input_is_no_command(workflow: Workflow) -> None:
    recipe = RECIPE.replace("row.name }}", "vars.word }}") + "vars: {word: one}\n"
    workflow.runner.write("orders.yaml", recipe)
    workflow(
        recipe="orders.yaml", vars="word=$(touch hacked) `touch hacked`\n\n", date="2027-01-02"
    )
    assert "$(touch hacked) `touch hacked`" in (
        workflow.runner.folder / "runner-plan.json"
    ).read_text("utf-8")
    workflow(3, recipe="--help; touch hacked")
    assert not (workflow.runner.folder / "hacked").exists()


def test_the_hook_checks_recipes_before_a_commit(tmp_path: Path) -> None:
    """The real pre-commit with the hook as it stands, but for the installation, which would need a network."""
    (hook,) = yaml.safe_load((TREE / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    pre_commit = f"{SCRIPTS}/pre-commit"
    env = environment(
        {"PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path / "home")}
    )

    def run(*command: str, code: int = 0) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=TIMEOUT
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    run(pre_commit, "validate-manifest", str(TREE / ".pre-commit-hooks.yaml"))
    run("git", "init", "--quiet", ".")
    (tmp_path / "recipes").mkdir()
    good, other = tmp_path / "recipes" / "orders.yaml", tmp_path / "other.yaml"
    good.write_text(RECIPE, "utf-8")
    other.write_text("no: recipe\n", "utf-8")
    local = {"repos": [{"repo": "local", "hooks": [{**hook, "language": "system"}]}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(local), "utf-8")
    run("git", "add", ".")
    assert "Passed" in run(pre_commit, "run", "--all-files")
    good.write_text(RECIPE.replace("row.name", "row.nam"), "utf-8")
    told = run(pre_commit, "run", "--all-files", code=1)
    assert "recipes/orders.yaml:" in told
    assert "did you mean 'name'?" in told


def test_nothing_of_the_checkout_is_executed(workflow: Workflow) -> None:
    """Modules that a pull request brings along, also where the workflow has set PYTHONPATH."""
    folder = workflow.runner.folder
    for name in ("pip", "venv", "ensurepip", "click", "runner", "json", "sitecustomize"):
        (folder / f"{name}.py").write_text("open('pwned', 'w')")
    install, *_ = ACTION["runs"]["steps"]
    (folder / "fresh").mkdir()
    env = environment({"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PYTHONPATH": str(folder)})
    env |= {"RUNNER_TEMP": str(folder / "fresh"), "GITHUB_ACTION_PATH": str(folder / "nothing")}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", install["run"]],
        cwd=folder, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode != 0  # there is nothing to install, which pip itself says
    assert "nothing" in done.stderr
    assert (folder / "fresh" / "runner-action" / "bin" / "pip").exists()
    workflow(recipe="orders.yaml", check="*.yaml")
    assert not (folder / "pwned").exists()


@pytest.mark.parametrize(("lock", "extra"), [("action", ""), ("ci", "test")])
def test_the_locks_hold_what_is_needed(lock: str, extra: str) -> None:
    """Each package that setup.cfg names, with its hashes and a version that it allows, and no address of a registry."""
    text = (TREE / "requirements" / f"{lock}.txt").read_text("ascii")
    assert "://" not in text
    assert "index-url" not in text
    entries = text.replace("\\\n", " ").splitlines()
    assert [line for line in entries if "--hash=sha256:" not in line] == []
    locked = {entry.partition("==")[0]: entry.partition("==")[2].split()[0] for entry in entries}
    settings = configparser.ConfigParser()
    settings.read(TREE / "setup.cfg", "utf-8")
    wanted = settings["options"]["install_requires"].split()
    wanted += settings["options.extras_require"][extra].split() if extra else ["setuptools>=70.1"]
    for name, _, floor in (each.partition(">=") for each in wanted):
        assert _numbers(locked[name.lower()]) >= _numbers(floor), name


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall("[0-9]+", version)]


def test_no_output_of_the_action_is_written_by_an_input(workflow: Workflow) -> None:
    workflow(2, recipe="orders.yaml", folder=".\nchanges=false\nx")
    assert workflow.outputs == {}
