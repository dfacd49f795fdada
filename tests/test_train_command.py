"""`realtime train`: a model in the registry with its evidence, and promoted only when better."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from marketstream.errors import RealtimeError
from predictor.registry.mlflow import ModelRegistry
from predictor.registry.names import model_name
from realtime_training.bench.load import make_load
from realtime_training.commands.evaluate.work import Wanted
from realtime_training.commands.train.command import train
from realtime_training.commands.train.work import summary, train_all
from realtime_training.datasets import load_files
from realtime_training.settings import load_all

# MLflow's own, of how it uses its database layer: hidden where Python's defaults hold.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SETTINGS = load_all()
MARKET = "binance:BTC/USDT"


def realtime(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("frames") / "recorded.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for read in make_load(("BTC/USDT",), 20, 300).reads:
            for frame in read.frames:
                file.write(b"%d %s\n" % (read.received_ns, frame))
    return path


def test_a_model_is_registered_with_figures_pictures_data_and_signature_and_can_serve(
    frames: Path,
) -> None:
    state = frames.parent
    data = load_files([frames], SETTINGS, state, symbol="BTC/USDT")
    uri = f"sqlite:///{state / 'mlflow.sqlite'}"
    registry = ModelRegistry(uri)
    wanted = Wanted((2,), ("logistic", "lightgbm"), folds=2)
    [first] = train_all(
        data, "binance", wanted, SETTINGS.predictor, registry, sources=["recorded.gz"]
    )
    assert (first.version, first.promotion.promoted) == (1, True)
    served = registry.champion(MARKET, "1s", 2_000, data.feature_set)
    assert served is not None
    assert served.version == "1"
    assert served.rows == first.model.rows

    from mlflow import MlflowClient
    from mlflow.models import Model

    client: Any = MlflowClient(uri, uri)  # whose stubs have None everywhere
    name = model_name(MARKET, "1s", 2_000)
    version = client.get_model_version_by_alias(name, "champion")
    run = client.get_run(version.run_id)
    assert run.data.metrics["evaluation.accuracy"] == pytest.approx(
        first.evaluated.evaluation.score.accuracy  # type: ignore[union-attr]
    )
    folds = client.get_metric_history(version.run_id, "fold.log_loss")
    assert [(each.step, each.value) for each in folds] == [
        (step, fold.log_loss) for step, fold in enumerate(first.evaluated.evaluation.folds)
    ]
    assert run.data.tags["verdict"] == first.evaluated.evaluation.verdict
    [given] = run.inputs.dataset_inputs
    assert data.identity.startswith(given.dataset.digest)
    assert json.loads(given.dataset.source) == ["recorded.gz"]
    artifacts = {each.path for each in client.list_artifacts(version.run_id)}
    assert artifacts >= {
        "model.json", "MLmodel", "evaluation.json", "importance.json", "calibration.svg",
        "coverage.svg", "over_time.svg", "money.svg", "importance.svg",
    }  # fmt: skip
    signature: Any = Model.load(client.download_artifacts(version.run_id, "MLmodel")).signature
    assert {"imbalance", "mid"} <= set(signature.inputs.input_names())
    assert signature.outputs.input_names()[:3] == ["p_up", "p_flat", "p_down"]

    [second] = train_all(data, "binance", Wanted((2,), ("logistic",), folds=2),
                         SETTINGS.predictor, registry)  # fmt: skip
    assert (second.version, second.promotion.promoted) == (2, False)
    assert "points against the champion" in second.promotion.reason
    assert client.get_model_version_by_alias(name, "champion").version == 1
    assert client.get_model_version_by_alias(name, "challenger").version == 2
    [forced] = train_all(data, "binance", Wanted((2,), ("logistic",), folds=2),
                         SETTINGS.predictor, registry, promote="always")  # fmt: skip
    assert client.get_model_version_by_alias(name, "champion").version == forced.version == 3
    said: dict[str, Any] = summary(data, wanted, [forced])["horizons"]["2"]
    assert (said["version"], said["promoted"], said["reason"]) == (3, True, "asked for")


def test_the_command_trains_on_files(frames: Path) -> None:
    state = frames.parent / "of the command"
    common = ("--horizon", "2", "--model", "logistic", "--folds", "2", "--state", state)
    done = realtime("train", frames, "--symbol", "BTC/USDT", *common, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["horizons"]["2"]
    assert (result["name"], result["version"]) == ("binance-BTC-USDT-1s-2000ms", 1)
    assert result["promoted"]
    assert result["evaluation"]["model"] == "logistic"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trades.csv", "--from-store", "--symbol", "BTC/USDT"], "either FILES or --from-store"),
        (["--symbol", "BTC/USDT"], "either FILES or --from-store"),
        (["trades.csv"], "give --symbol"),
        (["--from-store", "--symbol", "BTC/USDT"], "no such file"),
        (["trades.csv", "--symbol", "BTC/USDT"], "no such file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RealtimeError, match=message):
        train.main([*arguments, "--state", "state"], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []
