"""The services as processes of their own on a broker, with a simulated exchange before them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from marketstream.errors import InputError, NetworkError
from marketstream.symbols import url_symbol
from marketstream.testing import free_port
from realtime_bench.timing import process_cpu_s

_MANIFEST = Path(__file__).resolve().parents[4] / "services" / "manifest.yaml"
_POLL_S = 0.1
_GOODBYE_S = 30.0
_LAST_WORDS = 2_000
# What may be set where this is called and is not meant for what is started here.
_OTHERS = (
    *("SERVICE_CONFIG", "EXCHANGE", "TIMEFRAME", "BASE_TIMEFRAME", "LABEL_LATENCY_MS"),
    *("MODEL_RETRAIN_INTERVAL", "MLFLOW_TRACKING_URI"),
)


def service_modules(manifest: Path = _MANIFEST) -> tuple[str, ...]:
    """Return the packages of all services, in the order in which data passes through them.

    InputError without their list, which is in the checkout only.
    """
    try:
        text = manifest.read_text()
    except OSError as error:
        raise InputError(
            f"{manifest}: no list of services ({error.strerror}): run this in a checkout, after "
            "`make setup`"
        ) from error
    return tuple(str(service["module"]) for service in yaml.safe_load(text))


class Services:
    """A simulated exchange and what follows it; processes are started and ended by name.

    Their logs and state are in `folder`. `configs` holds what the `config.yaml` of a service says,
    `environment` what all are told. `exchange` is what tells others where the exchange is.
    """

    def __init__(
        self,
        folder: Path,
        broker: str,
        symbols: Sequence[str],
        trades_per_second: float,
        configs: Mapping[str, object],
        environment: Mapping[str, str],
        simulator: Callable[[int], Sequence[str]] | None = None,
    ) -> None:
        self.folder = folder
        self.symbols = symbols
        self._configs = configs
        self.api_port, exchange_port = free_port(), free_port()
        self.exchange = {
            "EXCHANGE_WS_URL": f"ws://127.0.0.1:{exchange_port}/ws",
            "EXCHANGE_REST_URL": f"http://127.0.0.1:{exchange_port}",
        }
        self._environment = {
            **os.environ,
            **dict.fromkeys(_OTHERS, ""),
            "KAFKA_BROKER": broker,
            "STATE_FOLDER": str(folder / "state"),
            **self.exchange,
            "SYMBOLS": ",".join(symbols),
            "API_HOST": "127.0.0.1",
            "API_PORT": str(self.api_port),
            "METRICS_PORT": "0",
            **environment,
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        simulated = [
            *("realtime_training", "simulate", "--port", str(exchange_port)),
            *("--trades-per-second", str(trades_per_second)),
            *(part for symbol in symbols for part in ("--symbol", symbol)),
        ]
        self._run("exchange", simulated if simulator is None else [*simulator(exchange_port)])

    def start(
        self, service: str, name: str | None = None, told: Mapping[str, str] | None = None
    ) -> None:
        """Start a service, told so much beside the rest.

        Another worker of it has a name, and so a state folder, of its own.
        """
        name = name or service
        environment = {
            "KAFKA_STATE_FOLDER": str(self.folder / f"{name}-state"),
            "KAFKA_WORKER": name,
            **(told or {}),
        }
        if service in self._configs:
            config = self.folder / f"{service}.yaml"
            config.write_text(json.dumps(self._configs[service]))
            environment["SERVICE_CONFIG"] = str(config)
        self._run(name, [service], **environment)

    def _run(self, name: str, arguments: list[str], **environment: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**self._environment, **environment},
            )

    def kill(self, name: str) -> None:
        """End a process as a crash does."""
        self._running[name].kill()
        self._running.pop(name).wait()

    def stop(self, name: str) -> int:
        """End a process as an orchestrator does; return its exit code."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(_GOODBYE_S)

    def log(self, name: str) -> str:
        """Return what a process said so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def ask(self, path: str, base: str | None = None) -> tuple[int, Any]:
        """Ask the API, or what else answers at `base`."""
        url = f"{base or f'http://127.0.0.1:{self.api_port}'}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own services
                return answer.status, _body(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _body(error.read())

    def get(self, path: str) -> Any | None:
        """Return a page of the API; None where there is none, or no answer, yet."""
        try:
            status, page = self.ask(path)
        except OSError:
            return None
        return page if status == 200 else None

    def metrics(self, name: str = "") -> str:
        """Return the metrics of a process, without a name those of the API."""
        url = re.search(r'"url":"(http://[^"]+)/health"', self.log(name)) if name else None
        return str(self.ask("/metrics", None if url is None else url[1])[1])

    def health(self, name: str) -> Any:
        """Return what a process says of its health; OSError while it does not listen."""
        url = re.search(r'"url":"(http://[^"]+)/health"', self.log(name))
        if url is None:
            raise ConnectionError(f"{name} does not listen yet")
        return self.ask("/health", url[1])[1]

    def most_mib(self, name: str) -> float:
        """Return the most memory that a process ever had, in MiB, as /proc has it (proc(5))."""
        status = Path(f"/proc/{self._running[name].pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return 0.0 if found is None else round(int(found[1]) / 1024, 1)

    def metric(self, metric: str, name: str = "") -> float:
        """Return a metric of a process by its name and labels, 0 where there is none."""
        found = re.search(rf"^{re.escape(metric)} (\S+)$", self.metrics(name), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds of each process so far, where the system tells."""
        used = {name: process_cpu_s(process.pid) for name, process in self._running.items()}
        return {name: seconds for name, seconds in used.items() if seconds is not None}

    def wait_for(self, what: str, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until a condition holds; NetworkError with the logs where it does not come."""
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s:
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise NetworkError(f"no {what}: {name} ended: {self.log(name)[-_LAST_WORDS:]}")
            try:
                if condition():
                    return
            except OSError:
                pass  # not listening yet
            time.sleep(_POLL_S)
        logs = "\n".join(f"{name}: {self.log(name)[-_LAST_WORDS:]}" for name in self._running)
        raise NetworkError(f"no {what} within {seconds:g} s\n{logs}")

    def predicts(self) -> bool:
        """Say whether there is a prediction for every market."""
        return all(
            self.get(f"/predictions/{url_symbol(symbol)}") is not None for symbol in self.symbols
        )

    def close(self) -> None:
        """End whatever still runs."""
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.wait()


def _body(raw: bytes) -> Any:
    return json.loads(raw) if raw.startswith(b"{") else raw.decode()
