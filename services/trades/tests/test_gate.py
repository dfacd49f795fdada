"""Live messages wait behind a closed gate, in order, and for their own market only."""

from __future__ import annotations

from marketstream.messages import Trade, Trades
from trades.gate import Gate

BTC, ETH = "binance:BTC/USDT", "binance:ETH/USDT"


def message(market: str, *ids: int) -> Trades:
    trades = tuple(Trade(number, 100.0, 1.0, "buy", number) for number in ids)
    return Trades(market, trades, None, 0)


def test_a_gate_may_be_closed_again_and_again() -> None:
    passed: list[Trades] = []
    gate = Gate([], lambda message, _: passed.append(message))
    gate(message(BTC, 1), 1)
    gate.close(BTC)
    assert (gate.holds(BTC), gate.holds(ETH)) == (True, False)
    gate(message(BTC), 2)
    gate(message(BTC, 2), 2)
    gate.close(BTC)  # again changes nothing
    gate(message(ETH, 7), 2)
    gate(message(BTC, 3), 3)
    assert gate.first_trade_id(BTC) == 2
    assert passed == [message(BTC, 1), message(ETH, 7)]
    gate.open(BTC)
    assert passed[2:] == [message(BTC), message(BTC, 2), message(BTC, 3)]
    assert not gate.holds(BTC)
    gate(message(BTC, 4), 4)
    assert passed[-1] == message(BTC, 4)


def test_a_gate_may_pass_on_a_part_of_what_it_holds() -> None:
    passed: list[Trades] = []
    gate = Gate([BTC], lambda message, _: passed.append(message))
    held = [message(BTC, 1), message(BTC), message(BTC, 5), message(BTC)]
    for one in held:
        gate(one, 1)
    gate.pass_before(BTC, 3)
    assert (passed, gate.first_trade_id(BTC)) == (held[:2], 5)
    gate.pass_before(ETH, 3)
    assert passed == held[:2]
    gate.open(BTC)
    assert passed == held
