"""Live forecasts of how far are those of the columns, through restarts and holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from pydantic import ValidationError

from marketstream.columns import CandleColumns, Flags, Floats, Times
from marketstream.messages import Features, MoveForecast, MoveOutcome, MovePrice, MoveTarget
from marketstream.readers.candles import read_candles
from predictor.moves.fit import Fit, Fitted, fit
from predictor.moves.layout import Layout
from predictor.moves.operator import Moves
from predictor.moves.settings import MovesSettings
from predictor.moves.start import so_far
from predictor.targets.bounds import tracked
from predictor.targets.grid import Grid
from predictor.targets.rows import rows_of
from predictor.targets.scores import crps, qlike

MARKET = "binance:BTC/USDT"
MINUTE = 60_000
BASELINES = ("ewma", "har", "same_hour_of_yesterday")


def messages(candles: CandleColumns) -> list[Features]:
    """Return the features of each candle, without any indicator."""
    columns = [candles.floats(name).tolist() for name in ("close", "high", "low", "volume")]
    books: list[list[float | None]] = [
        [None if np.isnan(one) else one for one in candles.floats(name).tolist()]
        for name in ("bid", "ask")
    ]
    return [
        Features(
            MARKET, candles.timeframe, close_ms, {}, bid, ask, close, "none",
            complete=complete, high=high, low=low, volume=volume,
        )
        for close_ms, close, high, low, volume, bid, ask, complete in zip(
            candles.close_time_ms.tolist(), *columns, *books, candles.complete.tolist(),
            strict=True,
        )
    ]  # fmt: skip


def columns_of(
    open_ms: Times,
    timeframe_ms: int,
    *,
    close: Floats,
    high: Floats,
    low: Floats,
    volume: Floats,
    complete: Flags,
) -> CandleColumns:
    return CandleColumns(
        timeframe="1m" if timeframe_ms == MINUTE else f"{timeframe_ms // 1_000}s",
        open_time_ms=open_ms,
        close_time_ms=open_ms + timeframe_ms,
        open=close,
        high=high,
        low=low,
        close=close,
        volume=volume,
        quote_volume=volume * close,
        trade_count=np.ones(len(close)),
        taker_buy_volume=volume / 2,
        taker_buy_quote_volume=volume * close / 2,
        complete=complete,
        bid=close * (1 - 1e-5),
        bid_quantity=np.ones(len(close)),
        ask=close * (1 + 1e-5),
        ask_quantity=np.ones(len(close)),
    )


def rough_candles(count: int, *, timeframe_ms: int = 60_000, seed: int = 1) -> CandleColumns:
    """Return candles with a day's rhythm, a hole, and some that lack trades."""
    random = np.random.default_rng(seed)
    logs = np.zeros(count)
    for row in range(1, count):
        logs[row] = 0.99 * logs[row - 1] + 0.1 * random.normal()
    close_ms = 1_700_000_000_000 // timeframe_ms * timeframe_ms + timeframe_ms * np.arange(
        1, count + 1
    )
    rhythm = np.sin(close_ms / 86_400_000 * 2 * np.pi)
    moves = 3e-4 * np.exp(logs + 0.5 * rhythm) * random.normal(size=count)
    moves[count // 3 : count // 3 + 7] = 0.0
    price: Floats = 100 * np.exp(np.cumsum(moves))
    away = np.abs(random.normal(size=(2, count))) * 1e-4
    candles = columns_of(
        close_ms - timeframe_ms, timeframe_ms,
        close=price, high=price * (1 + away[0]), low=price * (1 - away[1]),
        volume=random.lognormal(size=count), complete=random.random(count) > 0.001,
    )  # fmt: skip
    held = np.ones(count, np.bool_)
    held[count // 2 : count // 2 + 50] = False
    return candles.rows(held)


def layout_of(timeframe: str = "1m", latency_ms: int = 0, **settings: object) -> Layout:
    found = Layout.of(MovesSettings.model_validate(settings), timeframe, latency_ms)
    assert found is not None
    return found


def fits_of(candles: CandleColumns, layout: Layout) -> list[Fit]:
    grid = Grid.of(candles, layout.price)
    found = [
        fit(
            grid, target, horizon_ms,
            fit_step_ms=layout.fit_step_ms, step_ms=layout.step_ms,
            timeframe=layout.timeframe, latency_ms=layout.latency_ms,
        )
        for target in layout.targets
        for horizon_ms in layout.horizons_ms
    ]  # fmt: skip
    assert None not in found
    return [one for one in found if one is not None]


def run(
    operator: Moves,
    given: Sequence[Features],
    *,
    fits: Sequence[Fit] = (),
    fitted_after: int = 0,
    restarts: Sequence[int] = (),
    layout: Layout | None = None,
) -> list[MoveForecast | MoveOutcome]:
    """Return what follows; where it restarts, a new operator goes on from a snapshot."""
    following: list[MoveForecast | MoveOutcome] = []
    for number, message in enumerate(given):
        if number == fitted_after:
            operator.install(fits)
        if number in restarts:
            snapshot, operator = operator.snapshot(), Moves(MARKET, layout or layout_of())
            operator.restore(snapshot)
        following += operator.update(message)
    return following


def said(
    following: Sequence[MoveForecast | MoveOutcome], target: MoveTarget, horizon_ms: int
) -> tuple[dict[int, MoveForecast], dict[int, MoveOutcome]]:
    chosen = [one for one in following if (one.target, one.horizon_ms) == (target, horizon_ms)]
    return (
        {one.close_time_ms: one for one in chosen if isinstance(one, MoveForecast)},
        {one.close_time_ms: one for one in chosen if isinstance(one, MoveOutcome)},
    )


def check_equal(
    candles: CandleColumns, layout: Layout, begin: int, restarts: Sequence[int] = ()
) -> int:
    """Compare what the operator says from candle `begin` on with the columns; return how much."""
    fits = fits_of(candles.rows(slice(0, begin)), layout)
    following = run(
        Moves(MARKET, layout), messages(candles),
        fits=fits, fitted_after=begin, restarts=restarts, layout=layout,
    )  # fmt: skip
    grid = Grid.of(candles, layout.price)
    compared = 0
    for one in fits:
        forecasts, outcomes = said(following, one.target, one.horizon_ms)
        rows = rows_of(
            grid, one.target,
            step_ms=layout.step_ms, horizon_ms=one.horizon_ms, latency_ms=layout.latency_ms,
            floor=one.floor,
        )  # fmt: skip
        fitted = Fitted(one)
        decided = np.isfinite(grid.price[(rows.times_ms - grid.close_ms[0]) // grid.base_ms])
        last_ms = grid.close_ms[-1] // layout.step_ms * layout.step_ms
        later = decided & (rows.times_ms > one.trained_at_ms) & (rows.ends_ms <= last_ms)
        times, came = rows.times_ms[later], rows.came[later]
        expected, means = fitted.expect({name: each[later] for name, each in rows.known.items()})
        quantiles = expected[:, None] + tracked(
            fitted.tracker, np.log(came) - expected, times, rows.ends_ms[later]
        )
        assert times.tolist() == sorted(t for t in outcomes if t > one.trained_at_ms)
        live = [forecasts[time_ms] for time_ms in times.tolist()]
        ended = [outcomes[time_ms] for time_ms in times.tolist()]
        means_of = {name: np.array([each.baselines[name] for each in live]) for name in BASELINES}
        means_of["ridge"] = np.array([each.mean for each in live])
        for name, mean in means_of.items():
            np.testing.assert_allclose(mean, means[name], rtol=1e-9, err_msg=name)
        told = np.log([each.quantiles for each in live])
        np.testing.assert_allclose(told, quantiles, rtol=1e-9)
        realised = np.maximum([each.realised for each in ended], one.floor)
        np.testing.assert_allclose(realised, came, rtol=1e-9)
        losses = [[each.qlike, each.baselines["har"], each.crps] for each in ended]
        log_came = np.log(came)
        exact = [qlike(came, means["ridge"]), qlike(came, means["har"]), crps(log_came, quantiles)]
        np.testing.assert_allclose(losses, np.column_stack(exact), rtol=1e-6, atol=1e-12)
        bounds = [[each.inside_90, each.inside_80] for each in ended]
        within = [
            (quantiles[:, low] <= log_came) & (log_came <= quantiles[:, -1 - low]) for low in (0, 1)
        ]
        assert (np.array(bounds) == np.column_stack(within)).all()
        compared += len(times)
    return compared


@pytest.mark.parametrize("restarts", [(), (4_100, 5_003)])
def test_streaming_is_what_the_columns_say(restarts: Sequence[int]) -> None:
    candles = rough_candles(6_500)
    assert check_equal(candles, layout_of(), 4_000, restarts) > 6 * 2_000


def test_so_it_is_of_a_mid_of_seconds_late_starts_and_steps_that_divide_no_span() -> None:
    candles = rough_candles(9_000, timeframe_ms=5_000)
    settings = {"horizons": [75, 300], "step": 75}
    layout = layout_of("5s", latency_ms=7_000, **settings)
    assert layout.price == "mid"
    assert check_equal(candles, layout, 5_000, (5_500,)) > 500


@pytest.mark.data
@pytest.mark.parametrize("name", ["binance-spot-BTCUSDT-1m-2025", "binance-spot-ETHUSDT-1m-2022"])
def test_on_real_candles_streaming_is_what_the_columns_say(market_data: Path, name: str) -> None:
    read = read_candles([market_data / "candles" / f"{name}.csv.gz"])
    columns = {part: read.columns[part][:9_500] for part in ("close", "high", "low", "volume")}
    complete = np.ones(9_500, np.bool_)
    complete[8_500] = False
    candles = columns_of(read.open_time_us[:9_500] // 1_000, MINUTE, complete=complete, **columns)
    assert check_equal(candles, layout_of(), 8_000, (8_001, 9_007)) > 6 * 1_200


def test_before_a_fit_the_weighted_mean_serves_by_name_and_without_bounds() -> None:
    following = run(Moves(MARKET, layout_of()), messages(rough_candles(200)))
    forecasts, outcomes = said(following, "volatility", 5 * MINUTE)
    first = forecasts[min(forecasts)]
    assert (first.model_name, first.model_version, first.quantiles) == ("ewma", "", ())
    assert first.mean == first.baselines["ewma"]
    assert {"ewma", "har"} <= first.baselines.keys()
    outcome = outcomes[first.close_time_ms]
    assert outcome.qlike == outcome.baselines["ewma"]
    assert (outcome.crps, outcome.inside_80, outcome.inside_90) == (None, None, None)
    assert {one.price for one in forecasts.values()} == {"close"}


def test_of_a_stall_a_hole_or_missing_trades_nothing_is_known_and_nothing_is_said() -> None:
    given = messages(rough_candles(300))
    operator = Moves(MARKET, layout_of(horizons=[60]))
    run(operator, given[:100])
    operator.stalled = True
    assert run(operator, given[100:103]) == []
    operator.stalled = False
    # The return since the stall is unknown, so that the horizon that ends here has no outcome.
    assert [type(one) for one in operator.update(given[103])] == [MoveForecast, MoveForecast]
    after = run(operator, given[104:106])
    assert {type(one) for one in after} == {MoveForecast, MoveOutcome}
    assert operator.update(msgspec.structs.replace(given[106], complete=False)) == []
    earlier = msgspec.structs.replace(given[107], high=None, low=None, volume=None)
    assert operator.update(earlier) == []  # of a release that did not tell them
    far = given[108].close_time_ms + 5 * MINUTE
    late = operator.update(msgspec.structs.replace(given[108], close_time_ms=far))
    assert [type(one) for one in late] == [MoveForecast, MoveForecast]
    forming = msgspec.structs.replace(given[110], close_time_ms=far + MINUTE, forming=True)
    assert operator.update(forming) == []
    assert operator.update(given[108]) == []  # it has been


def test_a_hole_of_more_than_a_day_begins_anew_and_fits_stay() -> None:
    candles = rough_candles(1_000)
    layout = layout_of(horizons=[60], targets=["range"])
    operator = Moves(MARKET, layout)
    operator.install(fits_of(candles, layout))
    given = messages(candles)
    run(operator, given[:50])
    later = [
        msgspec.structs.replace(one, close_time_ms=one.close_time_ms + 90_000_000)
        for one in given[50:53]
    ]
    said_later = run(operator, later)
    assert [type(one) for one in said_later] == [MoveForecast, MoveOutcome, MoveForecast]
    assert {one.model_name for one in said_later} == {"ridge"}


def test_other_horizons_after_a_restart_begin_anew_and_keep_the_fits_they_can() -> None:
    candles = rough_candles(1_500)
    before = layout_of(horizons=[60, 300])
    operator = Moves(MARKET, before)
    operator.install(fits_of(candles, before))
    run(operator, messages(candles)[:500])
    after = Moves(MARKET, layout_of(horizons=[60, 900]))
    after.restore(operator.snapshot())
    assert set(after.fits) == {("volatility", MINUTE), ("range", MINUTE)}
    assert after.update(messages(candles)[500]) == []


def test_fits_for_other_closes_serve_nobody_after_a_restart() -> None:
    candles, layout = rough_candles(1_500), layout_of(horizons=[60, 300], targets=["range"])
    fits = fits_of(candles, layout)
    five = fits[1]
    assert five.is_of("1m", 0, 5)
    assert not five.is_of("1m", 0, 1)  # whose ways back are fewer
    for strange in (
        [msgspec.structs.replace(one, timeframe="1s") for one in fits],
        [msgspec.structs.replace(one, timeframe="") for one in fits],
        [msgspec.structs.replace(one, latency_ms=250) for one in fits],
        [msgspec.structs.replace(five, horizon_ms=MINUTE)],
    ):
        operator = Moves(MARKET, layout)
        operator.install(strange)
        run(operator, messages(candles)[:1])
        after = Moves(MARKET, layout)
        after.restore(operator.snapshot())
        assert after.fits == {}
        assert run(after, messages(candles)[1:60])


def test_a_market_that_never_moved_is_not_forecast() -> None:
    still = rough_candles(300)
    flat = replace(still, close=np.full(len(still), 5.0), high=np.full(len(still), 5.0),
                   low=np.full(len(still), 5.0))  # fmt: skip
    assert run(Moves(MARKET, layout_of()), messages(flat)) == []
    grid = Grid.of(flat, "close")
    nothing = fit(grid, "range", MINUTE, fit_step_ms=MINUTE, step_ms=MINUTE, timeframe="1m")
    assert nothing is None


def test_settings_say_what_a_timeframe_allows() -> None:
    assert Layout.of(MovesSettings(targets=[]), "1s", 0) is None
    assert Layout.of(MovesSettings(horizons=[10]), "1m", 0) is None
    assert layout_of("5m").horizons_ms == (300_000, 900_000)
    assert layout_of("5m").step_ms == 300_000
    assert layout_of("1s", horizons=[10, 60]).step_ms == 10_000
    with pytest.raises(ValidationError, match="a step of 7 s does not divide 3600 s"):
        MovesSettings(step=7)
    with pytest.raises(ValidationError, match="less than or equal to 3600"):
        MovesSettings(horizons=[7_200])


def test_the_variance_so_far_is_said_as_soon_as_it_is_known_until_a_horizon_is_over() -> None:
    candles = rough_candles(500, timeframe_ms=1_000)
    layout = layout_of("1s", targets=["volatility", "range"], horizons=[60, 900])
    given = messages(candles)[:200]
    begun_ms = given[0].close_time_ms
    restarted = run(Moves(MARKET, layout), given, restarts=(12, 20, 70), layout=layout)
    following = run(Moves(MARKET, layout), given)
    assert restarted == following
    forecasts, outcomes = said(following, "volatility", MINUTE)
    first_ms = min(forecasts)
    first = forecasts[first_ms]
    known = np.isfinite(Grid.of(candles, "mid").squared[1:]).cumsum()
    assert first_ms == begun_ms + 1_000 * (int(np.argmax(known == 20)) + 1)
    assert (first.model_name, first.model_version, first.quantiles) == ("so_far", "", ())
    grid = Grid.of(candles, "mid")
    seen = grid.squared[grid.close_ms <= first_ms]
    assert first.mean == pytest.approx(60 * np.nanmean(seen))
    assert first.baselines == {"so_far": first.mean}
    assert first_ms in outcomes
    assert outcomes[first_ms].qlike == outcomes[first_ms].baselines["so_far"]
    later = [one for close_ms, one in forecasts.items() if close_ms >= begun_ms + 2 * MINUTE]
    assert {one.model_name for one in later} == {"ewma"}
    of_long, _ = said(following, "range", 900_000)
    assert {one.model_name for one in of_long.values()} == {"so_far"}
    assert list(of_long) == [first_ms, *(c for c in of_long if c % MINUTE == 0)]


@pytest.mark.parametrize("price", ["mid", "close"])
def test_the_range_so_far_is_that_of_a_random_walk(price: MovePrice) -> None:
    random = np.random.default_rng(3)
    fine = 40 if price == "close" else 1
    steps = random.normal(scale=1e-4 / np.sqrt(fine), size=(2_000, 60 * fine))
    paths = np.concatenate([np.zeros((2_000, 1)), steps.cumsum(axis=1)], axis=1)
    came = float((paths.max(axis=1) - paths.min(axis=1)).mean())
    expected = so_far(1e-8, "range", 60, price)
    assert expected == pytest.approx(came, rel=0.03)
    assert so_far(1e-8, "volatility", 60, price) == pytest.approx(60e-8)
    assert so_far(0.0, "range", 60, price) is None
    assert so_far(float("nan"), "range", 60, price) is None
