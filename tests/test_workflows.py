"""The workflows of GitHub Actions: what can be known of them where they do not run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifest import SERVICES

ROOT = Path(__file__).resolve().parents[1]
ON = True  # how `on` is read: YAML 1.1 takes it for a truth value
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()


class Job:
    """A job of a workflow, and where it is from."""

    def __init__(self, workflow: str, name: str, content: dict[str, Any]) -> None:
        self.name = f"{workflow}: {name}"
        self.content = content
        self.steps: list[dict[str, Any]] = content.get("steps", [])
        self.runs = [step["run"] for step in self.steps if "run" in step]


def workflow(name: str) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text())
    return content


JOBS = [
    Job(path.name, name, job) for path in FILES for name, job in workflow(path.name)["jobs"].items()
]
RUNS = [pytest.param(run, id=job.name) for job in JOBS for run in job.runs]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", FILES),
        ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
)
def test_files_are_as_github_wants_them(schema: str, files: list[Path]) -> None:
    assert files
    result = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_taken_from_others_is_pinned_to_a_commit_and_says_its_version(path: Path) -> None:
    text = path.read_text()
    for uses in re.findall(r"uses: (.*)", text):
        assert uses.startswith("./") or re.fullmatch(
            r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", uses
        )
    for image in re.findall(r"container: (.*)", text):
        assert re.fullmatch(r"\S+:[\w.-]+@sha256:[0-9a-f]{64}", image)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_workflow_may_read_and_nothing_else(path: Path) -> None:
    assert workflow(path.name)["permissions"] == {"contents": "read"}
    text = path.read_text()
    assert "pull_request_target" not in text
    assert text.count("uses: actions/checkout@") == text.count("persist-credentials: false")


def test_only_the_job_that_publishes_may_write_packages() -> None:
    wider = {job.name: job.content["permissions"] for job in JOBS if "permissions" in job.content}
    assert wider == {"publish.yml: images": {"contents": "read", "packages": "write"}}
    assert workflow("publish.yml")[ON] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_job_ends_in_time_on_a_machine_that_stays_the_same(job: Job) -> None:
    if "uses" not in job.content:  # then it is another workflow, with jobs of its own
        assert job.content["timeout-minutes"] <= 60
        assert job.content["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize("run", RUNS)
def test_commands_are_bash_and_take_nothing_from_an_event(run: str) -> None:
    checked = subprocess.run(["bash", "-n"], input=run, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "${{" not in run  # a title or branch would become code; it comes by the environment
    assert run.count("\n") <= 8, "longer than that belongs into scripts/"


@pytest.mark.parametrize("run", RUNS)
def test_targets_and_files_in_commands_exist(run: str) -> None:
    for target in re.findall(r"\bmake ([a-z-]+)", run):
        assert re.search(rf"^{target}:.*## ", MAKEFILE, re.MULTILINE)
    for name in re.findall(r"(?<![\w/.])(?:\.ci|scripts)/[\w.]+", run):
        assert os.access(ROOT / name, os.X_OK), name
    for pattern in re.findall(r"docker/\S+Dockerfile", run):
        assert list(ROOT.glob(pattern))


def test_shellcheck_reads_every_shell_script() -> None:
    candidates = [*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run"]
    scripts = {
        str(path.relative_to(ROOT))
        for path in candidates
        if path.is_file() and path.read_text().startswith("#!/usr/bin/env bash")
    }
    (command,) = [run for job in JOBS for run in job.runs if run.startswith("shellcheck")]
    assert set(command.split()[1:]) == scripts


def test_every_image_is_published_and_every_service_is_deployed() -> None:
    images = {path.name.removesuffix(".Dockerfile") for path in ROOT.glob("docker/*.Dockerfile")}
    publish = workflow("publish.yml")["jobs"]["images"]
    assert set(publish["strategy"]["matrix"]["image"]) == images
    kind = "\n".join(next(job for job in JOBS if job.name == "ci.yml: kind").runs)
    cluster = re.search(r"^CLUSTER := (.*)$", MAKEFILE, re.MULTILINE)
    assert cluster is not None
    assert "for service in $(make services); do make deploy-for-dev" in kind
    assert images == {*(service.name for service in SERVICES), "exchange-simulator"}
    assert f"kind create cluster --name {cluster[1]} " in kind


def test_published_images_wait_for_every_check() -> None:
    jobs = workflow("publish.yml")["jobs"]
    assert jobs["check"] == {"uses": "./.github/workflows/ci.yml"}
    assert jobs["images"]["needs"] == "check"
    assert "LAYER_CACHE" not in jobs["images"].get("env", {})
    assert "workflow_call" in workflow("ci.yml")[ON]


def test_dependabot_looks_where_there_is_something_to_update() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    wanted = {"uv": "uv.lock", "npm": "package-lock.json", "docker-compose": "docker-compose.yml"}
    folders = {each["package-ecosystem"]: each["directory"] for each in updates}
    assert folders.pop("github-actions") == "/"
    assert folders.keys() == wanted.keys()
    for ecosystem, folder in folders.items():
        assert (ROOT / folder.strip("/") / wanted[ecosystem]).is_file()
