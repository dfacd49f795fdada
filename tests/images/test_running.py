"""Every service from its image, read-only and without rights: simulated trades to a prediction.

Run by `make test-images`. Kafka and PostgreSQL are real, and so is the MLflow server.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from manifest import SERVICES
from marketstream.store.testing import PostgresServer, postgres_server
from marketstream.testing import free_port, running_kafka

from .containers import Containers, image_of
from .dockerfiles import IMAGES, NAMES

TAG = os.environ["REALTIME_IMAGES"]
BASE = os.environ["REALTIME_BASE"]  # the stand-in, where one stands in
HEAVY = ("mlflow", "great_expectations", "lightgbm", "xgboost", "sklearn", "optuna")
MOST_BYTES = {"predictor": 900_000_000, "exchange-simulator": 300_000_000}  # above the base
MOST_BYTES_STREAMING = 200_000_000
SOCKETS = "/run/postgresql"


class System:
    """All images at work: an exchange, MLflow and the services."""

    def __init__(self, containers: Containers, folder: Path, broker: str, server: PostgresServer):
        self.containers = containers
        self.database = server.new_database()
        mlflow_database = server.new_database()
        self.ports = {name: free_port() for name in (*NAMES, "exchange", "mlflow")}
        exchange = f"127.0.0.1:{self.ports['exchange']}"
        config = folder / "trades.yaml"
        config.write_text(json.dumps({"history_minutes": 3}))  # enough to train on
        config.chmod(0o644)
        sockets = ["--volume", f"{server.socket_folder}:{SOCKETS}"]
        containers.start(
            "exchange",
            "exchange-simulator",
            *("simulate", "--symbol", "BTC/USDT", "--trades-per-second", "100"),
            environment={"EXCHANGE_PORT": str(self.ports["exchange"])},
        )
        containers.start(
            "mlflow",
            "predictor",
            *("server", "--port", str(self.ports["mlflow"]), "--workers", "1"),
            *("--artifacts-destination", "/state/artifacts"),
            environment={
                "MLFLOW_BACKEND_STORE_URI": (
                    f"postgresql+psycopg://postgres@/{mlflow_database}?host={SOCKETS}"
                ),
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            options=["--entrypoint", "mlflow", "--no-healthcheck", *sockets],
        )
        containers.wait_for("MLflow", lambda: self.ask("mlflow", "/health")[0] == 200)
        told = {
            "exchange": {
                "EXCHANGE_WS_URL": f"ws://{exchange}/ws",
                "EXCHANGE_REST_URL": f"http://{exchange}",
            },
            "postgres": {
                "POSTGRES_HOST": SOCKETS,
                "POSTGRES_DB": self.database,
                "POSTGRES_USER": "postgres",
            },
            "mlflow": {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{self.ports['mlflow']}"},
        }
        for service in SERVICES:
            port = "API_PORT" if service.api else "METRICS_PORT"
            environment = {
                "KAFKA_BROKER": broker,
                "SYMBOLS": "BTC/USDT",
                "HORIZONS": "1,2",
                port: str(self.ports[service.name]),
            }
            options = ["--volume", f"{config}:/etc/realtime/config.yaml:ro"]
            options *= service.name == "trades"
            for other in service.talks_to:
                environment |= told[other]
                options += sockets * (other == "postgres")
            containers.start(service.name, service.name, environment=environment, options=options)

    def ask(self, name: str, path: str) -> tuple[int, Any]:
        """Ask a container over HTTP."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.ports[name]}{path}", timeout=5
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("postgres")) as running:
        assert running.socket_folder is not None
        running.socket_folder.chmod(0o755)  # the containers' user is another one
        yield running


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("images")
    containers = Containers(f"realtime-{os.getpid()}-", TAG)
    with running_kafka(folder / "kafka") as broker:
        try:
            yield System(containers, folder, broker, server)
        finally:
            containers.remove()


@pytest.mark.timeout(600)
def test_every_service_becomes_healthy(system: System) -> None:
    for name in ("exchange", *NAMES):
        system.containers.wait_for(f"healthy {name}", partial(system.containers.is_healthy, name))


@pytest.mark.timeout(600)
def test_trades_become_predictions_that_are_stored_and_scored(
    system: System, server: PostgresServer
) -> None:
    system.containers.wait_for(
        "prediction", lambda: system.ask("prediction-api", "/predictions/BTC-USDT")[0] == 200
    )
    answer = json.loads(system.ask("prediction-api", "/predictions/BTC-USDT")[1])
    assert [each["horizon_ms"] for each in answer["predictions"]] == [1_000, 2_000]
    assert all(each["mid"] > 0 for each in answer["predictions"])

    def stored(table: str) -> int:
        return int(server.execute(f"SELECT count(*) FROM {table}", system.database)[0][0])

    system.containers.wait_for("outcomes", lambda: stored("outcomes") > 0)
    assert stored("candles") > 100
    assert stored("predictions") > 0
    status, registered = system.ask("mlflow", "/api/2.0/mlflow/registered-models/search")
    assert status == 200
    assert json.loads(registered)["registered_models"]
    assert "dashboard" in system.ask("prediction-api", "/")[1].lower()
    assert system.ask("prediction-api", "/static/dashboard.js")[0] == 200


@pytest.mark.parametrize("name", ["exchange", "mlflow", *NAMES])
def test_process_has_no_rights_and_can_write_to_its_volume_only(system: System, name: str) -> None:
    assert system.containers.state(name)["HostConfig"]["ReadonlyRootfs"]
    assert system.containers.execute(name, "id", "--user").strip() == "10001"
    status = system.containers.execute(name, "cat", "/proc/1/status")
    for kind in ("CapPrm", "CapEff", "CapBnd"):
        assert f"{kind}:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    with pytest.raises(AssertionError, match=r"Read-only file system|Permission denied"):
        system.containers.execute(name, "touch", "/opt/venv/here")
    system.containers.execute(name, "touch", "/state/here", "/tmp/here")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "predictor"])
def test_what_trains_models_is_not_in_it(system: System, name: str) -> None:
    look = f"from importlib.util import find_spec as f; print([n for n in {HEAVY} if f(n)])"
    assert system.containers.execute(name, "python", "-c", look).strip() == "[]"


@pytest.mark.parametrize("image", IMAGES)
def test_image_is_small_and_keeps_no_secrets(image: str) -> None:
    found = image_of(f"{image}:{TAG}")
    above = found["Size"] - image_of(BASE)["Size"]
    assert above < MOST_BYTES.get(image, MOST_BYTES_STREAMING), f"{above:,} bytes"
    variables = [pair.partition("=")[0] for pair in found["Config"]["Env"]]
    assert [name for name in variables if "PASSWORD" in name or "TOKEN" in name] == []
    assert [pair for pair in found["Config"]["Env"] if "://" in pair] == []
    assert found["Config"]["Labels"]["org.opencontainers.image.title"] == image
    health = found.get("Healthcheck") or found["Config"]["Healthcheck"]  # podman, Docker
    assert health["Test"][:2] == ["CMD", "python"]


@pytest.mark.timeout(200)
def test_services_end_when_they_are_told_to(system: System) -> None:
    codes = {name: system.containers.stop(name) for name in (*reversed(NAMES), "exchange")}
    assert codes == dict.fromkeys(codes, 0)
