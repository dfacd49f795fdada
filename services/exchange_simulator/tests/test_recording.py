import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from exchange_simulator.market.recording import RecordedMarket
from marketstream.errors import InputError

MS = 1_000


def line(received_ms: int | None, stream: str, **data: object) -> str:
    """Return a line of a recording; a receive time is written in ns."""
    frame = json.dumps({"stream": f"btcusdt@{stream}", "data": data})
    return frame if received_ms is None else f"{received_ms}000000 {frame}"


def trade(received_ms: int | None, id_: int, time_ms: int, price: str = "10.00000000") -> str:
    data = {
        "e": "trade",
        "s": "BTCUSDT",
        "t": id_,
        "p": price,
        "q": "0.10",
        "T": time_ms,
        "m": True,
    }
    return line(received_ms, "trade", **data)


def quote(received_ms: int | None, update_id: int) -> str:
    data = {"u": update_id, "s": "BTCUSDT", "b": "9.9", "B": "1", "a": "10.1", "A": "2"}
    return line(received_ms, "bookTicker", **data)


def market(folder: Path, *files: list[str]) -> RecordedMarket:
    paths = [folder / f"{number}.frames" for number in range(len(files))]
    for path, lines in zip(paths, files, strict=True):
        path.write_text("\n".join(lines))
    return RecordedMarket(paths, "BTC/USDT")


T0 = 1_723_161_255_000  # ms


