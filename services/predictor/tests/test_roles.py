"""Who serves, in a real MLflow: one champion, whatever was killed, and who was it before."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from marketstream.champions import ChampionChanged
from marketstream.errors import InputError, NotFoundError
from predictor.registry.aside import champion_aside
from predictor.registry.mlflow import ModelRegistry
from predictor.registry.names import model_name
from predictor.registry.registrar import Registrar
from predictor.registry.roles import CHALLENGER, CHAMPION, Roles, Term, now_ms
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.requests import Registration, Serving
from predictor.training.retraining import TrainedOn
from predictor.validation.evidence import parameters_of

# MLflow's own, of how it uses its database layer: hidden where Python's defaults hold.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PARAMETERS = parameters_of(PredictorSettings())

type MakeModel = Callable[..., TrainedModel]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def registry(folder: Path) -> ModelRegistry:
    """One for all tests, since making MLflow's tables takes seconds: each has its own market."""
    return ModelRegistry(f"sqlite:///{folder / 'mlflow.sqlite'}")


@pytest.fixture
def client(registry: ModelRegistry) -> Any:
    return registry._client


@pytest.fixture
def roles(registry: ModelRegistry) -> Roles:
    """The roles, with nobody else at work on them."""
    return Roles(registry._client, patience_ms=0)


@pytest.fixture
def name(request: pytest.FixtureRequest, registry: ModelRegistry, make_model: MakeModel) -> str:
    """A registered model with three versions, each the champion when it came."""
    market = f"simulator:{request.node.name[:30].upper()}/USDT"
    on = TrainedOn(market, "1s", 1_000, 99_000, "f1", "fair")
    for version in (1, 2, 3):
        model = replace(make_model(hit_rate=0.5 + version / 10), trained_at_ms=1_000 * version)
        registry.log(model, on, PARAMETERS)
    return model_name(market, "1s", 1_000)


def market_named(name: str) -> str:
    return f"simulator:{name.removeprefix('simulator-').removesuffix('-USDT-1s-1000ms')}/USDT"


def serves(roles: Roles, name: str) -> str:
    found = roles.champion(name)
    assert found is not None
    return str(found.version)


def terms(roles: Roles, name: str) -> dict[str, list[tuple[int, str]]]:
    return {
        each.version: [(term.since_ms, term.why) for term in each.terms]
        for each in reversed(roles.versions(name))
    }


def test_each_change_is_written_down_with_when_and_why(roles: Roles, name: str) -> None:
    assert serves(roles, name) == "3"
    roles.promote(name, "1", Term(9_000, "as a test"))
    assert serves(roles, name) == "1"
    assert roles.roll_back(name, Term(9_500, "it was worse")) == "3"
    assert roles.champions()[name] == "3"
    trained = "trained anew"
    assert terms(roles, name) == {
        "1": [(1_000, trained), (9_000, "as a test")],
        "2": [(2_000, trained)],
        "3": [(3_000, trained), (9_500, "it was worse")],
    }


def test_a_champion_says_since_when_it_serves_and_why(
    registry: ModelRegistry, roles: Roles, name: str
) -> None:
    roles.promote(name, "2", Term(9_000, "as a test"))
    champion = registry.champion(market_named(name), "1s", 1_000, "f1")
    assert champion is not None
    assert (champion.version, champion.since_ms, champion.why) == ("2", 9_000, "as a test")


def test_a_retired_version_never_serves_again(roles: Roles, client: Any, name: str) -> None:
    client.set_registered_model_alias(name, CHALLENGER, "1")
    assert roles.retire(name, "1", Term(8_000, "wrong data")) is None
    assert CHALLENGER not in client.get_registered_model(name).aliases
    assert roles.retire(name, "3", Term(9_000, "overflows")) == "2"
    assert serves(roles, name) == "2"
    with pytest.raises(InputError, match=r"version 3 was retired \(overflows\): name another"):
        roles.promote(name, "3", Term(9_100, "all the same"))
    with pytest.raises(InputError, match="no other version was champion: name one with promote"):
        roles.retire(name, "2", Term(9_200, "the last"))
    assert serves(roles, name) == "2"


