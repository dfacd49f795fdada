"""The repository itself: what its documents say is there, and what must not be there is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

import manifest
from exchanges.catalogue import venue_named
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.settings import SystemSettings, load_settings
from marketstream.settings_fields import env_names, fields_of
from marketstream.topics import ALL_TOPICS
from predictor.settings import PredictorSettings
from realtime_training.commands import realtime
from realtime_training.settings import variables
from trades.settings import TradesSettings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("state/*.md")])
SERVICES = {service.name: service.settings_class() for service in manifest.SERVICES}


def documents_matching(pattern: str) -> list[tuple[str, re.Match[str]]]:
    return [
        (path.name, match) for path in DOCUMENTS for match in re.finditer(pattern, path.read_text())
    ]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def check_files(*names: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "scripts/check_files.py", *names)


def tracked_files() -> list[str]:
    # Who owns a checkout does not matter here; in containers it is often somebody else.
    listed = run("git", "-c", "safe.directory=*", "ls-files", "-z")
    assert listed.returncode == 0, listed.stderr
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_whatever_lists_services_is_made_of_their_manifest() -> None:
    done = run(sys.executable, "scripts/lists.py", "--check")
    assert (done.returncode, done.stdout) == (0, ""), "run `make render`"
    assert run("make", "--no-print-directory", "services").stdout.split() == list(SERVICES)


def test_services_read_and_write_topics_that_there_are_and_listen_apart() -> None:
    topics = {topic.name for topic in ALL_TOPICS}
    written = {name for service in manifest.SERVICES for name in service.writes}
    assert written == topics
    for service in manifest.SERVICES:
        assert {*service.reads} <= topics
        assert (service.folder / "config.yaml").is_file()
    ports = [service.port for service in manifest.SERVICES]
    assert len(set(ports)) == len(ports)
    folders = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    assert folders - {"exchange_simulator"} == set(SERVICES)


def test_every_make_target_that_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = documents_matching(r"(?:`|^|next: )make ([a-z][a-z-]*)")
    assert len(named) > 5
    assert [(where, m[1]) for where, m in named if m[1] not in targets] == []


def test_every_make_target_says_what_it_does() -> None:
    described = run("make", "help")
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    listed = re.findall(r"^  make (\S+) +\S", described.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())


def test_commands_in_documents_have_the_options_they_are_given() -> None:
    wrong = []
    named = documents_matching(r"realtime (run|replay|simulate)\b([^`\n]*)")
    for where, match in named:
        command = realtime.commands[match[1]]
        known = {option for parameter in command.params for option in parameter.opts}
        wrong += [(where, o) for o in re.findall(r"--[a-z-]+", match[2]) if o not in known]
    assert len(named) > 5
    assert wrong == []


def test_relative_links_in_documents_resolve() -> None:
    links = [
        (path, target)
        for path in DOCUMENTS
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text())
        if not re.match(r"[a-z]+:", target)
    ]
    assert len(links) > 20
    assert [link for link in links if not (link[0].parent / link[1].split("#")[0]).exists()] == []


def test_every_package_is_in_the_picture_of_the_house() -> None:
    page = (ROOT / "docs" / "house.md").read_text()
    folders = {path.parent for path in ROOT.glob("*/*/pyproject.toml")}
    packages = [
        str(folder.relative_to(ROOT)) for folder in {*folders, ROOT / "src/realtime_training"}
    ]
    assert len(packages) > 8
    assert [name for name in sorted(packages) if f"](../{name})" not in page] == []


def test_every_recipe_is_listed_and_followed() -> None:
    folder = ROOT / "docs" / "recipes"
    index = (folder / "README.md").read_text()
    pages = {page.stem for page in folder.glob("*.md")} - {"README"}
    assert "service" in pages
    assert [name for name in sorted(pages) if f"]({name}.md)" not in index] == []
    tests = "".join(path.read_text() for path in ROOT.glob("tests/recipes/test_*.py"))
    assert [name for name in sorted(pages) if f'follow("{name}.md"' not in tests] == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    assert [page.name for page in folder.glob("0*.md") if f"]({page.name})" not in index] == []


def test_env_example_names_every_setting_with_its_default() -> None:
    example = ROOT / ".env.example"
    # Set, MLFLOW_TRACKING_URI asks for a server, so the example only shows it.
    named = re.findall(r"^(?:# )?([A-Z_]+)=", example.read_text(), re.MULTILINE)
    system = {name for _, field in fields_of(SystemSettings) for name in env_names(field)}
    others = {
        "QUIX_SDK_TOKEN", "MLFLOW_TRACKING_URI", "MODEL_RETRAIN_INTERVAL", "EXCHANGE_WS_URL",
        "EXCHANGE_REST_URL", "BOOK_LEVELS", "HISTORY_MINUTES",
        "ALERTS_WEBHOOKS", "ALERTS_SECRET", "ALERTS_TELEGRAM_TOKEN", "ALERTS_TELEGRAM_CHATS",
    }  # fmt: skip
    assert sorted(named) == sorted(system | others)
    assert others <= variables()
    assert load_settings(SystemSettings, None, {}, example) == SystemSettings()
    assert load_settings(KafkaSettings, None, {}, example) == KafkaSettings()
    assert load_settings(PredictorSettings, None, {}, example) == PredictorSettings()
    trades = load_settings(TradesSettings, None, {}, example)
    binance = venue_named("binance")
    assert (trades.ws_url, trades.rest_url) == (binance.ws_url, binance.rest_url)
    assert trades.history_minutes == TradesSettings().history_minutes
    assert trades.levels == TradesSettings().levels


def test_environment_reaches_the_services_that_use_it() -> None:
    environment = {
        "EXCHANGE_WS_URL": "ws://localhost:1/ws",
        "EXCHANGE_REST_URL": "http://localhost:1",
        "MODEL_RETRAIN_INTERVAL": "60",
    }
    trades = load_settings(TradesSettings, None, environment, env_file=None)
    predictor = load_settings(PredictorSettings, None, environment, env_file=None)
    assert trades.ws_url == "ws://localhost:1/ws"
    assert trades.rest_url == "http://localhost:1"
    assert predictor.training.retrain_interval == 60


@pytest.mark.parametrize("service", SERVICES)
def test_configuration_page_names_every_key_of_a_service(service: str) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    section = re.search(rf"^## {service}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    keys = [key for key, field in fields_of(SERVICES[service]) if not _has_keys(field.annotation)]
    assert [".".join(key) for key in keys if f"`{'.'.join(key)}`" not in section[1]] == []


def _has_keys(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


@pytest.mark.parametrize("service", SERVICES)
def test_config_file_of_a_service_holds_its_defaults(service: str) -> None:
    config = ROOT / "services" / service / "config.yaml"
    settings = load_settings(SERVICES[service], config, {}, env_file=None).model_dump()
    defaults = SERVICES[service]().model_dump()
    if service == "predictor":  # the learner knows its own
        del settings["model"]["hyperparameters"], defaults["model"]["hyperparameters"]
    assert settings == defaults


def test_hooks_need_no_network() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}
    languages = {hook["language"] for repository in hooks["repos"] for hook in repository["hooks"]}
    assert languages == {"system"}


def test_import_rules_hold() -> None:
    result = run(Path(sys.executable).with_name("lint-imports"), "--no-cache")
    assert result.returncode == 0, result.stdout + result.stderr


def test_tracked_files_hold_nothing_that_does_not_belong_there() -> None:
    result = check_files(*tracked_files())
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


def test_no_tracked_file_names_the_folders_of_this_machine() -> None:
    places = {str(ROOT), os.environ.get("REALTIME_DATA", str(ROOT))}
    pattern = re.compile("|".join(rf"(?<![\w.]){re.escape(place)}\b" for place in sorted(places)))
    deep = all(len(Path(place).parts) > 2 for place in places)  # `/app` may well be in a Dockerfile
    texts = {name: (ROOT / name).read_bytes().decode(errors="replace") for name in tracked_files()}
    assert [name for name, text in texts.items() if deep and pattern.search(text)] == []


def test_lock_file_knows_one_public_registry() -> None:
    registries = set(re.findall(r'registry = "([^"]*)"', (ROOT / "uv.lock").read_text()))
    assert len(registries) == 1
    assert re.fullmatch(r"https://[a-z]+\.[a-z]+/simple", registries.pop())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a\n" + b"<" * 7 + b" HEAD\n", ":2: a merge conflict"),
        (b"a \n", ":1: blanks at the end of the line"),
        (b"a\r\n", ":1: blanks at the end of the line"),
        (b"-----BEGIN RSA " + b"PRIVATE KEY-----\n", ":1: a private key"),
        (b"see /home" + b"/somebody/notes\n", ":1: a path of one machine"),
        (b"a", ": no newline at the end"),
        (b"\0" * 1_100_000, ": 1,100,000 bytes are more than 1,000,000"),
    ],
)
def test_unwanted_content_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    result = check_files(str(path))
    assert (result.stdout, result.returncode) == (f"{path}{problem}\n", 1)


@pytest.mark.parametrize("content", [b"", b"a\n", b"=======\n", b"https://a.b/home/x\n", b"a\0 "])
def test_ordinary_content_is_let_through(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert check_files(str(path)).stdout == ""
