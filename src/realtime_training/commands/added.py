"""Commands that other packages add to `realtime`: entry points of `realtime.commands`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import click

GROUP = "realtime.commands"


class Commands(click.Group):
    """The commands that are here, and the added ones; those are looked for only when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *_added()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, an added one imported; None where there is none of that name."""
        known = super().get_command(ctx, cmd_name)
        if known is not None or cmd_name not in _added():
            return known
        command: click.Command = _added()[cmd_name].load()
        return command


@cache
def _added() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
