"""Workers of two small stages, as processes of their own so that they can be killed.

Run as a script, this file is such a worker.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from marketstream.errors import BadMessage
from marketstream.messages import Candle, DeadLetter, Features, Message, Quote, Trade, Trades
from marketstream.metrics import Metrics
from marketstream.runners.in_process import InProcessRunner
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.tap import KafkaTap
from marketstream.stage import Stage
from marketstream.topics import DEAD_LETTERS, Topic

START_US = 1_700_000_000_000_000
MARKETS = [f"binance:{base}/USDT" for base in ("BTC", "ETH", "SOL", "XRP", "ADA")]


class Tally:
    """Counts all trades of a market: what is folded twice, or never, shows in all that follows."""

    def __init__(self, market: str, padding: int) -> None:
        self._market = market
        self._padding = bytes(padding)
        self._count = 0
        self._volume = 0.0

    def update(self, message: Trades) -> list[Candle]:
        if any(trade.price == 13 for trade in message.trades):
            raise BadMessage("a price is 13")
        self._count += len(message.trades)
        if any(trade.price == 17 for trade in message.trades):
            raise OverflowError("a price is 17")
        self._volume += sum(trade.quantity for trade in message.trades)
        end = message.seen_until_us // 1_000
        return [
            Candle(self._market, "1s", end - 1_000, end, 1.0, 1.0, 1.0, 1.0, self._volume, 0.0,
                   self._count, 0.0, 0.0)
        ]  # fmt: skip

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode((self._count, self._volume, self._padding))

    def restore(self, snapshot: bytes) -> None:
        self._count, self._volume, self._padding = msgspec.msgpack.decode(
            snapshot, type=tuple[int, float, bytes]
        )


class Echo:
    """Says of each candle what it had seen, and how many candles that makes."""

    def __init__(self, market: str) -> None:
        self._market = market
        self._seen = 0

    def update(self, message: Candle) -> list[Features]:
        self._seen += 1
        values: dict[str, float | None] = {
            "seen": float(self._seen),
            "count": float(message.trade_count),
        }
        return [
            Features(self._market, "1s", message.close_time_ms, values, None, None, 1.0, "test")
        ]

    def snapshot(self) -> bytes:
        return str(self._seen).encode()

    def restore(self, snapshot: bytes) -> None:
        self._seen = int(snapshot)


class Chain:
    """Two stages on topics of their own."""

    def __init__(self, name: str, padding: int = 0) -> None:
        self.trades = Topic(f"trades-{name}", Trades)
        self.candles = Topic(f"candles-{name}", Candle)
        self.features = Topic(f"features-{name}", Features)
        self.stages = {
            "tally": Stage(
                f"tally-{name}", (self.trades,), (self.candles,), lambda m: Tally(m, padding)
            ),
            "echo": Stage(f"echo-{name}", (self.candles,), (self.features,), Echo),
        }


def work(stage: str, name: str, padding: str, settings: str) -> None:
    """Be a worker: its log has a line for each market read of and each commit, then its metrics."""
    chain = Chain(name, int(padding))
    metrics = Metrics(CollectorRegistry())
    saves = metrics.state_bytes.labels
    metrics.state_bytes.labels = lambda *labels: (sys.stdout.write("commit\n"), saves(*labels))[1]  # type: ignore[method-assign]
    runner = KafkaRunner(chain.stages[stage], KafkaSettings.model_validate_json(settings), metrics)
    runner.tap(chain.stages[stage].reads[0], lambda m, _ns: sys.stdout.write(f"{m.market}\n"))
    runner.run()
    sys.stdout.write(metrics.render().decode())


class Worker:
    def __init__(self, stage: str, name: str, settings: KafkaSettings, padding: int, log: Path):
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, __file__, stage, name, str(padding), settings.model_dump_json()],
                stdout=out,
                stderr=out,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def seen(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line in MARKETS]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


class Bench:
    """A chain on the broker, its workers, and what came out of it so far."""

    def __init__(self, name: str, settings: KafkaSettings, folder: Path, padding: int = 0) -> None:
        self.name, self.settings, self.folder, self.padding = name, settings, folder, padding
        self.chain = Chain(name, padding)
        self.workers: list[Worker] = []
        self.heard: list[tuple[Any, int]] = []
        listened = [self.chain.candles, self.chain.features, DEAD_LETTERS]
        with ThreadPoolExecutor() as pool:  # Quix takes a second for each topic it makes
            for topic in (self.chain.trades, *listened):
                pool.submit(open_topic, connect(settings, "setup"), topic, settings)
        self.tap = KafkaTap(settings, listened, lambda m, ns: self.heard.append((m, ns)))
        self.publisher = KafkaPublisher(
            settings, Metrics(CollectorRegistry()), (self.chain.trades,)
        )

    def start(self, stage: str, folder: str = "state") -> Worker:
        log = self.folder / f"{stage}-{len(self.workers)}.log"
        settings = self.settings.model_copy(update={"state_folder": self.folder / folder})
        worker = Worker(stage, self.name, settings, self.padding, log)
        self.workers.append(worker)
        return worker

    def publish(self, messages: list[Trades]) -> None:
        for number, message in enumerate(messages, 1):
            self.publisher.publish(message, number)
        self.publisher.flush()

    def of(self, kind: type) -> list[Any]:
        return [message for message, _ in list(self.heard) if type(message) is kind]

    def distinct(self) -> int:
        return len({candle.identity for candle in self.of(Candle)})

    def dead(self) -> list[DeadLetter]:
        return [m for m in self.of(DeadLetter) if m.source.startswith(self.chain.trades.name)]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            ended = self.workers[-1].process.poll() is not None
            if ended or time.monotonic() > deadline:
                logs = [worker.log.read_text()[-2_000:] for worker in self.workers]
                raise AssertionError(f"{len(self.heard)} heard; {logs}")
            threading.Event().wait(0.02)


@contextmanager
def running(bench: Bench) -> Iterator[Bench]:
    listener = threading.Thread(target=bench.tap.run)
    listener.start()
    try:
        yield bench
    finally:
        bench.tap.stop()
        listener.join()
        for worker in bench.workers:
            with suppress(ProcessLookupError):
                worker.kill()


def recording(seed: int, messages: int) -> list[Trades]:
    chance = random.Random(seed)
    ids = dict.fromkeys(MARKETS, 0)
    made = []
    for number in range(messages):
        market = chance.choice(MARKETS)
        trades = []
        for _ in range(chance.randrange(4)):
            ids[market] += 1
            taker = chance.choice(("buy", "sell"))
            quantity = chance.randrange(1, 64) / 8
            trades.append(Trade(ids[market], 100.0, quantity, taker, START_US + number))
        quote = Quote(1, 1, 2, 1, START_US + number)
        made.append(Trades(market, tuple(trades), quote, START_US + number * 1_000_000))
    return made


def in_one_process(chain: Chain, messages: list[Trades], kind: Topic) -> dict[str, list[Any]]:
    runner = InProcessRunner(list(chain.stages.values()))
    passed: list[Any] = []
    runner.tap(kind, lambda message, _ns: passed.append(message))
    for message in messages:
        runner.publish(message)
    return by_market(passed)


def by_market(messages: list[Any]) -> dict[str, list[Any]]:
    return {
        market: [message for message in messages if message.market == market] for market in MARKETS
    }


def without_repeats(messages: list[Any]) -> list[Any]:
    """Keep the first of each identity; a repeat has to say the same."""
    kept: dict[Any, Message] = {}
    for message in messages:
        assert kept.setdefault(message.identity, message) == message
    return list(kept.values())


if __name__ == "__main__":
    work(*sys.argv[1:])
