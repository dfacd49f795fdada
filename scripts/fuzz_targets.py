"""Fuzz whatever reads what others write: python scripts/fuzz_targets.py [--seconds N] [TARGET …].

A target may refuse what it is given, by the errors that it says it raises; anything else is a
finding, and so is an answer that breaks its own rules. Needs atheris, which is there for Linux on
x86-64. docs/fuzzing.md says what to do with a finding.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["exchanges", "marketstream"]):
    import msgspec
    import msgspec.inspect

    from exchanges._template import VENUE as TEMPLATE
    from exchanges._template.samples import SAMPLES as TEMPLATE_SAMPLES
    from exchanges.binance import VENUE as BINANCE
    from exchanges.binance.samples import SAMPLES as BINANCE_SAMPLES
    from exchanges.checked import check_klines, check_time, check_trades
    from exchanges.checks import check_frame
    from exchanges.samples import Samples
    from exchanges.venue import Venue
    from marketstream.errors import InputError, NetworkError, SettingsError
    from marketstream.readers import kind_of, read_trades
    from marketstream.readers.candles import read_candles
    from marketstream.recordings import read_frames
    from marketstream.topics import ALL_TOPICS

ROOT = Path(__file__).resolve().parents[1]
_KEPT = ROOT / "state" / "fuzzing"  # what was found to be worth trying, and findings
_MOST_BYTES = 4_096
_HANGS_S = 20  # that one input may take
_ODD = (
    b"-1", b"0", b"null", b"true", b"[]", b"{}", b'""', b"1e400", b'"1e400"', b"1e-400", b'"nan"',
    b'"Infinity"', b"9223372036854775808", b"1e1723161240000", b"[[[[[[[[", b'{"a":', b"\\ud800",
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"4102444800000", b"1723161255342123", b"PK\x03\x04",
    b"\x1f\x8b\x08", b"ARROW1", b"PAR1",
)  # fmt: skip
_DONE = re.compile(r"Done (\d+) runs in (\d+) second")


@dataclass(frozen=True, slots=True)
class Target:
    """What is given bytes, and examples of what it usually gets."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def _stream(venue: Venue, samples: Samples) -> Target:
    stream = venue.stream([samples.symbol, "ETH/USDT"], venue.name)
    return Target(
        lambda data: check_frame(stream, data), (samples.trade, samples.quote, *samples.beside)
    )


