"""Candles workers on a full topic: how many trades a second one folds, and two of a group."""

from __future__ import annotations

import multiprocessing.connection
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from marketstream.errors import NetworkError, RealtimeError
from marketstream.messages import Candle, Trades
from marketstream.runners.kafka.connection import RECEIVED_NS, connect, open_topic
from marketstream.topics import Topic
from realtime_bench.broker import TOPIC_PREFIX, Broker
from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.load import SYMBOLS
from realtime_bench.seeded_trades import TRADES_PER_MESSAGE, SeededTrades
from realtime_bench.worker import TIMEFRAMES, Worked, Worker

_PARTITIONS = 2
_TRADES_PER_SECOND = 1_000  # of each market
_SECONDS = 200  # of market time: two million trades
_QUICK = 20  # times less
_PATIENCE_S = 120.0
_NS_PER_S = 1_000_000_000

_TRADES = Topic(f"{TOPIC_PREFIX}trades", Trades)
_CANDLES = Topic(f"{TOPIC_PREFIX}candles", Candle)


@dataclass(frozen=True, slots=True)
class Run:
    """One emptying of the topic: trades a second, and who used how many CPU seconds for it."""

    rate: float
    workers_cpu_s: float
    broker_cpu_s: float | None


def bench_workers(broker: Broker, effort: Effort, say: Say) -> Measured:
    """Measure one worker, and two as a multiple of it, in turn: what disturbs one disturbs both.

    A first run is not counted.
    """
    seconds = _SECONDS / (_QUICK if effort.quick else 1)
    say("filling a topic with trades")
    messages = _fill(broker, seconds)
    if not effort.quick:
        say("warming the broker up")  # Java compiles what it is asked often
        _run(broker, f"{TOPIC_PREFIX}warm", 2, messages)
    ones, twos = [], []
    for number in range(1, effort.runs + 1):
        say(f"workers, run {number} of {effort.runs}")
        ones.append(_run(broker, f"{TOPIC_PREFIX}one-{number}", 1, messages))
        twos.append(_run(broker, f"{TOPIC_PREFIX}two-{number}", 2, messages))
    ratios = [two.rate / one.rate for one, two in zip(ones, twos, strict=True)]
    conditions = {
        "timed": "from the first message to the last; with two workers while both are at work",
        "topic": {
            "trades": messages * TRADES_PER_MESSAGE,
            "trades_per_message": TRADES_PER_MESSAGE,
            "markets": len(SYMBOLS),
            "partitions": _PARTITIONS,
        },
        "timeframes": list(TIMEFRAMES),
        "two_workers_trades_per_second": [round(run.rate) for run in twos],
        "cpu_seconds": {"one_worker": _cpu(ones), "two_workers": _cpu(twos)},
    }
    rates = [run.rate for run in ones]
    return Measured({"worker_trades_per_second": rates, "two_workers_ratio": ratios}, conditions)


def _cpu(runs: list[Run]) -> dict[str, float | None]:
    """Return medians of a run; None for the broker where it is on another machine."""
    brokers = [run.broker_cpu_s for run in runs if run.broker_cpu_s is not None]
    return {
        "workers": round(median(run.workers_cpu_s for run in runs), 2),
        "broker": round(median(brokers), 2) if brokers else None,
    }


def _fill(broker: Broker, seconds: float) -> int:
    """Fill both partitions with equally many messages, and an end of each; return how many."""
    settings = broker.settings.model_copy(update={"partitions": _PARTITIONS})
    application = connect(settings, "publisher")
    topic = open_topic(application, _TRADES, settings).name
    markets = [SeededTrades(_TRADES_PER_SECOND, seconds, symbol).messages() for symbol in SYMBOLS]
    full = min(len(messages) for messages in markets) - 1  # the last one has what is left
    encode = msgspec.json.Encoder().encode
    headers = [(RECEIVED_NS, str(time.time_ns()).encode())]
    with application.get_producer() as producer:

        def produce(message: Trades, partition: int) -> None:
            key = message.market.encode()
            producer.produce(topic, encode(message), key, headers=headers, partition=partition)

        for at in range(full):
            for number, messages in enumerate(markets):
                produce(messages[at], number % _PARTITIONS)
        for number, messages in enumerate(markets[:_PARTITIONS]):
            last = messages[full - 1]
            produce(Trades(last.market, (), None, last.seen_until_us), number % _PARTITIONS)
    return full * len(markets)


def _run(broker: Broker, group: str, count: int, messages: int) -> Run:
    """Have workers of a new group read the topic to its end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="realtime-bench-")))
        workers = []
        for number in range(count):
            settings = broker.settings.model_copy(update={"state_folder": folder / str(number)})
            workers.append(Worker(group, _TRADES, _CANDLES, settings))
            stack.callback(workers[-1].stop)
        for worker in workers:
            _hear(worker)  # that it is ready
        before_s = broker.cpu_s()
        for worker in workers:
            worker.start()
        ended: set[Any] = set()
        while len(ended) < _PARTITIONS:
            ended.add(_hear(*workers))
        after_s = broker.cpu_s()
        for worker in workers:
            worker.finish()
        worked = [_worked(worker) for worker in workers]
    read = sum(len(one.at_ns) for one in worked)
    if read < messages:
        raise RealtimeError(f"{group} read {read} of {messages} messages: the broker lost some")
    return Run(
        rate_together([one.at_ns for one in worked]),
        sum(one.cpu_s for one in worked),
        None if before_s is None or after_s is None else after_s - before_s,
    )


def rate_together(times_ns: list[list[int]]) -> float:
    """Return trades per second of workers, from when the last of them began until one was done."""
    if not all(times_ns):
        raise NetworkError("a worker was given no partition: see why the broker shares out none")
    begin_ns, end_ns = max(at[0] for at in times_ns), min(at[-1] for at in times_ns)
    meanwhile = sum(begin_ns < at_ns <= end_ns for times in times_ns for at_ns in times)
    if end_ns <= begin_ns:
        raise NetworkError("one worker was done before the other began: have the machine less busy")
    return meanwhile * TRADES_PER_MESSAGE * _NS_PER_S / (end_ns - begin_ns)


def _hear(*workers: Worker) -> Any:
    """Wait for what one of the workers says; raises what has ended it."""
    by_connection = {worker.connection: worker for worker in workers}
    heard = multiprocessing.connection.wait(list(by_connection), _PATIENCE_S)
    if not heard:
        raise NetworkError(f"no worker has said anything for {_PATIENCE_S:g} s")
    try:
        said = by_connection[heard[0]].connection.recv()  # type: ignore[index]
    except EOFError as error:
        raise NetworkError("a worker ended before its work did: its error is above") from error
    if isinstance(said, RealtimeError):
        raise said
    return said


def _worked(worker: Worker) -> Worked:
    while not isinstance(said := _hear(worker), Worked):
        pass  # the end of a partition that another worker had read before
    return said
