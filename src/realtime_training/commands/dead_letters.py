"""`realtime dead-letters`: what could not be used, and sending it once more."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import msgspec

from marketstream.errors import InputError
from marketstream.settings import load_settings
from realtime_training.commands.options import json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketstream.runners.kafka.dead_letters import KeptLetter
    from marketstream.runners.kafka.settings import KafkaSettings

_SHOWN_REASON = 100


@click.group(name="dead-letters", invoke_without_command=True)
@json_option
@click.pass_context
def dead_letters(context: click.Context, *, as_json: bool) -> None:
    """List what could not be used, from Kafka's topic dead_letters; KAFKA_BROKER says where.

    \b
    realtime dead-letters                 what there is: id, time, source, reason
    realtime dead-letters show 2-17       one of them, whole
    realtime dead-letters send 2-17       back to the topic it came from, once the cause is mended
    realtime dead-letters send --all      all that came from topics
    """  # noqa: D301 - click asks for a real backspace
    if context.invoked_subcommand is not None:
        return
    letters = _read(_settings())
    if as_json:
        click.echo(msgspec.json.encode({"dead_letters": [_row(kept) for kept in letters]}))
        return
    for kept in letters:
        row = _row(kept)
        reason = str(row["reason"])[:_SHOWN_REASON]
        size = f"{row['bytes']} bytes{', cut' if row['cut'] else ''}"
        click.echo(f"{kept.id}  {row['received']}  {row['source']}  {size}  {reason}")
    click.echo(f"{len(letters)} dead letters", err=True)


@dead_letters.command()
@click.argument("letter_id", metavar="ID")
def show(letter_id: str) -> None:
    """Print the bytes of one, and on stderr where they are from and what is wrong with them."""
    (kept,) = _chosen(_read(_settings()), [letter_id])
    for name, value in _row(kept).items():
        click.echo(f"{name}: {value}", err=True)
    sys.stdout.buffer.write(kept.letter.raw + b"\n")


@dead_letters.command()
@click.argument("letter_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "all_of_them", is_flag=True, help="Send all that came from topics.")
def send(letter_ids: tuple[str, ...], *, all_of_them: bool) -> None:
    """Send letters back to the topics they came from; they stay among the dead letters."""
    from marketstream.runners.kafka.dead_letters import send_again

    if all_of_them == bool(letter_ids):
        raise click.UsageError("say which ones by their IDs, or --all")
    settings = _settings()
    letters = _read(settings)
    if all_of_them:
        chosen = [kept for kept in letters if kept.came_from is not None]
    else:
        chosen = _chosen(letters, letter_ids)
    click.echo(f"{send_again(settings, chosen)} sent", err=True)


def _settings() -> KafkaSettings:
    from marketstream.runners.kafka.settings import KafkaSettings

    return load_settings(KafkaSettings, None)


def _read(settings: KafkaSettings) -> list[KeptLetter]:
    from marketstream.runners.kafka.dead_letters import read_dead_letters

    return read_dead_letters(settings)


def _chosen(letters: Sequence[KeptLetter], ids: Sequence[str]) -> list[KeptLetter]:
    by_id = {kept.id: kept for kept in letters}
    unknown = [letter_id for letter_id in ids if letter_id not in by_id]
    if unknown:
        raise InputError(
            f"there is no dead letter {unknown[0]}: `realtime dead-letters` lists the "
            f"{len(letters)} there are"
        )
    return [by_id[letter_id] for letter_id in ids]


def _row(kept: KeptLetter) -> dict[str, object]:
    letter = kept.letter
    received = datetime.fromtimestamp(letter.received_us / 1_000_000, UTC)
    return {
        "id": kept.id,
        "received": received.isoformat(timespec="milliseconds"),
        "source": letter.source,
        "key": None if kept.key is None else kept.key.decode(errors="replace"),
        "bytes": letter.whole_size,
        "cut": letter.size is not None,
        "sha256": letter.sha256,
        "more": letter.more,
        "reason": letter.reason,
    }
