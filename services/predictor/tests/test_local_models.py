"""The predictor's own copies of models, in its state folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from predictor.registry.local import LocalModels, Waiting, kept_champions
from predictor.training.fitting import TrainedModel
from predictor.training.retraining import TrainedOn

ON = TrainedOn("simulator:BTC/USDT", "1s", 1_000, 99_000, "f1", "mid")
NAME = "simulator-BTC-USDT-1s-1000ms"


@pytest.fixture
def make_waiting(make_model: Callable[..., TrainedModel]) -> Callable[[int], Waiting]:
    """A model by when it was trained."""
    return lambda trained_at_ms: Waiting(
        replace(make_model(), trained_at_ms=trained_at_ms), ON, {"learner": "trees", "depth": [3]}
    )


def test_models_wait_in_the_order_of_training_over_a_restart(
    tmp_path: Path, make_waiting: Callable[[int], Waiting]
) -> None:
    local = LocalModels(tmp_path)
    for trained_at_ms in (20, 3, 100):
        local.wait(make_waiting(trained_at_ms))
    restarted = LocalModels(tmp_path)
    assert restarted.waiting() == [make_waiting(each) for each in (3, 20, 100)]
    assert restarted.waiting()[0].name == NAME
    restarted.registered(make_waiting(20))
    assert [each.model.trained_at_ms for each in LocalModels(tmp_path).waiting()] == [3, 100]
    assert restarted.complaints() == ()


def test_what_another_process_registered_out_of_the_same_folder_waits_no_more(
    tmp_path: Path, make_waiting: Callable[[int], Waiting]
) -> None:
    ours = LocalModels(tmp_path)
    ours.wait(make_waiting(1))
    theirs = LocalModels(tmp_path)
    theirs.registered(theirs.waiting()[0])
    assert ours.waiting() == []


def test_champion_of_other_features_or_of_none_is_not_there(
    tmp_path: Path, make_model: Callable[..., TrainedModel]
) -> None:
    local = LocalModels(tmp_path)
    assert local.champion(NAME, "f1") is None
    local.keep_champion(NAME, "f1", replace(make_model(), low=float("nan"), version="7"))
    local.keep_champion(NAME, "f1", replace(make_model(), version="8"))
    assert LocalModels(tmp_path).champion(NAME, "f1") == replace(make_model(), version="8")
    assert local.champion(NAME, "f2") is None
    assert LocalModels(tmp_path).waiting() == []
    assert local.complaints() == ()


def test_damaged_files_are_said_once_and_the_rest_goes_on(
    tmp_path: Path, make_waiting: Callable[[int], Waiting]
) -> None:
    local = LocalModels(tmp_path)
    for trained_at_ms in (1, 2):
        local.wait(make_waiting(trained_at_ms))
    local.keep_champion(NAME, "f1", make_waiting(2).model)
    for name in ("1.json", "champion.json"):
        path = tmp_path / NAME / name
        path.write_bytes(path.read_bytes().replace(b"1000", b"9000"))
    restarted = LocalModels(tmp_path)
    assert [each.model.trained_at_ms for each in restarted.waiting()] == [2]
    assert restarted.champion(NAME, "f1") is None
    first, second = restarted.complaints()
    assert "1.json: cannot be read (the model is damaged" in first
    assert "champion.json: cannot be read (the model is damaged" in second
    assert restarted.complaints() == ()


def test_folder_that_cannot_be_written_leaves_what_waits_in_memory(
    tmp_path: Path, make_waiting: Callable[[int], Waiting]
) -> None:
    folder = tmp_path / "models"
    folder.touch()
    local = LocalModels(folder)
    local.wait(make_waiting(1))
    assert local.waiting() == [make_waiting(1)]
    (complaint,) = local.complaints()
    assert "1.json: cannot be written (" in complaint


def test_oldest_of_too_many_that_wait_is_given_up(
    tmp_path: Path, make_waiting: Callable[[int], Waiting], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("predictor.registry.local._MOST_WAITING", 2)
    local = LocalModels(tmp_path)
    for trained_at_ms in (1, 2, 3):
        local.wait(make_waiting(trained_at_ms))
    assert [each.model.trained_at_ms for each in LocalModels(tmp_path).waiting()] == [2, 3]
    (complaint,) = local.complaints()
    assert complaint.startswith(NAME)
    assert "waited too long" in complaint


def test_what_is_kept_of_a_champion_is_enough_to_register_it_anew(
    tmp_path: Path, make_waiting: Callable[[int], Waiting]
) -> None:
    local, waiting = LocalModels(tmp_path), make_waiting(1)
    local.keep_champion(NAME, "f1", waiting.model, waiting)
    assert LocalModels(tmp_path).champion_to_register(NAME, "f1") == waiting
    local.keep_champion(NAME, "f1", waiting.model)
    assert local.champion(NAME, "f1") == waiting.model
    assert local.champion_to_register(NAME, "f1") is None


def test_champions_kept_are_those_that_can_be_read(
    tmp_path: Path, make_model: Callable[..., TrainedModel]
) -> None:
    names = {horizon_ms: f"{NAME}-{horizon_ms}" for horizon_ms in (1, 2, 3)}
    for horizon_ms in (1, 2):
        LocalModels(tmp_path).keep_champion(names[horizon_ms], "f1", make_model())
    (tmp_path / names[1] / "champion.json").write_text("{")
    assert kept_champions(tmp_path, names, "f1") == {2: make_model()}
    assert kept_champions(tmp_path, names, "f2") == {}
