"""A service as a process of its own: its settings, logs, metrics over HTTP, store and clean end."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

from loguru import logger
from prometheus_client import CollectorRegistry, disable_created_metrics
from pydantic import BaseModel, Field

from marketstream import interrupts
from marketstream.endpoint import endpoint
from marketstream.errors import NetworkError, RealtimeError
from marketstream.logs import configure_logs
from marketstream.metrics import Metrics
from marketstream.plan import Plan, PlanSettings
from marketstream.ports import Part, Ports
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.settings import Env, SystemSettings, load_settings
from marketstream.store.port import Store
from marketstream.store.postgresql import postgres_url
from marketstream.store.sql import open_store

_SWITCH_S = 0.0005  # so long a thread that stores or serves may hold up the stream

type Build[Settings: BaseModel] = Callable[[Plan, Settings, Ports], Part]


class ProcessSettings(BaseModel):
    """What a process is told by its environment, whichever service it is.

    Without METRICS_PORT each service has its own, or a free one where that is taken. With
    PREVIEW_MS candles are also shown as they form, so often, and what would be predicted then.
    """

    log_level: Annotated[str, Env("LOG_LEVEL")] = "INFO"
    metrics_host: Annotated[str, Env("METRICS_HOST")] = "127.0.0.1"
    metrics_port: Annotated[int | None, Field(ge=0, le=65_535), Env("METRICS_PORT")] = None
    state: Annotated[Path, Env("STATE_FOLDER")] = Path("state")
    config: Annotated[Path | None, Env("SERVICE_CONFIG")] = None
    preview_ms: Annotated[int, Field(ge=0), Env("PREVIEW_MS")] = 500


def main[Settings: BaseModel](
    name: str, package: str, port: int | None, settings: type[Settings], build: Build[Settings]
) -> None:
    """Run a service on Kafka until it ends; an error is one line, with the exit code of its kind.

    `package` is a file of the service's package, `port` where it answers unless it is told, None
    where it has an API of its own.
    """
    try:
        interrupts.raise_again()
        _run(name, Path(package).resolve().parent, port, settings, build)
    except RealtimeError as error:
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(interrupts.INTERRUPTED)
    finally:
        interrupts.ignore()


def _run[Settings: BaseModel](
    name: str, package: Path, port: int | None, settings: type[Settings], build: Build[Settings]
) -> None:
    from marketstream.runners.kafka.hosting import run_part  # with Quix, which takes a second
    from marketstream.runners.kafka.ports import KafkaPorts

    sys.setswitchinterval(_SWITCH_S)
    process = load_settings(ProcessSettings, None)
    configure_logs(level=process.log_level, service=name)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nobody asks for
    plan = load_settings(PlanSettings, None).plan()
    ports = KafkaPorts(
        load_settings(KafkaSettings, None),
        plan,
        Metrics(CollectorRegistry()),
        process.state.resolve(),
        _opened_store(load_settings(SystemSettings, None), process.state),
        process.preview_ms or None,
    )
    logger.info("Starting", kafka=ports.kafka.broker, markets=list(plan.markets))
    made: list[Part] = []
    with _answering(name, process, port, ports.metrics, made), contextlib.closing(ports):
        part = build(plan, load_settings(settings, _config(package, process)), ports)

        def ready() -> None:
            made.append(part)
            gc.collect()
            gc.freeze()  # what is in memory by now stays: a full collection would hold up messages

        run_part(part, ports, ready)
    logger.info("Stopped")


def _config(package: Path, process: ProcessSettings) -> Path | None:
    """Return the service's `config.yaml`: SERVICE_CONFIG, or beside the sources."""
    beside = package.parents[1] / "config.yaml"
    return process.config or (beside if beside.exists() else None)


def _opened_store(system: SystemSettings, state: Path) -> Callable[[threading.Event], Store]:
    """Return what opens PostgreSQL where a POSTGRES_ setting names it, else a file in `state`."""

    def opened(ending: threading.Event) -> Store:
        if any(name.startswith("postgres_") for name in system.model_fields_set):
            where = f"PostgreSQL at {system.postgres_host}:{system.postgres_port}"
            logger.info("Store", place=where, database=system.postgres_db)
            return open_store(postgres_url(system), ending=ending)
        path = state / "realtime.sqlite"
        logger.info("Store", place=str(path))
        return open_store(f"sqlite:///{path}", ending=ending)

    return opened


@contextmanager
def _answering(
    name: str, process: ProcessSettings, usual_port: int | None, metrics: Metrics, made: list[Part]
) -> Iterator[None]:
    """Answer `/health` and `/metrics`; until the part is made it is starting."""
    if usual_port is None:
        yield
        return

    def said() -> Mapping[str, object]:
        health = made[0].health() if made else {"status": "starting"}
        return {"service": name, "pid": os.getpid(), **health}

    ports = [usual_port, 0] if process.metrics_port is None else [process.metrics_port]
    with ExitStack() as stack:
        for port in ports:
            try:
                stack.enter_context(endpoint(process.metrics_host, port, metrics, said))
                break
            except NetworkError:
                if port == ports[-1]:
                    raise
        yield