def _rest(venue: Venue, samples: Samples) -> Target:
    rest, symbol = venue.rest, samples.symbol

    def trades(status: int, body: bytes) -> None:
        page = rest.parse_trades(symbol, status, body)
        checked = check_trades(page, symbol, page_id=5, from_ms=0, reference_price=60_000.0)
        ids = [row.page_id for row in checked.trades]
        if ids != sorted(set(ids)) or checked.rows != len(page.trades) + len(page.refused):
            raise AssertionError(f"{checked} of {page}")

    parsers = (
        trades,
        lambda status, body: check_klines(rest.parse_klines(symbol, status, body), symbol),
        lambda status, body: check_time(rest.parse_server_time(status, body)),
        lambda status, body: rest.parse_market_info(symbol, status, body),
    )

    def run(data: bytes) -> None:
        """Give the rest to the parser that the first byte names, with the status that it names."""
        if not data:
            return
        try:
            parsers[data[0] % len(parsers)]((200, 400)[data[0] // 128], data[1:])
        except (NetworkError, SettingsError):
            return

    bodies = (samples.past, samples.klines, samples.server_time, samples.market_info)
    seeds = [bytes([number]) + body for number, body in enumerate(bodies)]
    return Target(run, (*seeds, b"\x83" + samples.not_traded[1]))


def _messages() -> Target:
    decoders = [msgspec.json.Decoder[Any](topic.message) for topic in ALL_TOPICS]

    def run(data: bytes) -> None:
        """Decode what follows the first byte as the messages of the topic that it names."""
        if not data:
            return
        decoder = decoders[data[0] % len(decoders)]
        try:
            message = decoder.decode(data[1:])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        again = decoder.decode(msgspec.json.encode(message))
        if again != message:
            raise AssertionError(f"{message} is written as {again}")
        hash(again.identity)

    examples = [_example(msgspec.inspect.type_info(topic.message)) for topic in ALL_TOPICS]
    seeds = [bytes([at]) + msgspec.json.encode(example) for at, example in enumerate(examples)]
    return Target(run, tuple(seeds))


def _example(kind: msgspec.inspect.Type) -> Any:
    """Return a value of a type, as JSON has it."""
    match kind:
        case msgspec.inspect.StructType(fields=fields, array_like=True):
            return [_example(field.type) for field in fields]
        case msgspec.inspect.StructType(fields=fields, tag_field=tag_field, tag=tag):
            named = {field.encode_name: _example(field.type) for field in fields}
            return named if tag_field is None else {tag_field: tag, **named}
        case msgspec.inspect.UnionType(types=types):
            return _example(types[0])
        case msgspec.inspect.LiteralType(values=values):
            return values[0]
        case msgspec.inspect.DictType(key_type=key, value_type=value):
            return {str(_example(key)): _example(value)}
        case (
            msgspec.inspect.ListType(item_type=item) | msgspec.inspect.VarTupleType(item_type=item)
        ):
            return [_example(item)]
        case msgspec.inspect.TupleType(item_types=items):
            return [_example(item) for item in items]
        case msgspec.inspect.IntType():
            return 1_723_161_255_342
        case msgspec.inspect.FloatType():
            return 1.5
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.NoneType():
            return None
        case _:
            return "AAAA"


def _files(read: Callable[[Path], object], seeds: tuple[bytes, ...]) -> Target:
    file = Path(tempfile.gettempdir()) / f"fuzzed-{os.getpid()}"

    def run(data: bytes) -> None:
        file.write_bytes(data)
        try:
            read(file)
        except InputError:
            return

    return Target(run, seeds)


def _trade_files() -> Target:
    seeds = (
        b"id,price,qty,quoteQty,time,isBuyerMaker\n1,61837.63,0.02,1236.75,1723161255342,true\n",
        b"1,61837.63,0.02,1236.75,1723161255342,true,true\n2,6e4,1e-3,1,1723161255343,False,True\n",
        b"timestamp;price;amount;side\n2024-08-08 23:54:15.342;61837,63;0,02;sell\n",
        b'[{"price":"61837.63","size":"0.02","side":"sell","time":"2024-08-08T23:54:15.342Z"}]',
        BINANCE_SAMPLES.past,
        b"\n".join([BINANCE_SAMPLES.trade, BINANCE_SAMPLES.quote]),
    )
    return _files(lambda file: (kind_of(file), read_trades([file])), seeds)


def _candle_files() -> Target:
    seeds = (
        b"open_time,open,high,low,close,volume\n1723161240000,1,3,1,2,5\n1723161300000,2,2,2,2,0\n",
        b"Unix;Date;Symbol;Open;High;Low;Close;Volume BTC\n"
        b"1723161240000;08/08/2024 23:54;BTC/USDT;1;3;1;2;5\n",
        BINANCE_SAMPLES.klines,
        BINANCE_SAMPLES.klines.replace(b"],[", b"\n").strip(b"[]").replace(b'"', b""),
    )
    return _files(lambda file: (kind_of(file), read_candles([file])), seeds)


def _frame_files() -> Target:
    seeds = (
        b"1723161255342000000 " + BINANCE_SAMPLES.trade + b"\n" + BINANCE_SAMPLES.quote + b"\n",
        b"\n".join([TEMPLATE_SAMPLES.trade, *BINANCE_SAMPLES.beside]),
    )

    def read(file: Path) -> None:
        stream = BINANCE.stream(["BTC/USDT"], BINANCE.name)
        for recorded in read_frames([file]):
            check_frame(stream, recorded.frame)

    return _files(read, seeds)


TARGETS: dict[str, Callable[[], Target]] = {
    "binance_stream": lambda: _stream(BINANCE, BINANCE_SAMPLES),
    "binance_rest": lambda: _rest(BINANCE, BINANCE_SAMPLES),
    "template_stream": lambda: _stream(TEMPLATE, TEMPLATE_SAMPLES),
    "template_rest": lambda: _rest(TEMPLATE, TEMPLATE_SAMPLES),
    "messages": _messages,
    "trade_files": _trade_files,
    "candle_files": _candle_files,
    "frame_files": _frame_files,
}


def main() -> int:
    """Fuzz each target in a process of its own; return 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--kept", type=Path, default=_KEPT, help="folder of inputs and findings")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target is called {unknown[0]!r}: choose among {', '.join(TARGETS)}")
    if options.child:
        _fuzz(options.targets[0], options.seconds, options.kept)
    with ThreadPoolExecutor(options.jobs) as pool:
        names = options.targets or list(TARGETS)
        ends = pool.map(lambda name: _apart(name, options.seconds, options.kept), names)
        return max(ends, default=0)


def _apart(name: str, seconds: int, kept: Path) -> int:
    """Fuzz one target in a process of its own, and say how it went."""
    command = [sys.executable, __file__, "--child", name, f"--seconds={seconds}", f"--kept={kept}"]
    done = subprocess.run(  # noqa: S603 - this very file
        command, capture_output=True, text=True, errors="replace", check=False
    )
    said = done.stdout + done.stderr
    count = _DONE.search(said)
    if done.returncode == 0 and count is not None:
        print(f"{name}: {int(count[1]):,} inputs in {count[2]} s, nothing found", flush=True)
        return 0
    print(f"{name}: FOUND (exit code {done.returncode})\n{said[-4_000:]}", flush=True)
    return 1


def _fuzz(name: str, seconds: int, kept: Path) -> None:
    """Fuzz one target, and end the process."""
    target = TARGETS[name]()
    folder = kept / name
    for below in ("seeds", "inputs", "findings"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (folder / "seeds" / str(number)).write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in _words(target.seeds)))
    arguments = [
        name, f"-max_total_time={seconds}", f"-max_len={_MOST_BYTES}", f"-timeout={_HANGS_S}",
        f"-artifact_prefix={folder / 'findings'}/", "-print_final_stats=1", "-rss_limit_mb=2048",
        f"-dict={words}",
        str(folder / "inputs"), str(folder / "seeds"),
    ]  # fmt: skip
    atheris.Setup(arguments, target.run)
    atheris.Fuzz()


def _words(seeds: tuple[bytes, ...]) -> list[bytes]:
    """Return what examples are made of, and odd values."""
    words = set(re.findall(rb'"[^"]{0,40}"|[\w.+-]{1,40}', b" ".join(seeds)))
    return sorted(words | set(_ODD))


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main())
