"""What alerting remembers over a restart: what was told, and what is still to be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import msgspec
from loguru import logger

from marketstream.evidence import Finding
from marketstream.messages import Gap, Stall
from storekeeper.alerts.alert import Alert

_FILE = "alerts.json"
_MOST = 10_000


class Memory(msgspec.Struct):
    """When what was last told, by kind, market and subject; verdicts by market and horizon.

    `waiting` has the alerts for each address by its name, `gaps` and `stalls` what was told and is
    not over, `drifts` the moments of those that were told by market. Of what was lost before
    alerts began, at `began_ms`, nothing is told.
    """

    began_ms: int = 0
    gaps: list[Gap] = []
    stalls: list[Stall] = []

    told_ms: dict[str, int] = {}
    verdicts: dict[str, dict[int, Finding]] = {}
    drifts: dict[str, int] = {}
    waiting: dict[str, list[Alert]] = {}

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return what a folder remembers; nothing where it holds nothing, or what is damaged."""
        path = folder / _FILE
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls()
        except (OSError, msgspec.MsgspecError) as error:
            logger.warning("Which alerts were told is not known", file=str(path), reason=str(error))
            return cls()

    def write(self, folder: Path) -> None:
        """Keep it, whole or not at all; where that cannot be done, say so."""
        while len(self.told_ms) > _MOST:
            del self.told_ms[next(iter(self.told_ms))]
        path = folder / _FILE
        written = path.with_suffix(".new")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            written.write_bytes(msgspec.json.encode(self))
            written.replace(path)
        except OSError as error:
            logger.warning("Alerts are not remembered", file=str(path), reason=str(error))

    def forget(self, what: str) -> None:
        """Let something be told again at once."""
        self.told_ms.pop(what, None)

    def may_tell(self, what: str, now_ms: int, quiet_ms: int) -> bool:
        """Say whether something was not told of late, and note that it is told now."""
        told_ms = self.told_ms.get(what)
        if told_ms is not None and told_ms <= now_ms < told_ms + quiet_ms:
            return False
        self.told_ms.pop(what, None)
        self.told_ms[what] = now_ms
        return True
