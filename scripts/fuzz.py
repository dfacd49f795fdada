"""Fuzz whatever reads what others write: python scripts/fuzz.py [--seconds N] [TARGET …].

Needs atheris, which is there for Linux on x86-64. docs/fuzzing.md says what to do with a finding.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import atheris

from fuzz_targets import TARGETS

ROOT = Path(__file__).resolve().parents[1]
_KEPT = ROOT / "state" / "fuzzing"  # what was found to be worth trying, and findings
_MOST_BYTES = 4_096
_ROUND_S = 30
_HANGS_S = 20  # that one input may take
_ODD = (
    b"-1", b"0", b"null", b"true", b"[]", b"{}", b'""', b"1e400", b'"1e400"', b"1e-400", b'"nan"',
    b'"Infinity"', b"9223372036854775808", b"1e1723161240000", b"[[[[[[[[", b'{"a":', b"\\ud800",
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"4102444800000", b"1723161255342123", b"PK\x03\x04",
    b"\x1f\x8b\x08", b"ARROW1", b"PAR1",
)  # fmt: skip
_DONE = re.compile(r"Done (\d+) runs in")
_NEWS = re.compile(r"^(?:#\d+\t|INFO: |\tNEW_).*\n", re.MULTILINE)  # of how it goes on


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
    """Fuzz one target in processes of its own, and say how it went.

    One after the other: where numpy's arrays are compared, atheris keeps them, and memory grows.
    """
    inputs = 0
    for start in range(0, seconds, _ROUND_S):
        round_s = min(_ROUND_S, seconds - start)
        command = [sys.executable, __file__, "--child", name]
        done = subprocess.run(  # noqa: S603 - this very file
            [*command, f"--seconds={round_s}", f"--kept={kept}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        count = _DONE.search(done.stdout)
        if done.returncode != 0 or count is None:
            said = _NEWS.sub("", done.stdout)[-6_000:]
            print(f"{name}: FOUND (exit code {done.returncode})\n{said}", flush=True)
            return 1
        inputs += int(count[1])
    print(f"{name}: {inputs:,} inputs in {seconds} s, nothing found", flush=True)
    return 0


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
    warnings.simplefilter("error", RuntimeWarning)  # numbers that overflow
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
