"""`realtime keys`: who may ask the API, where reading is not open."""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING

import click
import msgspec

from marketstream.errors import InputError, SettingsError
from marketstream.keys import ApiKey, digest_of, new_secret
from marketstream.moments import iso
from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.stored import open_stored, state_option
from realtime_training.commands.types import Checked

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[\w.@-]{1,64}")


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise SettingsError(f"{text!r}: letters, digits and ._@- are needed, at most 64 of them")
    return text


@click.group()
def keys() -> None:
    """Make, list and revoke the keys by which the API knows who asks.

    They are kept in the database of `realtime run` or of the services, where every API finds them
    within a second; of the secret only a digest is.

    \b
    Examples:
      realtime keys make grafana          a key that reads; the secret is printed once
      realtime keys make me --admin       one that also opens what is for admins
      realtime keys list
      realtime keys revoke grafana
    """  # noqa: D301 - click asks for a real backspace


@keys.command()
@click.argument("name", type=Checked("name", _name))
@click.option(
    "--admin",
    is_flag=True,
    help="Have it also open what is for admins: GET /keys, and who serves: promote, rollback.",
)
@state_option
def make(name: str, state: Path, *, admin: bool) -> None:
    """Make a key called NAME and print its secret, which nobody can tell again."""
    secret = new_secret()
    made_at_ms = time.time_ns() // 1_000_000
    key = ApiKey(name, "admin" if admin else "read", digest_of(secret), made_at_ms)
    with contextlib.closing(open_stored(state)) as store:
        is_new = store.add_key(key)
    if not is_new:
        raise InputError(f"there is a key {name}: revoke it first, or choose another name")
    click.echo(secret)
    click.echo("Keep it: it is not shown again. Send it as `Authorization: Bearer …`.", err=True)


@keys.command("list")
@state_option
@json_option
def list_keys(state: Path, *, as_json: bool) -> None:
    """List the keys there are, by name."""
    with contextlib.closing(open_stored(state)) as store:
        found = store.api_keys()
    if as_json:
        told = [{**msgspec.structs.asdict(key), "digest": key.digest[:8]} for key in found]
        report.print_json({"keys": told})
        return
    for key in found:
        click.echo(f"{iso(key.made_at_ms)[:19]}  {key.role:<5}  {key.name}")
    click.echo(f"{len(found)} key{'' if len(found) == 1 else 's'}", err=True)


@keys.command()
@click.argument("name")
@state_option
def revoke(name: str, state: Path) -> None:
    """Revoke the key called NAME: within a second it opens nothing any more."""
    with contextlib.closing(open_stored(state)) as store:
        if not store.revoke_key(name):
            known = ", ".join(key.name for key in store.api_keys()) or "none at all"
            raise InputError(f"there is no key {name}: there is {known}")
