"""Models of the arena by their settings: what takes part, and what is refused, with a remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from marketstream.errors import SettingsError
from marketstream.plan import Plan
from predictor.arena.abstentions import Abstentions
from predictor.arena.endpoint import endpoint_of
from predictor.arena.guest import Guest
from predictor.arena.loading import guests
from predictor.arena.settings import ArenaModelSettings

from .stub import onnx_file

FEATURES = ("imbalance", "flow_1s", "return_1s")
PLAN = Plan(("binance:BTC/USDT",), "1s", (1, 5), ("1s",))
STUB = f"{__package__}.stub"


def load(abstentions: Abstentions, name: str = "mine", **settings: Any) -> Guest:
    arena = {name: ArenaModelSettings.model_validate(settings)}
    (guest,) = guests(arena, FEATURES, PLAN, abstentions)
    return guest


def test_an_entry_point_is_called_with_the_features_and_asked_row_by_row(
    abstentions: Abstentions,
) -> None:
    guest = load(abstentions, python=f"{STUB}:Follows", version="7")
    assert guest.model.startswith("arena/mine:7-")
    assert guest.columns == ("imbalance",)
    assert guest.horizons_ms == {1_000, 5_000}
    assert guest.ask is not None
    assert guest.ask((0.5,), 1_000) == pytest.approx(0.875)
    chosen = load(abstentions, python=f"{STUB}:Follows", features=["flow_1s"], horizons=[5])
    assert (chosen.columns, chosen.horizons_ms) == (("flow_1s",), {5_000})


def test_a_file_is_asked_for_its_features_in_its_order(
    abstentions: Abstentions, tmp_path: Path
) -> None:
    file = tmp_path / "linear.onnx"
    file.write_bytes(onnx_file(features="flow_1s, imbalance"))
    guest = load(abstentions, onnx=file)
    assert guest.columns == ("flow_1s", "imbalance")
    assert guest.model.startswith("arena/mine:")
    assert guest.ask is not None
    p_up = guest.ask((1.0, 9.0), 1_000)  # softmax of 0, 1, 2: up against down
    assert p_up == pytest.approx(0.8807970779778823, abs=1e-6)
    file.write_bytes(onnx_file(classes=2, features=None))
    of_two = load(abstentions, onnx=file, features=["imbalance", "flow_1s"])
    assert of_two.model != guest.model
    assert of_two.ask is not None
    assert of_two.ask((1.0, 9.0), 1_000) == pytest.approx(0.7310585786300049, abs=1e-6)


@pytest.mark.parametrize(
    ("content", "settings", "told"),
    [
        (onnx_file(features='["imbalanse", "flow_1s"]'), {}, "did you mean imbalance?"),
        (onnx_file(), {"features": ["flow_1s", "imbalance"]}, "reads imbalance, flow_1s in this"),
        (onnx_file(features=None), {}, "does not say which features it reads"),
        (onnx_file(width=3), {}, "reads 3 columns, and 2 features are named"),
        (onnx_file(classes=5), {}, "answers a row with 5 numbers"),
        (onnx_file(features="imbalance,imbalance"), {}, "imbalance is named twice"),
        (onnx_file(classes=1), {}, "answers a row with 1 number: down, none and up"),
        (onnx_file(softmax=False), {}, "zeros with 0, 0, 0: probabilities do not sum to 1"),
        (onnx_file(stood=True), {}, "answers a row with the shape (3, 1)"),
        (onnx_file(labels=True), {}, "labels do not say how likely they are"),
        (onnx_file(elsewhere="weights.bin"), {}, "keeps weights in weights.bin: write it as one"),
        (b"no model", {}, "is no model that onnxruntime can run"),
        (None, {}, "cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    content: bytes | None,
    settings: dict[str, Any],
    told: str,
    abstentions: Abstentions,
    tmp_path: Path,
) -> None:
    file = tmp_path / "linear.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load(abstentions, onnx=file, **settings)
    assert told in str(caught.value)
    assert str(caught.value).startswith("arena.mine: ")


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("mine", {"python": "nowhere.at.all:Model"}, "No module named 'nowhere'"),
        ("mine", {"python": f"{STUB}:Folows"}, "cannot be imported (AttributeError"),
        ("mine", {"python": "chronos"}, "no installed package has an entry point chronos"),
        ("mine", {"python": f"{STUB}:fails"}, "OSError: no weights"),
        ("mine", {"python": f"{STUB}:leaves"}, "SystemExit: 3"),
        ("mine", {"python": f"{STUB}:Spelt"}, "are 'imbalance': a list of names is needed"),
        (
            "mine",
            {"python": f"{STUB}:Fixed", "features": ["flow_1s", "imbalance"]},
            "reads imbalance, flow_1s, by its `features`, and the configuration says flow_1s, imb",
        ),
        (
            "mine",
            {"python": f"{STUB}:Fixed", "features": ["imbalance"]},
            "write them so, in this order",
        ),
        ("mine", {"python": f"{STUB}:nothing"}, "without a method probabilities"),
        ("mine", {"python": f"{STUB}:Elsewhere"}, "did you mean imbalance?"),
        ("mine", {"python": f"{STUB}:Follows", "features": ["flow_1S"]}, "did you mean flow_1s?"),
        ("mine", {"python": f"{STUB}:Follows", "horizons": [2]}, "choose among 1, 5"),
        ("lightgbm", {"python": f"{STUB}:Follows"}, "the name of a candidate already"),
        ("Mine", {"python": f"{STUB}:Follows"}, "small letters"),
    ],
)
def test_what_cannot_take_part_is_refused_with_the_remedy(
    name: str, settings: dict[str, Any], told: str, abstentions: Abstentions
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(abstentions, name, **settings)
    assert told in str(caught.value)
    assert f"arena.{name}: " in str(caught.value)


def test_what_a_factory_says_of_its_failure_is_cut_and_holds_no_secret(
    abstentions: Abstentions,
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(abstentions, python=f"{STUB}:talks")
    told = str(caught.value)
    assert "OSError: 401 of https://weights.example.com/big?token=***" in told
    assert "s3cret" not in told
    assert "\n" not in told
    assert len(told) < 400


MODEL = """
class Base:
    def probabilities(self, row, horizon_ms):
        return (0.2, 0.2, 0.6)


