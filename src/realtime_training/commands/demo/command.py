"""`realtime demo`: two simulated exchanges, one ahead of the other, and models that look at it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from marketstream.state_folder import state_folder
from realtime_training.commands.types import FOLDER, PORT, SEED


@click.command()
@click.option(
    "--seed", type=SEED, default=1, show_default=True, help="Which market the exchanges show."
)
@click.option("--port", type=PORT, help="The API's port.  [default: 8000]")
@click.option(
    "--state",
    type=FOLDER,
    default=Path("state/demo"),
    show_default=True,
    help="Folder of the database and the models.",
)
def demo(seed: int, port: int | None, state: Path) -> None:
    """Watch a market that another one foretells, until Ctrl-C; no network is needed.

    Two exchanges are simulated: `leader`, which speaks as Binance's perpetuals do, shows a price,
    and `follower`, which speaks as Kraken does, shows it 200 ms later. What the leader did is among
    the features of the follower. Models are trained every minute, so that they have them soon.

    Watch http://127.0.0.1:8000/, or ask /scoreboard. With exchanges of your own,
    `realtime run --market … --group …` does the same: docs/leaders.md.
    """
    from realtime_training.commands.demo.work import play
    from realtime_training.commands.run.dashboard import building_dashboard
    from realtime_training.settings import load_all

    settings = load_all()
    api_port = settings.api.port if port is None else port
    with state_folder(state), building_dashboard():
        asyncio.run(play(settings, seed=seed, port=api_port, state=state))
