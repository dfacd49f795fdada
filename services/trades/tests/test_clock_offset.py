from __future__ import annotations

from trades.clock_offset import ClockOffset

SECOND_US = 1_000_000


def test_nothing_is_known_before_the_first_event() -> None:
    assert ClockOffset().offset_us is None


def test_event_that_travelled_fastest_tells_the_offset() -> None:
    clock = ClockOffset()
    for delay_us in (5_000, 1_000, 90_000):
        clock.update(event_us=10 * SECOND_US, received_us=9 * SECOND_US + delay_us)
    assert clock.offset_us == SECOND_US - 1_000


def test_local_clock_ahead_of_the_exchange_gives_a_negative_offset() -> None:
    assert ClockOffset().update(event_us=5 * SECOND_US, received_us=7 * SECOND_US) == -2 * SECOND_US


def test_old_extreme_is_forgotten_after_a_minute_at_most_and_half_a_minute_at_least() -> None:
    clock = ClockOffset()
    clock.update(event_us=100, received_us=0)
    assert clock.update(event_us=31 * SECOND_US, received_us=31 * SECOND_US) == 100
    assert clock.update(event_us=59 * SECOND_US, received_us=59 * SECOND_US) == 100
    assert clock.update(event_us=60 * SECOND_US, received_us=60 * SECOND_US) == 0


def test_receive_clock_set_back_starts_the_window_anew() -> None:
    clock = ClockOffset()
    clock.update(event_us=100 * SECOND_US, received_us=100 * SECOND_US)
    hour_us = 3_600 * SECOND_US
    assert clock.update(event_us=4_000 * SECOND_US, received_us=400 * SECOND_US) == hour_us
    assert clock.update(event_us=4_001 * SECOND_US, received_us=0) == 4_001 * SECOND_US


def test_estimate_stays_through_a_silence_until_the_next_event() -> None:
    clock = ClockOffset()
    clock.update(event_us=700, received_us=0)
    assert clock.offset_us == 700
    assert clock.update(event_us=1_000 * SECOND_US, received_us=1_000 * SECOND_US) == 0
