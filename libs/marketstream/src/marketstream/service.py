"""A service as a process of its own: its settings, logs, metrics over HTTP, store and clean end."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from loguru import logger
from prometheus_client import CollectorRegistry, disable_created_metrics
from pydantic import BaseModel, Field

from marketstream.endpoint import endpoint
from marketstream.errors import NetworkError, RealtimeError
from marketstream.logs import configure_logs
from marketstream.metrics import Metrics
from marketstream.plan import Plan, PlanSettings
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.settings import Env, SystemSettings, load_settings
from marketstream.store.port import Store
from marketstream.store.postgresql import postgres_url
from marketstream.store.sql import open_store
from marketstream.store.writer import StoreWriter

_INTERRUPTED = 130
_SWITCH_S = 0.0005  # so long a thread that stores or serves may hold up the stream
_PATIENCE_S = 600.0  # with a store that is away: what waits for it stays small so long


class ProcessSettings(BaseModel):
    """What a process is told by its environment, whichever service it is.

    Without METRICS_PORT each service has its own, or a free one where that is taken.
    """

    log_level: Annotated[str, Env("LOG_LEVEL")] = "INFO"
    metrics_host: Annotated[str, Env("METRICS_HOST")] = "127.0.0.1"
    metrics_port: Annotated[int | None, Field(ge=0, le=65_535), Env("METRICS_PORT")] = None
    state: Annotated[Path, Env("STATE_FOLDER")] = Path("state")
    config: Annotated[Path | None, Env("SERVICE_CONFIG")] = None


@dataclass(frozen=True, slots=True)
class Service:
    """What a service's own part is given to work with."""

    name: str
    package: Path
    process: ProcessSettings
    system: SystemSettings
    kafka: KafkaSettings
    plan: Plan
    metrics: Metrics
    health: dict[str, object] = field(default_factory=lambda: {"status": "starting"})

    def settings[Settings: BaseModel](self, model: type[Settings]) -> Settings:
        """Read the service's `config.yaml`: SERVICE_CONFIG, or beside the sources."""
        beside = self.package.parents[1] / "config.yaml"
        path = self.process.config or (beside if beside.exists() else None)
        return load_settings(model, path)

    def ready(self) -> None:
        """Say from now on that all is well; what is in memory by now stays there."""
        gc.collect()
        gc.freeze()  # a full collection over it would hold up messages
        self.health["status"] = "ok"

    @contextmanager
    def store(self) -> Iterator[tuple[Store, StoreWriter]]:
        """Give the store and a writer to it, which ends with everything written.

        It is PostgreSQL where a POSTGRES_ setting names it, else a SQLite file in the state folder.
        Once it is open it may be away for ten minutes; rows wait that long.
        """
        store = open_store(self._store_url())
        try:
            with StoreWriter(store, patience_s=_PATIENCE_S, metrics=self.metrics) as writer:
                yield store, writer
        finally:
            store.close()

    def _store_url(self) -> str:
        if any(name.startswith("postgres_") for name in self.system.model_fields_set):
            where = f"PostgreSQL at {self.system.postgres_host}:{self.system.postgres_port}"
            logger.info("Store", place=where, database=self.system.postgres_db)
            return postgres_url(self.system)
        path = self.process.state / "realtime.sqlite"
        logger.info("Store", place=str(path))
        return f"sqlite:///{path}"


def main(name: str, package: str, metrics_port: int | None, run: Callable[[Service], None]) -> None:
    """Run a service until it ends; an error is one line, with the exit code of its kind.

    `package` is a file of the service's package, `metrics_port` where it answers unless it is told,
    None where it has an API of its own.
    """
    try:
        with _service(name, Path(package).resolve().parent, metrics_port) as service:
            logger.info("Starting", kafka=service.kafka.broker, markets=list(service.plan.markets))
            run(service)
            logger.info("Stopped")
    except RealtimeError as error:
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


@contextmanager
def _service(name: str, package: Path, metrics_port: int | None) -> Iterator[Service]:
    sys.setswitchinterval(_SWITCH_S)
    process = load_settings(ProcessSettings, None)
    configure_logs(level=process.log_level, service=name)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nobody asks for
    service = Service(
        name=name,
        package=package,
        process=process,
        system=load_settings(SystemSettings, None),
        kafka=load_settings(KafkaSettings, None),
        plan=load_settings(PlanSettings, None).plan(),
        metrics=Metrics(CollectorRegistry()),
    )
    if metrics_port is None:
        yield service
        return
    with _answering(service, metrics_port):
        yield service


@contextmanager
def _answering(service: Service, usual_port: int) -> Iterator[None]:
    process = service.process
    ports = [usual_port, 0] if process.metrics_port is None else [process.metrics_port]
    with ExitStack() as stack:
        for port in ports:
            serving = endpoint(process.metrics_host, port, service.metrics, _said(service))
            try:
                stack.enter_context(serving)
                break
            except NetworkError:
                if port == ports[-1]:
                    raise
        yield


def _said(service: Service) -> Callable[[], Mapping[str, object]]:
    return lambda: {"service": service.name, "pid": os.getpid(), **service.health}
