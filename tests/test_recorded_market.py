from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from marketstream.errors import InputError, SettingsError
from marketstream.recordings import Header, header_line
from realtime_training.commands.replay.command import replay
from realtime_training.datasets.loading import load_files
from realtime_training.recorded_market import told_by
from realtime_training.settings import load_all


def recording(folder: Path, venue: str, *symbols: str) -> Path:
    path = folder / f"{venue}-{len(list(folder.iterdir()))}.frames"
    path.write_bytes(
        header_line(Header(venue, venue, symbols, 1)) + b'1723161256322000000 {"a":1}\n'
    )
    return path


def bare(folder: Path) -> Path:
    path = folder / "bare.frames"
    path.write_bytes(b'{"a":1}\n')
    return path


def test_a_recording_names_its_exchange_and_its_only_symbol(tmp_path: Path) -> None:
    files = [recording(tmp_path, "kraken", "BTC/USD"), recording(tmp_path, "kraken", "BTC/USD")]
    settings, symbol = told_by(files, load_all(), None)
    assert (settings.trades.exchange, symbol) == ("kraken", "BTC/USD")
    assert told_by(files, load_all(), "BTC/USD")[1] == "BTC/USD"


def test_files_that_name_nothing_are_of_what_was_asked_for(tmp_path: Path) -> None:
    settings = load_all()
    assert told_by([bare(tmp_path)], settings, "BTC/USDT") == (settings, "BTC/USDT")
    assert told_by([bare(tmp_path)], settings, None) == (settings, None)


def test_a_symbol_is_chosen_among_several(tmp_path: Path) -> None:
    files = [recording(tmp_path, "kraken", "BTC/USD", "ETH/USD")]
    assert told_by(files, load_all(), "ETH/USD")[1] == "ETH/USD"
    with pytest.raises(SettingsError, match="give --symbol, one of BTC/USD, ETH/USD"):
        told_by(files, load_all(), None)


def test_contradictions_are_refused_by_name(tmp_path: Path) -> None:
    one, other = (
        recording(tmp_path, "kraken", "BTC/USD"),
        recording(tmp_path, "coinbase", "BTC/USD"),
    )
    elsewhere = recording(tmp_path, "kraken", "ETH/USD")
    with pytest.raises(InputError, match=r"of kraken.* of coinbase: give recordings of one"):
        told_by([one, other], load_all(), None)
    with pytest.raises(InputError, match=r"ETH/USD is not recorded in .*among BTC/USD"):
        told_by([one], load_all(), "ETH/USD")
    with pytest.raises(InputError, match="no symbol is in all of them"):
        told_by([one, elsewhere], load_all(), None)
    with pytest.raises(SettingsError, match="nowhere"):
        told_by([recording(tmp_path, "nowhere", "BTC/USD")], load_all(), None)


def test_replay_reads_a_recording_as_its_exchange_speaks(tmp_path: Path) -> None:
    refused = CliRunner().invoke(replay, [str(recording(tmp_path, "kraken", "BTC/USD"))])
    assert isinstance(refused.exception, InputError)
    assert "no trades of BTC/USD" in str(refused.exception)
    assert "recorded kraken WebSocket frames" in str(refused.exception)
    unsaid = CliRunner().invoke(replay, [str(bare(tmp_path))])
    assert "give --symbol, like BTC/USDT" in str(unsaid.exception)


def test_a_dataset_is_of_the_exchange_and_symbol_that_its_recording_names(tmp_path: Path) -> None:
    files = [recording(tmp_path, "kraken", "BTC/USD")]
    with pytest.raises(InputError, match="no trades of BTC/USD"):
        load_files(files, load_all(), tmp_path / "state")
    with pytest.raises(InputError, match="BTC/USDT is not recorded in"):
        load_files(files, load_all(), tmp_path / "state", symbol="BTC/USDT")
