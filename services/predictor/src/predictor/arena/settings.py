"""What `arena` in the predictor's `config.yaml` holds: models from outside, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

type Way = Literal["python", "onnx", "url"]

_PORTS = range(1, 65_536)


class ArenaModelSettings(BaseModel):
    """Where a model is from: exactly one of `python`, `onnx` and `url`.

    `python` is an entry point of the group `realtime.models`, or `module:attribute`; `onnx` a file;
    `url` an endpoint, which answers within `deadline_ms` and is sent what the environment variable
    `authorization_env` holds as the Authorization header. It takes part at `horizons`, numbers of
    timeframes, at all where there are none. `features` are what it reads, in its order: by default
    what the file says, or all that models use. `version` is what its predictions name it by; a file
    has its hash instead.
    """

    model_config = ConfigDict(extra="forbid")

    python: str | None = Field(default=None, min_length=1)
    onnx: Path | None = None
    url: str | None = None
    deadline_ms: int = Field(default=500, gt=0, le=60_000)
    authorization_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    features: list[str] | None = Field(default=None, min_length=1)
    horizons: list[PositiveInt] = Field(default_factory=list)
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")] = "1"

    @field_validator("url")
    @classmethod
    def _an_endpoint(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an http:// or https:// address with a host is needed")
        if parts.username is not None or parts.password is not None:
            raise ValueError("no user or password in it: put them into authorization_env")
        if parts.port is not None and parts.port not in _PORTS:
            raise ValueError("its port has to be from 1 to 65535")
        return url

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [way for way in (self.python, self.onnx, self.url) if way is not None]
        if len(ways) != 1:
            raise ValueError(f"exactly one of python, onnx and url is needed, not {len(ways)}")
        if self.authorization_env is not None and self.url is None:
            raise ValueError("authorization_env is for a url")
        return self

    @property
    def way(self) -> Way:
        """How it is asked."""
        if self.python is not None:
            return "python"
        return "onnx" if self.onnx is not None else "url"

    @property
    def where(self) -> str:
        """Where it is: an entry point, a file or a URL without its query, which may hold a key."""
        if self.url is not None:
            return urlsplit(self.url)._replace(query="", fragment="").geturl()
        return str(self.python if self.onnx is None else self.onnx)
