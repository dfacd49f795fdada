"""Which features there are: the configured indicators and spans, and a version that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator

from marketstream.errors import SettingsError
from marketstream.timeframes import duration_ms, timeframe_ms
from technical_indicators.base_definition import TooShortError
from technical_indicators.base_indicator import BaseIndicator
from technical_indicators.beside import Beside
from technical_indicators.catalogue import indicator
from technical_indicators.leader_indicator import LeaderIndicator
from technical_indicators.microstructure import names_of
from technical_indicators.port import Indicator
from technical_indicators.settling import candles_to_settle
from technical_indicators.talib_indicator import TalibIndicator

type Entry = str | dict[str, dict[str, int | float]]

DEFAULT_INDICATORS: tuple[Entry, ...] = (
    {"RSI": {"timeperiod": 14}},
    "MACD",
    "BBANDS",
    {"EMA": {"timeperiod": 20}},
    {"EMA": {"timeperiod": 50}},
    {"SMA": {"timeperiod": 20}},
    {"SMA": {"timeperiod": 50}},
    {"WMA": {"timeperiod": 20}},
    {"ADX": {"timeperiod": 14}},
    {"PLUS_DI": {"timeperiod": 14}},
    {"MINUS_DI": {"timeperiod": 14}},
    {"CCI": {"timeperiod": 14}},
    "STOCH",
    "STOCHRSI",
    {"ATR": {"timeperiod": 14}},
    {"NATR": {"timeperiod": 14}},
    {"ROC": {"timeperiod": 10}},
    {"MOM": {"timeperiod": 10}},
    {"WILLR": {"timeperiod": 14}},
    {"MFI": {"timeperiod": 14}},
    {"CMO": {"timeperiod": 14}},
    "AROON",
    "ULTOSC",
    {"LINEARREG_SLOPE": {"timeperiod": 14}},
)


class FeatureSettings(BaseModel):
    """What `config.yaml` of this service holds.

    `spans` that are no multiple of the finest candles are an error; where the finest candles are as
    long as the timeframe decided on, the spans count those. `beside` are indicators of candles of
    other timeframes. A window of what was published is computed anew every `shadow_every_s`, 0 for
    never.
    """

    model_config = ConfigDict(extra="forbid")

    indicators: list[Entry] = Field(default_factory=lambda: list(DEFAULT_INDICATORS))
    spans: list[str] = ["250ms", "500ms", "1s", "2s", "5s", "10s"]
    beside: dict[str, list[Entry]] = {}
    shadow_every_s: Annotated[float, Field(ge=0)] = 15.0

    @field_validator("beside")
    @classmethod
    def _known_timeframes(cls, beside: dict[str, list[Entry]]) -> dict[str, list[Entry]]:
        for timeframe in beside:
            try:
                timeframe_ms(timeframe)
            except SettingsError as error:
                raise ValueError(str(error)) from error
        return beside


class FeatureSet:
    """The features of one timeframe decided on, with the base candles they look into.

    Those over spans shorter than a base candle cannot be seen and are left out.
    `indicators` are those of candles of the timeframe, `of_base` those of base candles,
    `beside` those of candles of other timeframes, `of_leaders` those of other markets of the group;
    `configured` are the names of the features of each entry of `indicators`, in order. Other
    `groups` make another set where there are features of leaders.
    """

    def __init__(
        self,
        timeframe: str,
        base: str,
        settings: FeatureSettings,
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.timeframe = timeframe
        self.base = base
        self.spans = _spans(settings.spans, base)
        entries = [_indicator(entry, base) for entry in settings.indicators]
        made = [each for each in entries if each is not None]
        self.of_base = [each for each in made if isinstance(each, BaseIndicator)]
        self.of_leaders = [each for each in made if isinstance(each, LeaderIndicator)]
        self.indicators: list[Indicator] = [
            each for each in made if not isinstance(each, BaseIndicator | LeaderIndicator)
        ]
        _check_spelt_once((timeframe, base, *settings.beside))
        self.beside = [_beside(each, some, base) for each, some in settings.beside.items() if some]
        self.configured = [() if each is None else each.names for each in entries]
        others = [each for one in self.beside for each in one.indicators]
        digests = [each.digest for each in (*made, *others) if each.digest]
        self.names = (
            *(name for each in self.indicators for name in each.names),
            *names_of(self.spans),
            *(name for each in self.of_base for name in each.names),
            *(name for each in self.beside for name in each.names),
            *self.leader_names,
        )
        repeated = {name for name in self.names if self.names.count(name) > 1}
        if repeated:
            raise SettingsError(f"indicators: {min(repeated)} is there twice: leave one out")
        whose = sorted(map(tuple, (groups or {}).values())) if self.of_leaders else []
        self.version = _version(timeframe, base, self.names, *digests, *whose)

    @property
    def others(self) -> list[str]:
        """The timeframes of `beside` of which there are neither base candles nor decided ones."""
        names = (each.timeframe for each in self.beside)
        return [name for name in names if name not in (self.timeframe, self.base)]

    @property
    def leader_names(self) -> tuple[str, ...]:
        """The names of the features of leaders, the last ones of all."""
        return tuple(name for each in self.of_leaders for name in each.names)

    @property
    def leader_candles(self) -> int:
        """How many base candles the features of leaders look back on, 0 where there are none."""
        return max((each.settles for each in self.of_leaders), default=0)

    @property
    def of_prices(self) -> tuple[str, ...]:
        """The features that TA-Lib makes of candles: of sums that round as their prices do."""
        there = [
            ("", self.indicators),
            *((f"_{one.timeframe}", one.indicators) for one in self.beside),
        ]
        return tuple(
            f"{name}{suffix}"
            for suffix, indicators in there
            for each in indicators
            if isinstance(each, TalibIndicator)
            for name in each.names
        )

    @property
    def leaders(self) -> int:
        """How many other markets each market looks at."""
        return max((each.number + 1 for each in self.of_leaders), default=0)

    def candles_needed(self) -> int:
        """Return how many candles restore every indicator to within 1e-9 of its full history."""
        return candles_to_settle(self.indicators)

    def settled_after(self) -> int:
        """Return after how many candles no feature depends on where the series began, to 1e-9.

        It may be more than are needed to restore one: sums that fade slowly are in a snapshot.
        """
        reach_ms = max((each.reach_ms for each in self.beside), default=0)
        return max(self.looked_back_on(), ceil(reach_ms / timeframe_ms(self.timeframe)))

    def looked_back_on(self) -> int:
        """Return the same of features that read these candles or base candles, no others."""
        of_base = max((each.settles for each in self.of_base), default=0)
        settles_ms = max(of_base, self.leader_candles) * timeframe_ms(self.base)
        own = (each for each in self.beside if each.timeframe not in self.others)
        reach_ms = max(settles_ms, *(each.reach_ms for each in own), 0)
        return max(self.candles_needed(), ceil(reach_ms / timeframe_ms(self.timeframe)))


def _check_spelt_once(timeframes: Iterable[str]) -> None:
    """Raise SettingsError where two names are of one length, since candles go by their name."""
    names: dict[int, str] = {}
    for name in timeframes:
        known = names.setdefault(timeframe_ms(name), name)
        if known != name:
            raise SettingsError(f"beside: {name} is as long as {known}: write {known}")


def _beside(timeframe: str, entries: Sequence[Entry], base: str) -> Beside:
    """Return the indicators of candles of another timeframe; SettingsError where one has none."""
    found: list[Indicator] = []
    for entry in entries:
        made = _indicator(entry, base)
        if made is None or isinstance(made, BaseIndicator | LeaderIndicator):
            raise SettingsError(
                f"beside: {entry} is not of candles of {timeframe}, but of the finest that there "
                "are: name it under indicators, with its span"
            )
        found.append(made)
    return Beside(timeframe, found)


def _indicator(entry: Entry, base: str) -> BaseIndicator | LeaderIndicator | Indicator | None:
    """Return what an entry names; None of one that looks into less than a base candle."""
    if isinstance(entry, str):
        entry = {entry: {}}
    if len(entry) != 1:
        raise SettingsError(f"indicators: {entry} has to name one function, like RSI: {{…}}")
    [(function, parameters)] = entry.items()
    try:
        return indicator(function, parameters, base)
    except TooShortError:
        return None


def _spans(spans: Sequence[str], base: str) -> list[str]:
    """Return the spans; those shorter than a base candle cannot be seen and are left out."""
    base_ms = timeframe_ms(base)
    visible = [span for span in spans if duration_ms(span) >= base_ms]
    for span in visible:
        if duration_ms(span) % base_ms:
            raise SettingsError(
                f"spans: {span} is no whole number of the finest candles ({base}): "
                "choose a multiple, or a finer timeframe"
            )
    return visible or [f"{count * base_ms // 1000}s" for count in (1, 5, 15)]


def _version(*parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:12]
