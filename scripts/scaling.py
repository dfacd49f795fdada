"""What a load needs, computed from what was measured: the tables of docs/scaling.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from manifest import SERVICES

_DAY_S = 86_400
_MARKET_TRADES_S = 10  # at which the CPU of a market was measured


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, and where it stands: `said` is what that page of docs/ says of it."""

    value: float
    page: str
    said: str


@dataclass(frozen=True, slots=True)
class Load:
    """What comes from an exchange."""

    markets: int
    trades_s: float
    quotes_s: float


BINANCE = Load(markets=1_500, trades_s=100_000, quotes_s=200_000)
THOUSANDFOLD = Load(markets=1_500_000, trades_s=100_000_000, quotes_s=200_000_000)

USE = 0.6
"""How busy a core may be: our choice, so that a peak or a worker that is gone fits."""

REPLICAS = 3
APIS = 2  # of each cell, so that one can go

MARKET_CORES = {  # at ten trades a second
    "trades": Figure(0.006, "operations.md", "| trades | 0.6 % of a core |"),
    "candles": Figure(0.007, "operations.md", "| candles | 0.7 % |"),
    "technical_indicators": Figure(0.003, "operations.md", "| technical_indicators | 0.3 % |"),
    "predictor": Figure(0.003, "operations.md", "| predictor | 0.3 % |"),
}
EVENT_CORES = {  # of each trade a second beyond these, and for trades each quote
    "trades": Figure(0.16 / 10_000, "performance.md", "trades 0.16, candles 0.12"),
    "candles": Figure(0.12 / 10_000, "performance.md", "trades 0.16, candles 0.12"),
}
BROKER_CORES = Figure(0.31 / 10_000, "performance.md", "broker 0.31")
BROKER_SIZE = 8  # cores

FIRST_MB = {  # of a worker, before its markets
    "trades": Figure(143, "operations.md", "| 121 MB | 143 MB |"),
    "candles": Figure(132, "operations.md", "| 132 MB | 179 MB |"),
    "technical_indicators": Figure(215, "operations.md", "| 215 MB | 347 MB |"),
    "predictor": Figure(386, "operations.md", "386 MB while training"),
}
MARKET_MB = {
    "trades": Figure(0.04, "performance.md", "184 MiB at most"),  # (184 - 143) / 1,000
    "candles": Figure((179 - 132) / 18, "operations.md", "| 132 MB | 179 MB |"),
    "technical_indicators": Figure((347 - 215) / 18, "operations.md", "| 215 MB | 347 MB |"),
    "predictor": Figure((341 - 303) / 18, "operations.md", "with 20"),
}
API_MARKET_CORES = Figure((0.45 - 0.20) / 400, "scaling.md", "0.20, 0.30 and 0.45 of a core")
API_FIRST_CORES = Figure(0.14, "scaling.md", "0.20, 0.30 and 0.45 of a core")
API_MARKET_MB = Figure(8.5, "scaling.md", "8.5 MB and a second a market")
PACKING_S = Figure(0.7, "operations.md", "a stretch in 0.2 to 0.7 s")  # of 600 closes
STRETCH_S = 600

TRADE_BYTES = Figure(174, "operations.md", "| topic `trades` | 174 a trade;")
TOPIC_MB_A_DAY = {
    "candles": Figure(124, "operations.md", "| topic `candles` | 287 | 124 MB | 7 d |"),
    "technical_indicators": Figure(154, "operations.md", "| 357 | 154 MB | 1 d |"),
    "predictions": Figure(403, "operations.md", "| 1,165 | 403 MB | 7 d |"),
    "outcomes": Figure(102, "operations.md", "| 296 | 102 MB | 7 d |"),
}
KEPT_DAYS = {
    "trades": 0.25,
    "candles": 7,
    "technical_indicators": 1,
    "predictions": 7,
    "outcomes": 7,
}
STORE_MB_A_DAY = Figure(65 + 18, "operations.md", "| table `packed` | 752 a close | 65 MB |")
STORE_MB_KEPT = Figure(1_400, "operations.md", "1.4 GB in PostgreSQL or SQLite")
STORE_ROWS_A_DAY = Figure(432_000 + 86_400 + 2 * 345_600, "operations.md", "86,400 vectors")
FRAME_BYTES = Figure(205, "scaling.md", "205 bytes")
PAGE_WEIGHT, PAGE_TRADES, WEIGHT_A_MINUTE = 4, 1_000, 6_000  # Binance's, of aggTrades


def cores(load: Load) -> dict[str, float]:
    """Return how many cores are at work in each service that markets are shared out in."""
    beyond = max(0.0, load.trades_s - _MARKET_TRADES_S * load.markets)
    events = {"trades": beyond + load.quotes_s, "candles": beyond}
    return {
        name: load.markets * market.value
        + (events[name] * EVENT_CORES[name].value if name in events else 0.0)
        for name, market in MARKET_CORES.items()
    }


def workers(load: Load) -> dict[str, int]:
    """Return how many processes of each service there have to be."""
    return {name: ceil(busy / USE) for name, busy in cores(load).items()}


def partitions(load: Load) -> int:
    """Return twice the workers of the stage that has most; trades reads no topic."""
    return 2 * max(count for name, count in workers(load).items() if name != "trades")


