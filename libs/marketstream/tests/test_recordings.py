from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from marketstream.errors import InputError
from marketstream.recordings import RecordedFrame, read_frames

RECEIVED_NS = 1_723_161_254_123_456_789


def test_receive_time_is_split_from_the_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.frames"
    path.write_bytes(b'%d {"e":"trade"}\n%d [1, 2]\n' % (RECEIVED_NS, RECEIVED_NS + 1))
    assert list(read_frames([path])) == [
        RecordedFrame(RECEIVED_NS, b'{"e":"trade"}'),
        RecordedFrame(RECEIVED_NS + 1, b"[1, 2]"),
    ]


def test_frame_without_a_receive_time_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.frames"
    path.write_bytes(b'{"a": 1}\r\n\n   \n[2]')
    assert list(read_frames([path])) == [
        RecordedFrame(None, b'{"a": 1}'),
        RecordedFrame(None, b"[2]"),
    ]


@pytest.mark.parametrize(
    "line",
    [b"12 {}", b"nonsense", b"1723161254123456789 nonsense", b"1723161254123456789", b"\xff"],
)
def test_line_that_is_no_frame_is_handed_on_whole(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.frames"
    path.write_bytes(line + b"\n")
    assert list(read_frames([path])) == [RecordedFrame(None, line)]


def test_files_are_read_in_their_order_packed_or_not(tmp_path: Path) -> None:
    packed, plain = tmp_path / "b.frames.gz", tmp_path / "a.frames"
    packed.write_bytes(gzip.compress(b"{1}\n{2}\n"))
    plain.write_bytes(b"{3}\n")
    assert [frame for _, frame in read_frames([packed, plain])] == [b"{1}", b"{2}", b"{3}"]


def test_what_a_file_is_packed_with_is_told_by_its_content(tmp_path: Path) -> None:
    packed, archive = tmp_path / "frames", tmp_path / "frames.zip"
    packed.write_bytes(gzip.compress(b"{1}\n"))
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("__MACOSX/._a.frames", b"Mac OS X")
        file.writestr("a.frames", b"{2}\n{3}\n")
    assert [frame for _, frame in read_frames([packed, archive])] == [b"{1}", b"{2}", b"{3}"]


def test_empty_file_holds_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.frames"
    path.touch()
    assert list(read_frames([path])) == []


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.frames: no such file"):
        list(read_frames([tmp_path / "none.frames"]))


def test_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as a recording"):
        list(read_frames([tmp_path]))


def test_file_that_is_not_gzip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.frames.gz"
    path.write_bytes(b"{}\n")
    with pytest.raises(InputError, match=r"a\.frames\.gz: cannot be read as a recording"):
        list(read_frames([path]))


@pytest.mark.parametrize("damage", ["cut off", "overwritten"])
def test_damaged_gzip_file_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.frames.gz"
    packed = gzip.compress(bytes(range(256)) * 100 + b"\n")
    middle = len(packed) // 2
    path.write_bytes(packed[:middle] if damage == "cut off" else packed[:middle] + b"\x00" * middle)
    with pytest.raises(InputError, match="cannot be read as a recording"):
        list(read_frames([path]))


@pytest.mark.data
def test_real_recording_is_frames_with_rising_receive_times(market_data: Path) -> None:
    files = [
        market_data / "trades" / f"binance-spot-BTCUSDT-{day}.frames.gz"
        for day in ("20240808", "20240809")
    ]
    times: list[int] = []
    trades = 0
    for received_ns, frame in read_frames(files):
        assert received_ns is not None
        assert frame.startswith(b"{")
        times.append(received_ns)
        trades += b'"e":"trade"' in frame
    assert trades == 19_904
    assert times == sorted(times)
