"""The `realtime` command: options in, one clear line where something cannot be done."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from candles.bars import BarRule, parse_bars
from marketstream.errors import RealtimeError, SettingsError
from marketstream.logs import configure_logs
from marketstream.symbols import parse_symbol
from marketstream.timeframes import duration_ms, timeframe_ms
from realtime_training import report
from realtime_training.bench import NAMES as BENCHMARKS

_INTERRUPTED = 130
_FASTEST = 1_000.0
_RECORDING_RETRAIN = "60s"

_FILE = click.Path(path_type=Path)


def main() -> None:
    """Run the command; errors are printed as one line, with the exit code of their kind."""
    try:
        realtime.main(standalone_mode=False)
    except RealtimeError as error:
        _fail(str(error), error.exit_code)
    except click.exceptions.Abort:
        sys.exit(_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has gone, and needs no complaint
        sys.exit(0)


def _fail(message: str, code: int) -> None:
    click.echo(f"realtime: {message}", err=True)
    sys.exit(code)


class _Speed(click.ParamType[float]):
    name = "speed"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if value == "max":
            return _FASTEST
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not 0 < speed <= _FASTEST:
            self.fail(f"{value!r}: give a number above 0, up to {_FASTEST:g}, or max", param, ctx)
        return speed


class _Checked(click.ParamType[Any]):
    """Text that a function of ours checks; what it returns is the value."""

    def __init__(self, name: str, check: Any) -> None:
        self.name = name
        self._check = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._check(value)
        except SettingsError as error:
            self.fail(str(error), param, ctx)


def _timeframe(text: str) -> str:
    timeframe_ms(text)
    return text


_SYMBOL = _Checked("symbol", parse_symbol)
_TIMEFRAME = _Checked("timeframe", _timeframe)
_DURATION = _Checked("duration", duration_ms)
_BARS = _Checked("bars", parse_bars)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="realtime-training")
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="What is logged, on stderr.",
)
def realtime(log_level: str) -> None:
    r"""Predict crypto prices in real time: an exchange's trades in, scored predictions out.

    \b
    Start here:
      realtime run                          everything in one process, on a simulated exchange
      realtime run --recording FILE         the same on recorded trades
      realtime replay FILE --symbol BTC/USDT --timeframe 1s --horizon 2
                                            a recording as fast as it goes, then how good it was
      realtime candles FILE --timeframe 1m  any recording of trades as candles
    """
    configure_logs(level=log_level.upper())


@realtime.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--symbol", type=_SYMBOL, required=True, help="Market, like BTC/USDT.")
@click.option(
    "--timeframe",
    type=_TIMEFRAME,
    default="1s",
    show_default=True,
    help="Predict at every close of this.",
)
@click.option(
    "--horizon",
    "horizons",
    type=click.IntRange(min=1),
    multiple=True,
    default=(1, 2),
    show_default=True,
    help="Predict so many timeframes ahead; may be repeated.",
)
@click.option(
    "--latency",
    "latency_ms",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Count outcomes from so many ms after the close.",
)
@click.option(
    "--retrain-every",
    "retrain_every_ms",
    type=_DURATION,
    default="60s",
    show_default=True,
    help="Train again after this much market time.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def replay(
    files: tuple[Path, ...],
    symbol: str,
    timeframe: str,
    horizons: tuple[int, ...],
    latency_ms: int,
    retrain_every_ms: int,
    *,
    as_json: bool,
) -> None:
    """Run recorded frames through the whole pipeline, training as it goes.

    FILES hold recorded WebSocket frames, one JSON frame per line, perhaps after a receive time in
    ns; .gz is unpacked. They are read in the order given. Every model is trained only on what came
    before; every prediction is scored on the book mid, beside baselines on the same rows.
    """
    from realtime_training.replay import Replay
    from realtime_training.settings import load_all

    run = Replay(
        symbol,
        timeframe,
        horizons,
        load_all(),
        latency_ms=latency_ms,
        retrain_every_ms=retrain_every_ms,
    )
    with report.reading(files, shown=not as_json) as advanced:
        summary = run.run(files, advanced=advanced)
    if as_json:
        report.print_json(summary)
    else:
        report.print_replay(summary)


@realtime.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--timeframe", type=_TIMEFRAME, help="Length of a candle, like 1m.")
@click.option(
    "--bars",
    type=_BARS,
    metavar="KIND:N",
    help="Instead: a bar every so much, like tick:1000, volume:10 or dollar:1000000.",
)
@click.option("--symbol", type=_SYMBOL, help="Market, like BTC/USDT, where FILES hold several.")
@click.option(
    "--fill/--no-fill",
    default=True,
    show_default=True,
    help="Give intervals without trades a flat candle.",
)
@click.option(
    "-o",
    "--output",
    type=_FILE,
    help="Write here: CSV, or by its ending .gz, .parquet or .feather.  [default: CSV on stdout]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object of counts instead.")
def candles(
    files: tuple[Path, ...],
    timeframe: str | None,
    bars: BarRule | None,
    symbol: str | None,
    output: Path | None,
    *,
    fill: bool,
    as_json: bool,
) -> None:
    """Make candles of any recording of trades: a CSV with the twelve columns of a kline.

    FILES are recorded WebSocket frames, CSV, Parquet, Feather or JSON arrays of trades, perhaps in
    .gz or .zip, in any order. What cannot be used, and which candles lack trades, is said on
    stderr.
    """
    from realtime_training.candles_command import make_candles, remarks, write_candles

    by = bars if timeframe is None else timeframe
    if by is None or (bars is not None and timeframe is not None):
        raise SettingsError("give either --timeframe, like 1m, or --bars, like tick:1000")
    with report.reading(files, shown=not as_json) as advanced:
        result = make_candles(files, by, symbol=symbol, fill=fill, advanced=advanced)
    if output is not None or not as_json:
        write_candles(result.candles, output)
    if as_json:
        report.print_json(result.summary())
        return
    for remark in remarks(result):
        click.echo(remark, err=True)


@realtime.command()
@click.option(
    "--exchange",
    type=click.Choice(["simulator", "binance"]),
    default="simulator",
    show_default=True,
    help="Where the trades come from.",
)
@click.option(
    "--symbol",
    "symbols",
    type=_SYMBOL,
    multiple=True,
    help="Market, like BTC/USDT; may be repeated.  [default: as configured]",
)
@click.option(
    "--timeframe",
    type=_TIMEFRAME,
    default="1s",
    show_default=True,
    help="Predict at every close of this.",
)
@click.option(
    "--horizon",
    "horizons",
    type=click.IntRange(min=1),
    multiple=True,
    default=(1, 2, 5, 10),
    show_default=True,
    help="Predict so many timeframes ahead; may be repeated.",
)
@click.option(
    "--recording",
    "recordings",
    type=_FILE,
    multiple=True,
    help="Have the simulator play this recording; may be repeated, in order.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Which market the simulator makes up."
)
@click.option(
    "--speed",
    type=_Speed(),
    default="1",
    show_default=True,
    help="How much faster than life the simulator runs, or max.",
)
@click.option(
    "--latency",
    "latency_ms",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Count outcomes from so many ms after the close.",
)
@click.option(
    "--retrain-every",
    "retrain_every_ms",
    type=_DURATION,
    help="Train again after this much market time.  [default: 60s for a recording, "
    "else MODEL_RETRAIN_INTERVAL]",
)
@click.option("--port", type=click.IntRange(0, 65_535), help="The API's port.  [default: 8000]")
@click.option(
    "--state", type=_FILE, default=Path("state"), show_default=True, help="Folder of the database."
)
def run(
    exchange: str,
    symbols: tuple[str, ...],
    timeframe: str,
    horizons: tuple[int, ...],
    recordings: tuple[Path, ...],
    seed: int,
    speed: float,
    latency_ms: int,
    retrain_every_ms: int | None,
    port: int | None,
    state: Path,
) -> None:
    """Run all services, API included, in one process until Ctrl-C.

    The default exchange is a simulated one on a real WebSocket, so this needs no network. With
    --recording it plays real trades. Models are trained as soon as two minutes of market time were
    seen, and again at the interval.
    """
    from realtime_training.live import run as run_live
    from realtime_training.options import RunOptions
    from realtime_training.settings import load_all

    settings = load_all()
    if exchange != "simulator" and (recordings or speed != 1.0):
        raise SettingsError(f"--recording and --speed are the simulator's, not {exchange}'s")
    if retrain_every_ms is None:
        interval_s = settings.predictor.training.retrain_interval
        retrain_every_ms = duration_ms(_RECORDING_RETRAIN) if recordings else interval_s * 1_000
    options = RunOptions(
        exchange=exchange,
        symbols=symbols,
        timeframe=timeframe,
        horizons=horizons,
        recordings=recordings,
        seed=seed,
        speed=speed,
        retrain_every_ms=retrain_every_ms,
        latency_ms=latency_ms,
        host=settings.api.host,
        port=settings.api.port if port is None else port,
        state=state,
    )
    asyncio.run(run_live(options, settings))


@realtime.command()
@click.option(
    "--protocol",
    type=click.Choice(["binance"]),
    default="binance",
    show_default=True,
    help="Whose wire protocol to speak.",
)
@click.option(
    "--symbol",
    "symbols",
    type=_SYMBOL,
    multiple=True,
    default=("BTC/USDT", "ETH/USDT"),
    show_default=True,
    help="Market; may be repeated.",
)
@click.option(
    "--recording",
    "recordings",
    type=_FILE,
    multiple=True,
    help="Play this recording; may be repeated, in order.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Which market to make up.")
@click.option(
    "--control", is_flag=True, help="A random walk with a spread of 5 bp: nothing to predict."
)
@click.option(
    "--trades-per-second",
    type=click.FloatRange(0.1, 10_000),
    default=50.0,
    show_default=True,
    help="Of each made-up market.",
)
@click.option(
    "--speed",
    type=_Speed(),
    default="1",
    show_default=True,
    help="How much faster than life, or max.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=9443,
    show_default=True,
    help="For WebSocket and REST; 0 takes a free one.",
)
@click.option(
    "--ceiling",
    is_flag=True,
    help="Instead of running, say how good any model could be on the made-up market.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def simulate(
    protocol: str,
    symbols: tuple[str, ...],
    recordings: tuple[Path, ...],
    seed: int,
    trades_per_second: float,
    speed: float,
    port: int,
    *,
    control: bool,
    ceiling: bool,
    as_json: bool,
) -> None:
    """Run the simulated exchange alone, for any client to connect to.

    It speaks Binance spot's WebSocket and REST protocols on this machine only. A recording starts
    when the first client has subscribed, and the command ends with it.
    """
    from realtime_training.simulator import Announcement, MarketChoice, ceilings
    from realtime_training.simulator import simulate as run_simulator

    del protocol  # there is one so far
    choice = MarketChoice(symbols, recordings, seed, control, trades_per_second)
    if ceiling:
        report.print_ceilings(ceilings(choice), as_json=as_json)
        return

    def announce(announcement: Announcement) -> None:
        report.print_announcement(announcement, as_json=as_json)

    asyncio.run(run_simulator(choice, speed=speed, port=port, announce=announce))


@realtime.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How often to measure each figure; the median counts.",
)
@click.option("--quick", is_flag=True, help="Do little work: to see that it runs, not how fast.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def bench(names: tuple[str, ...], runs: int, *, quick: bool, as_json: bool) -> None:
    """Measure how fast it is: replay, live and start, or those that are named.

    replay runs a million trades from frames to outcomes on one core; live measures the whole system
    on a real socket at 10,000 trades/s; start measures the way to the first prediction.
    """
    from realtime_training.bench.catalogue import print_table, run_all
    from realtime_training.bench.figures import Effort

    result = run_all(names, Effort(runs, quick))
    if as_json:
        report.print_json(result)
    else:
        print_table(result)