def most_markets() -> dict[str, int]:
    """Return how many markets what is one process can have, by what it ends at."""
    return {
        "API, a core": int((USE - API_FIRST_CORES.value) / API_MARKET_CORES.value),
        "storekeeper, packing": int(USE * STRETCH_S / PACKING_S.value),
    }


def cells(load: Load) -> int:
    """Return into how many systems the markets have to be divided, each with a store and APIs."""
    return ceil(load.markets / min(most_markets().values()))


def memory_gb(load: Load) -> float:
    """Return what all processes of the services need, brokers and databases apart."""
    counts = workers(load)
    shared = sum(
        counts[name] * FIRST_MB[name].value + load.markets * MARKET_MB[name].value
        for name in counts
    )
    return (shared + APIS * load.markets * API_MARKET_MB.value) / 1_000


def topics_mb_a_day(load: Load) -> dict[str, float]:
    """Return what comes to each topic in a day as busy as this, once."""
    found = {"trades": load.trades_s * TRADE_BYTES.value * _DAY_S / 1e6}
    return found | {name: load.markets * each.value for name, each in TOPIC_MB_A_DAY.items()}


def kafka_kept_gb(load: Load) -> float:
    """Return what brokers have on their disks, with all replicas."""
    days = topics_mb_a_day(load).items()
    return REPLICAS * sum(mb * KEPT_DAYS[topic] for topic, mb in days) / 1_000


def brokers(load: Load) -> int:
    """Return how many brokers of eight cores; followers are taken to work as hard as leaders."""
    messages_s = load.trades_s + load.markets * STORE_ROWS_A_DAY.value / _DAY_S
    return max(REPLICAS, ceil(REPLICAS * messages_s * BROKER_CORES.value / USE / BROKER_SIZE))


def network_mb_s(load: Load) -> dict[str, float]:
    """Return what goes over the network in a second: from the exchange, to brokers, and from."""
    days = topics_mb_a_day(load)
    reading = {
        topic: sum(APIS if each.api else 1 for each in SERVICES if topic in each.reads)
        for topic in days
    }
    return {
        "from the exchange": (load.trades_s + load.quotes_s) * FRAME_BYTES.value / 1e6,
        "to brokers and between them": REPLICAS * sum(days.values()) / _DAY_S,
        "from brokers": sum(mb * reading[topic] for topic, mb in days.items()) / _DAY_S,
    }


def start_minutes(load: Load, history_minutes: float) -> float:
    """Return how long one address may take to read the past by Binance's limit of weight."""
    pages = load.trades_s * 60 * history_minutes / PAGE_TRADES
    return pages * PAGE_WEIGHT / WEIGHT_A_MINUTE


type Row = tuple[str, Callable[[Load], str]]


def _rows() -> list[Row]:
    rows: list[Row] = [
        ("markets", lambda load: f"{load.markets:,}"),
        ("trades/s; quotes/s", lambda load: f"{load.trades_s:,.0f}; {load.quotes_s:,.0f}"),
        ("systems side by side ([cells](#cells))", lambda load: f"{cells(load):,}"),
    ]
    rows += [(f"{name}: cores; processes", _of(name)) for name in MARKET_CORES]
    return [
        *rows,
        ("prediction-api: processes", lambda load: f"{APIS * cells(load):,}"),
        ("storekeeper: processes; databases", lambda load: f"{cells(load):,}; {cells(load):,}"),
        ("partitions of a topic, all cells", lambda load: f"{partitions(load):,}"),
        (f"brokers of {BROKER_SIZE} cores", lambda load: f"{brokers(load):,}"),
        ("memory of the services", lambda load: _size(memory_gb(load))),
        *[(f"network {name}", _network(name)) for name in network_mb_s(BINANCE)],
        (
            "Kafka: a day, once; kept, three replicas",
            lambda load: (
                f"{_size(sum(topics_mb_a_day(load).values()) / 1_000)}; "
                f"{_size(kafka_kept_gb(load))}"
            ),
        ),
        ("rows stored", lambda load: f"{load.markets * STORE_ROWS_A_DAY.value / _DAY_S:,.0f}/s"),
        (
            "PostgreSQL: a day; kept",
            lambda load: (
                f"{_size(load.markets * STORE_MB_A_DAY.value / 1_000)}; "
                f"{_size(load.markets * STORE_MB_KEPT.value / 1_000)}"
            ),
        ),
        (
            "reading an hour's past from one address",
            lambda load: f"{start_minutes(load, 60) / 60:,.0f} h",
        ),
    ]


def _of(name: str) -> Callable[[Load], str]:
    return lambda load: f"{cores(load)[name]:,.1f}; {workers(load)[name]:,}"


def _network(name: str) -> Callable[[Load], str]:
    return lambda load: f"{_size(network_mb_s(load)[name] / 1_000)}/s"


def _size(gb: float) -> str:
    for unit, of in (("PB", 1e6), ("TB", 1e3), ("GB", 1.0)):
        if gb >= of:
            return f"{gb / of:,.1f} {unit}"
    return f"{gb * 1_000:,.0f} MB"


def needs() -> str:
    """Return what both loads need, as a table."""
    rows = ["| | Binance spot at its peak | a thousand times that |", "|---|---|---|"]
    return "\n".join(
        [*rows, *(f"| {name} | {of(BINANCE)} | {of(THOUSANDFOLD)} |" for name, of in _rows())]
    )