def test_what_there_is_not_is_said_with_what_there_is(roles: Roles, name: str) -> None:
    with pytest.raises(InputError, match="has no version 9: the newest are 3, 2, 1"):
        roles.promote(name, "9", Term(1, "no"))
    with pytest.raises(InputError, match="no model is registered as nothing"):
        roles.roll_back("nothing", Term(1, "no"))


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_change_that_was_cut_off_is_ended_by_who_looks_next(
    roles: Roles, client: Any, name: str, done: int
) -> None:
    term = [9_000, "by hand"]
    client.set_registered_model_tag(name, "changing", msgspec.json.encode(["1", term, 0]).decode())
    if done > 0:
        said = msgspec.json.encode([[1_000, "trained anew"], term]).decode()
        client.set_model_version_tag(name, "1", "terms", said)
    if done > 1:
        client.set_registered_model_alias(name, CHAMPION, "1")
    assert roles.champions()[name] == "1"
    assert serves(roles, name) == "1"
    assert terms(roles, name)["1"] == [(1_000, "trained anew"), (9_000, "by hand")]
    assert "changing" not in client.get_registered_model(name).tags


def test_a_change_that_is_under_way_is_left_to_who_makes_it(
    registry: ModelRegistry, client: Any, name: str
) -> None:
    change = msgspec.json.encode(["1", [9_000, "by hand"], now_ms()]).decode()
    client.set_registered_model_tag(name, "changing", change)
    with registry.roles() as patient:
        assert serves(patient, name) == "3"
    assert client.get_registered_model(name).tags["changing"] == change


def test_only_champions_that_do_not_serve_are_brought(
    registry: ModelRegistry, roles: Roles, name: str, folder: Path
) -> None:
    market = market_named(name)
    registrar = Registrar(Registration(registry._uri, "1s", folder))
    serving = Serving({market: {1_000: "3"}, "simulator:NEW/USDT": {1_000: "1"}}, {market: "f1"})
    assert registrar.changed(serving) == ({}, ())
    roles.promote(name, "1", Term(9_000, "by hand"))
    models, complaints = registrar.changed(serving)
    assert complaints == ()
    assert {h: (m.version, m.why) for h, m in models[market].items()} == {1_000: ("1", "by hand")}
    other = Serving({market: {1_000: "3"}}, {market: "f2"})
    assert "was trained on feature set f1" in registrar.changed(other)[1][0]


_CHANGING = """
import itertools, sys
from predictor.registry.aside import champion_aside
from predictor.registry.mlflow import ModelRegistry
from predictor.registry.roles import Term
registry = ModelRegistry(sys.argv[1])
print("ready", flush=True)
for at in itertools.count(int(sys.argv[3])):
    with registry.roles() as roles:
        roles.promote(sys.argv[2], str(1 + at % 3), Term(at, "by hand"))
"""


@pytest.mark.slow
def test_killed_at_any_moment_there_is_one_champion_and_its_term_is_told(
    registry: ModelRegistry, roles: Roles, name: str
) -> None:
    moments = random.Random(7)
    for kill in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", _CHANGING, registry._uri, name, str(10_000 * (kill + 1))],
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(moments.uniform(0.05, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        champion = serves(roles, name)
        newest = max(roles.versions(name), key=lambda each: each.since_ms)
        assert champion == newest.version
        if newest.since_ms >= 10_000:  # else it was killed before its first change
            assert champion == str(1 + newest.since_ms % 3)
        every = sorted(term.since_ms for each in roles.versions(name) for term in each.terms)
        of_this = [at for at in every if at >= 10_000 * (kill + 1)]
        assert of_this == list(range(10_000 * (kill + 1), 10_000 * (kill + 1) + len(of_this)))


def test_a_process_beside_changes_the_champion_and_says_why_it_cannot(
    folder: Path, roles: Roles, name: str
) -> None:
    asked = (Event(), f"sqlite:///{folder / 'mlflow.sqlite'}", name)
    assert champion_aside(*asked, "1", "steady") == ChampionChanged(name, "1", "3", "steady")
    assert champion_aside(*asked, None, "no") == ChampionChanged(name, "3", "1", "no")
    champion = roles.champion(name)
    assert champion is not None
    assert str(champion.version) == "3"
    roles.retire(name, "2", Term(now_ms(), "worse"))
    with pytest.raises(InputError, match=r"version 2 was retired \(worse\)") as refused:
        champion_aside(*asked, "2", "again")
    assert not isinstance(refused.value, NotFoundError)
    with pytest.raises(NotFoundError, match="has no version 9: the newest are 3, 2, 1"):
        champion_aside(*asked, "9", "?")
    with pytest.raises(NotFoundError, match="no model is registered as nothing-of-this"):
        champion_aside(*asked[:2], "nothing-of-this", None, "?")
