"""The `realtime` command: options in, one clear line where something cannot be done."""

from __future__ import annotations

import sys

import click

from marketstream import interrupts
from marketstream.errors import RealtimeError
from marketstream.logs import configure_logs
from realtime_training.commands.added import Commands
from realtime_training.commands.alerts import alerts
from realtime_training.commands.audit_claim.command import audit_claim
from realtime_training.commands.candles.command import candles
from realtime_training.commands.dead_letters import dead_letters
from realtime_training.commands.demo.command import demo
from realtime_training.commands.evaluate.command import evaluate
from realtime_training.commands.explain.command import explain
from realtime_training.commands.export.command import export
from realtime_training.commands.features.command import features
from realtime_training.commands.history.command import history
from realtime_training.commands.indicators.command import indicators
from realtime_training.commands.integrity.command import integrity
from realtime_training.commands.keys import keys
from realtime_training.commands.leakcheck.command import leakcheck
from realtime_training.commands.ledger.command import ledger
from realtime_training.commands.models.command import models
from realtime_training.commands.record.command import record
from realtime_training.commands.replay.command import replay
from realtime_training.commands.reset import reset
from realtime_training.commands.risingwave import risingwave
from realtime_training.commands.run.command import run
from realtime_training.commands.simulate.command import simulate
from realtime_training.commands.train.command import train


def main() -> None:
    """Run the command; errors are printed as one line, with the exit code of their kind."""
    try:
        interrupts.raise_again()
        realtime.main(standalone_mode=False)
    except RealtimeError as error:
        _fail(str(error), error.exit_code)
    except click.exceptions.Abort:
        sys.exit(interrupts.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(interrupts.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has gone, and needs no complaint
        sys.exit(0)
    finally:
        interrupts.ignore()


def _fail(message: str, code: int) -> None:
    click.echo(f"realtime: {message}", err=True)
    sys.exit(code)


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="realtime-training")
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="What is logged, on stderr.",
)
def realtime(log_level: str) -> None:
    """Predict crypto prices in real time: an exchange's trades in, scored predictions out.

    \b
    Start here:
      realtime run                          everything in one process, on a simulated exchange
      realtime demo                         the same, and one exchange foretells the other
      realtime run --recording FILE         the same on recorded trades
      realtime replay FILE --symbol BTC/USDT --timeframe 1s --horizon 2
                                            a recording as fast as it goes, then how good it was
      realtime candles FILE --timeframe 1m  any recording of trades as candles
      realtime evaluate FILE --horizon 5 --model lightgbm
                                            how good a model is, beside baselines
      realtime train FILE --symbol BTC/USDT the same, and the model registered
    """  # noqa: D301 - click asks for a real backspace
    configure_logs(level=log_level.upper())


for command in (
    run,
    demo,
    record,
    history,
    replay,
    simulate,
    candles,
    features,
    indicators,
    train,
    evaluate,
    leakcheck,
    audit_claim,
    integrity,
    models,
    explain,
    ledger,
    export,
    keys,
    alerts,
    dead_letters,
    reset,
    risingwave,
):
    realtime.add_command(command)
