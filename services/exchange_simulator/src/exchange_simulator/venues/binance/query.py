"""The parameters of a REST request, and the errors that Binance answers bad ones with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from aiohttp import web

from exchange_simulator.serving.limits import Refusal
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.port import RefusedError
from exchanges.binance import wire

_DEFAULT_ROWS = 500
_MICROSECONDS_FROM = 10**14  # Binance takes times in either unit; as ms this is the year 5138
_SYMBOL = "^[A-Z0-9-_.]{1,20}$"
_NUMBER = "^[0-9]{1,20}$"


class ApiError(RefusedError):
    """An answer with an error body; the status is 400 unless said otherwise."""

    def __init__(
        self,
        code: int,
        message: str,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        body = json.dumps({"code": code, "msg": message}, separators=(",", ":")).encode()
        super().__init__(status, body, headers)

    @classmethod
    def too_many_requests(cls, limit: int, refusal: Refusal) -> ApiError:
        """Return the error of an address that is over its limit, or banned."""
        if refusal.banned_until_s is None:
            message = (
                f"Too much request weight used; current limit is {limit} request weight per "
                "1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."
            )
        else:
            message = (
                "Way too much request weight used; IP banned until "
                f"{int(refusal.banned_until_s * 1_000)}. "
                "Please use WebSocket Streams for live updates to avoid bans."
            )
        headers = {"Retry-After": str(refusal.retry_after_s)}
        return cls(-1003, message, refusal.status, headers)


class Query:
    """The parameters of one request, checked as they are read; every bad one raises ApiError."""

    def __init__(self, request: web.Request, known: Sequence[str]) -> None:
        self._values = request.query
        names = [name for name, _ in self._values.items()]  # keys() hides a repeated one
        if len(set(names)) < len(names):
            raise ApiError(-1101, "Duplicate values for a parameter detected.")
        read = [name for name in names if name in known]
        if len(read) < len(names):
            raise ApiError(
                -1104,
                "Not all sent parameters were read; "
                f"read '{len(read)}' parameter(s) but was sent '{len(names)}'.",
            )
        for name in names:
            if not self._values[name]:
                raise ApiError(-1105, f"Parameter '{name}' was empty.")
        unit = request.headers.get("X-MBX-TIME-UNIT", "MILLISECOND").upper()
        if unit not in ("MILLISECOND", "MICROSECOND"):
            raise ApiError(
                -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."
            )
        self.microseconds = unit == "MICROSECOND"
        self.unit = 1 if self.microseconds else 1_000

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """Return a parameter that has to be there."""
        if name not in self._values:
            message = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
            raise ApiError(-1102, message)
        return self._values[name]

    def number(self, name: str) -> int | None:
        """Return a whole number, None where it was not sent."""
        if name not in self._values:
            return None
        number = int(_legal(name, self._values[name], _NUMBER))
        if number >= 1 << 63:
            raise ApiError(-1108, f"Parameter '{name}' overflowed.")
        return number

    def limit(self) -> int:
        """Return how many rows are wanted; more than 1000 are cut to that, as Binance does."""
        limit = self.number("limit")
        if limit == 0:
            raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
        return _DEFAULT_ROWS if limit is None else min(limit, wire.MOST_ROWS)

    def time_range(self, now_us: int) -> tuple[int | None, int]:
        """Return start and end in µs, the end exclusive and never after `now_us`."""
        start, end = self.number("startTime"), self.number("endTime")
        end_us = now_us if end is None else min(now_us, _microseconds(end) + _resolution(end))
        return None if start is None else min(_microseconds(start), now_us), end_us

    def market(self, markets: Mapping[str, Market]) -> Market:
        """Return the market of the parameter `symbol`."""
        return _known(_legal("symbol", self.text("symbol"), _SYMBOL), markets)

    def markets(self, markets: Mapping[str, Market]) -> list[Market]:
        """Return the markets of `symbol`, or of the JSON list `symbols`, or all of them."""
        if "symbol" in self and "symbols" in self:
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        if "symbol" in self:
            return [self.market(markets)]
        if "symbols" not in self:
            return list(markets.values())
        legal = r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}")*\]$'
        names: list[str] = json.loads(_legal("symbols", self.text("symbols"), legal))
        return [_known(name, markets) for name in names]


def _legal(name: str, value: str, pattern: str) -> str:
    if not re.fullmatch(pattern, value, re.ASCII):
        raise ApiError(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'."
        )
    return value


def _known(wire_symbol: str, markets: Mapping[str, Market]) -> Market:
    if wire_symbol not in markets:
        raise ApiError(wire.UNKNOWN_SYMBOL, "Invalid symbol.")
    return markets[wire_symbol]


def _microseconds(time: int) -> int:
    return time if time >= _MICROSECONDS_FROM else time * 1_000


def _resolution(time: int) -> int:
    return 1 if time >= _MICROSECONDS_FROM else 1_000
