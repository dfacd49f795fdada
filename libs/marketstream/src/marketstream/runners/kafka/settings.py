"""How to reach Kafka, and how messages travel through it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)

from marketstream.settings import Env

_COMMIT_INTERVAL_S = {"at-least-once": 2.0, "exactly-once": 0.05}


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class KafkaSettings(BaseModel):
    """The brokers, how to log in there, what they guarantee, and what topics are made with.

    A Quix token takes the place of the broker. With `exactly-once` readers see what a stage wrote
    only once it is committed, so the interval between commits is part of every latency. A worker
    with a name that survives it, such as that of a pod, has its markets back at once when it starts
    again; without one they stay idle until the session of the one that was killed times out.
    """

    model_config = ConfigDict(extra="forbid")

    broker: Annotated[str, Env("KAFKA_BROKER"), Field(pattern=r"^\S+:\d+$")] = "localhost:9092"
    quix_sdk_token: Annotated[SecretStr | None, Env("QUIX_SDK_TOKEN")] = None
    quix_portal_api: Annotated[str, Env("QUIX_PORTAL_API"), Field(pattern=r"^https?://\S+$")] = (
        "https://portal-api.platform.quix.io/"
    )
    security_protocol: Annotated[
        Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"],
        BeforeValidator(_lower),
        Env("KAFKA_SECURITY_PROTOCOL"),
    ] = "plaintext"
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        BeforeValidator(_upper),
        Env("KAFKA_SASL_MECHANISM"),
    ] = "PLAIN"
    sasl_username: Annotated[str | None, Env("KAFKA_SASL_USERNAME")] = None
    sasl_password: Annotated[SecretStr | None, Env("KAFKA_SASL_PASSWORD")] = None
    ca_location: Annotated[Path | None, Env("KAFKA_CA_LOCATION")] = None
    processing_guarantee: Annotated[
        Literal["at-least-once", "exactly-once"],
        BeforeValidator(_lower),
        Env("KAFKA_PROCESSING_GUARANTEE"),
    ] = "at-least-once"
    partitions: Annotated[PositiveInt, Env("KAFKA_PARTITIONS")] = 4
    replication_factor: Annotated[PositiveInt, Env("KAFKA_REPLICATION_FACTOR")] = 1
    commit_interval_s: Annotated[PositiveFloat | None, Env("KAFKA_COMMIT_INTERVAL")] = None
    session_timeout_ms: Annotated[int, Field(ge=1_000), Env("KAFKA_SESSION_TIMEOUT_MS")] = 6_000
    worker: Annotated[str | None, Env("KAFKA_WORKER")] = None
    state_folder: Annotated[Path, Env("KAFKA_STATE_FOLDER")] = Path("state/operators")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.security_protocol.startswith("sasl") and (
            self.sasl_username is None or self.sasl_password is None
        ):
            raise ValueError(
                f"{self.security_protocol} needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        if self.ca_location is not None and not self.ca_location.is_file():
            raise ValueError(f"{self.ca_location} is no file: KAFKA_CA_LOCATION names one")
        return self

    @property
    def commit_every_s(self) -> float:
        """Seconds between commits: as set, else what suits the guarantee."""
        if self.commit_interval_s is not None:
            return self.commit_interval_s
        return _COMMIT_INTERVAL_S[self.processing_guarantee]