def times_ms(tape: RecordedMarket) -> list[int]:
    return (tape.quotes(0, 1 << 62).time_us // MS).tolist()


@pytest.mark.data
def test_real_recording_keeps_every_trade_in_order(market_data: Path) -> None:
    days = ("09", "08")  # the wrong way round on purpose
    paths = [market_data / f"trades/binance-spot-BTCUSDT-202408{d}.frames.gz" for d in days]
    tape = RecordedMarket(paths, "BTC/USDT")
    assert tape.start_us is not None
    assert tape.end_us is not None
    trades = tape.trades(tape.start_us, tape.end_us)
    quotes = tape.quotes(tape.start_us, tape.end_us)
    assert (len(trades.id), len(quotes.bid)) == (19_904, 73_174)
    assert trades.id.tolist() == list(range(3_735_683_259, 3_735_683_259 + 19_904))
    assert (tape.price_decimals, tape.quantity_decimals) == (2, 5)
    assert dict(tape.passed_over) == {"depth@100ms": 6_495, "malformed": 1}
    time_us = np.concatenate([trades.time_us, quotes.time_us])
    sequence = np.concatenate([trades.sequence, quotes.sequence])
    assert np.all(np.diff(time_us[np.argsort(sequence)]) >= 0)


@pytest.mark.data
def test_real_recording_plays_in_the_order_of_its_lines(market_data: Path) -> None:
    path = market_data / "trades/binance-spot-BTCUSDT-20240808.frames.gz"
    recorded = []
    with gzip.open(path, "rt") as lines:
        for text in lines:
            data = json.loads(text.partition(" ")[2])["data"] if text.endswith("}}\n") else {}
            if "t" in data or "B" in data:
                recorded.append(data.get("t") or data["u"])
    tape = RecordedMarket([path], "BTC/USDT")
    trades, quotes = tape.trades(0, 1 << 62), tape.quotes(0, 1 << 62)
    played = np.concatenate([trades.id, quotes.update_id])
    played = played[np.argsort(np.concatenate([trades.sequence, quotes.sequence]))]
    assert played.tolist() == recorded


def test_quote_gets_receive_time_plus_the_clock_offset(tmp_path: Path) -> None:
    tape = market(
        tmp_path,
        [
            trade(T0 - 1_200, 1, T0),
            trade(T0 - 1_100, 2, T0 + 50),  # came late: its offset of 1150 ms is the smaller one
            quote(T0 - 1_000, 7),
            trade(T0 - 900, 3, T0 + 300),
        ],
    )
    assert times_ms(tape) == [T0 + 200]


def test_quote_never_leaves_its_place_among_the_trades(tmp_path: Path) -> None:
    tape = market(
        tmp_path,
        [
            quote(T0 - 1_300, 5),  # nothing is known of the clock yet
            trade(T0 - 1_200, 1, T0),
            quote(T0 - 100, 6),  # by the offset 1100 ms after the trade, but the next one is at 40
            trade(T0 - 90, 2, T0 + 40),
            quote(T0 - 1_195, 7),  # a receive clock that was set back
        ],
    )
    assert times_ms(tape) == [T0, T0 + 40, T0 + 1_110]
    trades, quotes = tape.trades(0, 1 << 62), tape.quotes(0, 1 << 62)
    assert trades.sequence.tolist() == [1, 3]
    assert quotes.update_id.tolist() == [5, 6, 7]


def test_frames_without_receive_times_go_by_their_trades(tmp_path: Path) -> None:
    tape = market(
        tmp_path,
        [trade(None, 3, T0 + 200), quote(None, 9)],
        [trade(None, 1, T0), quote(None, 8), trade(None, 2, T0 + 100)],
    )
    assert tape.trades(0, 1 << 62).id.tolist() == [1, 2, 3]
    assert times_ms(tape) == [T0, T0 + 200]


def test_trade_recorded_twice_counts_once(tmp_path: Path) -> None:
    tape = market(tmp_path, [trade(T0, 1, T0), trade(T0 + 1, 1, T0), trade(T0 + 2, 2, T0)])
    assert tape.trades(0, 1 << 62).id.tolist() == [1, 2]
    assert tape.passed_over["trade seen before"] == 1


def test_what_is_no_trade_is_passed_over_and_counted(tmp_path: Path) -> None:
    tape = market(
        tmp_path,
        [
            trade(T0, 1, T0),
            trade(T0, 2, T0, price="0"),
            trade(T0, 3, T0, price="-5.0"),
            trade(T0, 4, T0, price="NaN"),
            "not json",
            "[1,2]",
            line(T0, "depth@100ms", e="depthUpdate", b=[], a=[]),
            quote(T0, 5).replace('"b": "9.9"', '"b": 9.9'),
        ],
    )
    assert tape.trades(0, 1 << 62).id.tolist() == [1]
    assert dict(tape.passed_over) == {"malformed": 6, "depth@100ms": 1}


def test_ranges_are_half_open_and_ids_are_found_with_gaps(tmp_path: Path) -> None:
    tape = market(tmp_path, [trade(T0 + n, 10 * n, T0 + n) for n in range(5)])
    assert tape.trades(T0 * MS, (T0 + 2) * MS).id.tolist() == [0, 10]
    assert tape.trades_from_id(11, 2, 1 << 62).id.tolist() == [20, 30]
    assert tape.trades_from_id(11, 9, (T0 + 3) * MS).id.tolist() == [20]
    assert tape.trades_from_id(41, 9, 1 << 62).id.tolist() == []
    assert (tape.start_us, tape.end_us) == (T0 * MS, (T0 + 4) * MS + 1)


def test_newest_quote_is_the_one_at_or_before_a_time(tmp_path: Path) -> None:
    tape = market(tmp_path, [trade(T0, 1, T0), quote(T0 + 10, 7), quote(T0 + 20, 8)])
    assert tape.quote_at((T0 + 20) * MS).update_id.tolist() == [8]
    assert tape.quote_at((T0 + 20) * MS - 1).update_id.tolist() == [7]
    assert tape.quote_at(T0 * MS).update_id.tolist() == []


def test_numbers_of_eight_decimals_stay_exact(tmp_path: Path) -> None:
    tape = market(tmp_path, [trade(T0, 1, T0, "0.00001234"), trade(T0, 2, T0, "9999999999.9")])
    assert tape.price_decimals == 8
    assert tape.trades(0, 1 << 62).price.tolist() == [1_234, 999_999_999_990_000_000]


def test_futures_quotes_have_a_time_of_their_own(tmp_path: Path) -> None:
    timed = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"}
    tape = market(
        tmp_path,
        [trade(T0, 1, T0), line(T0, "bookTicker", **timed, T=T0 + 7), trade(T0, 2, T0 + 9)],
    )
    assert times_ms(tape) == [T0 + 7]


def test_raw_frames_in_microseconds_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "raw.frames"
    frame = {"e": "trade", "s": "BTCUSDT", "t": 1, "p": "1", "q": "1", "T": T0 * MS + 5, "m": False}
    path.write_text(json.dumps(frame))
    assert RecordedMarket([path], "btc-usdt").start_us == T0 * MS + 5


def test_missing_symbol_is_answered_with_those_inside(tmp_path: Path) -> None:
    path = tmp_path / "btc.frames"
    path.write_text(trade(T0, 1, T0))
    with pytest.raises(InputError, match="no trades of ETHUSDT inside, but of BTCUSDT"):
        RecordedMarket([path], "ETH/USDT")


def test_file_without_frames_is_named_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_text("open,high,low,close\n1,2,0,1\n")
    with pytest.raises(InputError, match=r"candles\.csv: no Binance trades inside: give recorded"):
        RecordedMarket([path], "BTC/USDT")


def test_prints_that_are_no_trades_of_the_market_are_passed_over_by_name(tmp_path: Path) -> None:
    lines = [trade(T0, 1, T0), trade(T0, 2, T0 + 1), trade(T0, 3, T0 + 2)]
    lines[1] = lines[1].replace('"m":', '"X":"INSURANCE_FUND","m":')
    lines[2] = lines[2].replace('"m":', '"X":"MARKET","m":')
    tape = market(tmp_path, lines)
    assert tape.trades(0, 1 << 62).id.tolist() == [1, 3]
    assert dict(tape.passed_over) == {"trade X=INSURANCE_FUND": 1}
