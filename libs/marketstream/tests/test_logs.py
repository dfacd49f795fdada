from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from loguru import logger
from pydantic import SecretStr

from marketstream.errors import SettingsError
from marketstream.logs import configure_logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logger.remove()
    logger.configure(extra={})
    logger.add(sys.stderr)


def json_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_keyword_becomes_a_field_of_a_json_line() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    logger.info("Processing trade", symbol="BTC/USDT", price=50000.0)
    [line] = json_lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "message": "Processing trade",
        "symbol": "BTC/USDT",
        "price": 50000.0,
    }


def test_service_is_on_every_line() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream, service="trades")
    logger.info("one")
    logging.getLogger("uvicorn").warning("two")
    assert [line["service"] for line in json_lines(stream)] == ["trades", "trades"]


def test_keyword_named_like_a_field_of_the_line_does_not_replace_it() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    logger.info("hello", level=7, time="now")
    [line] = json_lines(stream)
    assert (line["level"], line["level_"], line["time_"]) == ("INFO", 7, "now")


def test_values_that_are_no_json_are_written_as_text() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    logger.info("odd", path=pytest, number=float("nan"), secret=SecretStr("hunter2"), text='a"\n')
    [line] = json_lines(stream)
    assert line["path"].startswith("<module 'pytest'")
    assert line["number"] is None
    assert line["secret"] == "**********"
    assert line["text"] == 'a"\n'


def test_exception_is_a_field_of_its_line() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    try:
        raise ValueError("bad price -1")
    except ValueError:
        logger.exception("Dead letter", source="binance")
    [line] = json_lines(stream)
    assert line["source"] == "binance"
    assert line["exception"].endswith("ValueError: bad price -1")


def test_terminal_gets_words_and_colours() -> None:
    stream = Terminal()
    configure_logs(stream=stream, service="trades")
    logger.info("Processing trade", symbol="BTC/USDT", price=50000.0, odd="<red>{x}")
    line = stream.getvalue()
    assert "\x1b[" in line
    plain = "".join(part.split("m", 1)[-1] for part in line.split("\x1b["))
    assert plain.endswith(
        " INFO     Processing trade service=trades symbol=BTC/USDT price=50000.0 odd=<red>{x}\n"
    )


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    configure_logs(stream=stream)
    logger.info("plain", price=1)
    assert stream.getvalue().endswith(" INFO     plain price=1\n")
    assert "\x1b[" not in stream.getvalue()


@pytest.mark.parametrize("make_stream", [io.StringIO, Terminal])
def test_password_in_a_url_is_never_written(make_stream: type[io.StringIO]) -> None:
    stream = make_stream()
    configure_logs(stream=stream)
    url = "postgresql://admin:hunter2@db/x"
    logger.info("Connecting to " + url, url=url)
    logging.getLogger("sqlalchemy").warning("no answer from %s", url)
    try:
        secret = url
        raise ConnectionError(f"no answer from {secret}")
    except ConnectionError:
        logger.exception("Failed")
    written = stream.getvalue()
    assert "hunter2" not in written
    assert written.count("postgresql://admin:***@db/x") >= 4


def test_secret_in_a_variable_is_not_written_with_a_traceback() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    password = "hunter2"
    try:
        raise ValueError(len(password))
    except ValueError:
        logger.exception("Failed")
    assert "hunter2" not in stream.getvalue()


def test_standard_logging_is_routed_with_its_level_name_and_exception() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    logging.getLogger("some.server").info("Started %s {braces}", "server")
    try:
        raise OSError("gone")
    except OSError:
        logging.getLogger("aiohttp.client").exception("lost")
    started, lost = json_lines(stream)
    assert started["message"] == "Started server {braces}"
    assert (started["level"], started["logger"]) == ("INFO", "some.server")
    assert (lost["level"], lost["logger"]) == ("ERROR", "aiohttp.client")
    assert lost["exception"].endswith("OSError: gone")


def test_level_of_the_standard_logging_without_a_name_is_kept() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    logging.getLogger("uvicorn").log(33, "between")
    logging.getLogger("uvicorn").log(5, "too fine")
    assert [line["message"] for line in json_lines(stream)] == ["between"]


def test_level_holds_for_both_kinds_of_logging() -> None:
    stream = io.StringIO()
    configure_logs(level="warning", stream=stream)
    logger.info("quiet")
    logging.getLogger("aiohttp").info("quiet")
    logging.getLogger("aiohttp").warning("loud")
    logger.warning("loud")
    assert [line["message"] for line in json_lines(stream)] == ["loud", "loud"]


def test_configuring_again_replaces_what_was() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logs(stream=first, service="trades")
    configure_logs(stream=second)
    logger.info("once")
    assert first.getvalue() == ""
    assert [line["message"] for line in json_lines(second)] == ["once"]
    assert "service" not in json_lines(second)[0]


def test_unknown_level_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="'LOUD' is not a log level: use one of TRACE, DEBUG"):
        configure_logs(level="loud")


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    logger.info("here")
    captured = capsys.readouterr()
    assert json.loads(captured.err)["message"] == "here"
    assert captured.out == ""
