import pytest

from exchange_simulator.clock import MarketClock
from marketstream.errors import SettingsError


class Real:
    """Real time, moved by hand, in ns."""

    now = 5_000_000_000

    def __call__(self) -> int:
        return self.now


def test_clock_stands_until_started_and_then_runs_at_its_speed() -> None:
    real = Real()
    clock = MarketClock(1_000_000, 20.0, real)
    real.now += 1_000_000_000
    assert clock.now_us() == 1_000_000
    clock.start()
    real.now += 500_000_000
    assert clock.now_us() == 1_000_000 + 20 * 500_000


def test_second_start_changes_nothing() -> None:
    real = Real()
    clock = MarketClock(0, 1.0, real)
    clock.start()
    real.now += 1_000_000
    clock.start()
    assert clock.now_us() == 1_000


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_speed_that_makes_no_sense_is_refused(speed: float) -> None:
    with pytest.raises(SettingsError, match="give a number above 0"):
        MarketClock(0, speed)
