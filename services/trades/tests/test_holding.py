"""Messages held back for trades that are missing do not grow without bound."""

from marketstream.messages import Context, Quote, Reading, Trade, Trades
from trades.session.holding import Holding

MARKET = "binance-usdm:BTC/USDT:USDT"


def said(at: int, *, quote: bool = False, context: bool = False, traded: bool = False) -> Trades:
    return Trades(
        MARKET,
        (Trade(at, 100.0, 1.0, "buy", at),) if traded else (),
        Quote(99.0, 1.0, 101.0, 1.0, at) if quote else None,
        at,
        context=Context(at, Reading(100.0, at)) if context else None,
    )


def test_an_hour_without_trades_is_held_in_a_bounded_number_of_messages() -> None:
    holding, out = Holding(5_000_000), list[Trades]()
    for at in range(40_000):
        holding.add(said(at, quote=at % 2 == 0, context=at % 2 == 1), at)
    holding.add(said(40_000, traded=True), 40_000)
    holding.add(said(40_001, quote=True), 40_001)
    holding.add(said(40_002, context=True), 40_002)
    holding.let_go(lambda message, _received_us: out.append(message))
    assert len(out) <= 10_002
    assert [one.seen_until_us for one in out] == sorted(one.seen_until_us for one in out)
    before, trades, newest = out[-3:]
    assert (before.seen_until_us, before.quote, before.context) == (
        39_999, said(39_998, quote=True).quote, said(39_999, context=True).context,
    )  # fmt: skip
    assert trades == said(40_000, traded=True)
    assert newest.quote == said(40_001, quote=True).quote
    assert newest.context == said(40_002, context=True).context