class Mine(Base):
    def __init__(self, features):
        self.features = features[:1]
"""


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        (MODEL, True),
        (MODEL.replace("        return", "        # as ever\n\n        return"), True),
        (
            MODEL.replace("0.6", "0.5").replace("0.2)", "0.3)").replace("(0.2, 0.2", "(0.3, 0.2"),
            False,
        ),
        (MODEL.replace("[:1]", "[1:2]"), False),
        (MODEL.replace("features[:1]", "features[:1]\n        self.version = 'a1'"), False),
    ],
)
def test_a_python_model_is_known_by_what_it_is_and_not_by_where(
    changed: str,
    same: bool,
    abstentions: Abstentions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = f"model_{abs(hash(changed))}"  # modules are imported once
    for place, text in (("here", MODEL), ("there", changed)):
        (tmp_path / place).mkdir()
        (tmp_path / place / f"{kind}_{place}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path / place)
    here, there = (
        load(abstentions, python=f"{kind}_{place}:Mine").model for place in ("here", "there")
    )
    assert (here == there) == same


def test_a_file_elsewhere_is_the_same_model_and_other_columns_are_another(
    abstentions: Abstentions, tmp_path: Path
) -> None:
    identities = []
    for name, content, features in (
        ("a", onnx_file(features=None), ["imbalance", "flow_1s"]),
        ("b", onnx_file(features=None), ["imbalance", "flow_1s"]),
        ("c", onnx_file(features=None), ["flow_1s", "imbalance"]),
    ):
        file = tmp_path / f"{name}.onnx"
        file.write_bytes(content)
        identities.append(load(abstentions, onnx=file, features=features).model)
    assert identities[0] == identities[1] != identities[2]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "exactly one of python, onnx and url is needed, not 0"),
        ({"python": "a:b", "url": "http://a"}, "needed, not 2"),
        ({"url": "ftp://a"}, "http:// or https://"),
        ({"url": "http://me:secret@a"}, "put them into authorization_env"),
        ({"python": "a:b", "authorization_env": "TOKEN"}, "authorization_env is for a url"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match="1 validation error") as caught:
        ArenaModelSettings.model_validate(settings)
    assert told in str(caught.value)


def test_the_key_of_an_endpoint_is_from_the_environment_and_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = ArenaModelSettings.model_validate(
        {"url": "http://a/predict?key=s3cret", "authorization_env": "FAR_TOKEN"}
    )
    monkeypatch.delenv("FAR_TOKEN", raising=False)
    with pytest.raises(SettingsError, match=r"variable FAR_TOKEN has to hold.*: it is not set"):
        endpoint_of("far", settings)
    monkeypatch.setenv("FAR_TOKEN", "Bearer s3cret\r\nX-Other: 1")
    with pytest.raises(SettingsError, match="it is no header") as caught:
        endpoint_of("far", settings)
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("FAR_TOKEN", "Bearer s3cret")
    endpoint = endpoint_of("far", settings)
    assert endpoint is not None
    assert endpoint.headers["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(endpoint)
    assert settings.where == "http://a/predict"


def test_a_file_needs_onnxruntime_and_says_so(
    abstentions: Abstentions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "linear.onnx"
    file.write_bytes(onnx_file())
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(SettingsError, match=r"pip install 'predictor\[onnx\]'"):
        load(abstentions, onnx=file)
