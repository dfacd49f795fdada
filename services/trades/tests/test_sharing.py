from __future__ import annotations

from trades.sharing import shared_out

MARKETS = tuple(f"binance:C{number}/USDT" for number in range(1_000))


def test_each_market_is_followed_by_one_instance_and_about_as_many_by_each() -> None:
    shares = [shared_out(MARKETS, instance, 4) for instance in range(4)]
    assert sorted(market for share in shares for market in share) == sorted(MARKETS)
    assert all(200 < len(share) < 300 for share in shares)


def test_with_one_instance_more_only_its_own_markets_move() -> None:
    before = [set(shared_out(MARKETS, instance, 4)) for instance in range(4)]
    after = [set(shared_out(MARKETS, instance, 5)) for instance in range(5)]
    assert all(now <= then for now, then in zip(after, before, strict=False))


def test_one_instance_alone_follows_all_in_their_order() -> None:
    assert shared_out(MARKETS, 0, 1) == MARKETS
