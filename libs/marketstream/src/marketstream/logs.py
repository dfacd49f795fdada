"""Structured logs through Loguru: for people on a terminal, as JSON lines everywhere else.

    logger.info("Processing trade", symbol="BTC/USDT", price=50000.0)

Every keyword becomes a field. Passwords in URLs are never written.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC
from typing import TYPE_CHECKING, TextIO

import msgspec
from loguru import logger

from marketstream.errors import SettingsError
from marketstream.redaction import hide_passwords

if TYPE_CHECKING:
    from loguru import Message, Record

LEVELS = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")
_OWN_FIELDS = ("time", "level", "message", "exception")


def configure_logs(
    *, level: str = "INFO", stream: TextIO | None = None, service: str | None = None
) -> None:
    """Send the logs of this process, also those of the standard `logging`, to `stream` (stderr).

    `service` is written with every line. Whoever starts uvicorn gives it `log_config=None`, since
    it would set up its own logs otherwise. Raises SettingsError for a level that does not exist.
    """
    stream = sys.stderr if stream is None else stream
    level = level.upper()
    if level not in LEVELS:
        raise SettingsError(f"{level!r} is not a log level: use one of {', '.join(LEVELS)}")
    on_terminal = stream.isatty()

    def write(message: Message) -> None:
        line = str(message) if on_terminal else _json_line(message)
        stream.write(hide_passwords(line))
        stream.flush()

    logger.remove()
    logger.configure(extra={} if service is None else {"service": service})
    logger.add(
        write,
        level=level,
        format=_human_format if on_terminal else "",
        colorize=on_terminal and "NO_COLOR" not in os.environ,
        backtrace=False,
        diagnose=False,  # it prints the values of variables, secrets among them
    )
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.NOTSET, force=True)
    for talkative in ("alembic", "matplotlib"):  # they say on each start what they could do
        logging.getLogger(talkative).setLevel(logging.WARNING)
    for chatty in (
        "asyncio",
        "matplotlib",
        "picows",
        "uvicorn",
    ):  # each connection and start, to the letter
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _ToLoguru(logging.Handler):
    """Hands records of the standard library's logging to Loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        known = record.levelname in LEVELS
        logger.bind(logger=record.name).opt(exception=record.exc_info).log(
            record.levelname if known else record.levelno, record.getMessage()
        )


def _human_format(record: Record) -> str:
    # Names only: Loguru keeps the parsed format, and puts the values in itself.
    fields = "".join(f" <dim>{name}=</dim>{{extra[{name}]}}" for name in record["extra"])
    return (
        "<green>{time:HH:mm:ss.SSS}</green> <level>{level: <8}</level> {message}"
        + fields
        + "\n{exception}"
    )


def _json_line(message: Message) -> str:
    record = message.record
    fields: dict[str, object] = {
        "time": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "message": record["message"],
    }
    for name, value in record["extra"].items():
        fields[f"{name}_" if name in _OWN_FIELDS else name] = value
    if exception := str(message).strip():
        fields["exception"] = exception
    return msgspec.json.encode(fields, enc_hook=str).decode() + "\n"
