"""Dead letters fit, and floods of them are summed up."""

from __future__ import annotations

import hashlib

from marketstream.messages import DeadLetter
from marketstream.messages.dead_letter import MOST_RAW, MOST_TEXT
from marketstream.runners.flood import Flood


def letter(number: int, reason: str = "price -1.5 has to be positive") -> DeadLetter:
    return DeadLetter(f"trades[0]@{number}", b"%d" % number, reason, number)


def test_what_fits_is_left_as_it_is() -> None:
    fits = DeadLetter("trades[0]@1", bytes(MOST_RAW), "why", 5)
    assert fits.cut() is fits
    assert fits.whole_size == MOST_RAW


def test_what_is_large_is_cut_and_says_how_large_it_was() -> None:
    raw = b"x" * 5_000_000
    cut = DeadLetter("trades[0]@1", raw, "é" * 900_000, 5).cut()
    assert cut.raw == raw[:MOST_RAW]
    assert (cut.size, cut.whole_size) == (len(raw), len(raw))
    assert cut.sha256 == hashlib.sha256(raw).hexdigest()
    assert len(cut.reason) == MOST_TEXT
    assert cut.cut() is cut


def test_the_first_of_a_minute_pass_and_the_others_are_summed_up_once() -> None:
    flood = Flood()
    passed = [flood.admit(letter(number), 0.001 * number) for number in range(1_000)]
    assert passed == [[letter(number)] if number < 30 else [] for number in range(1_000)]
    assert flood.owes
    assert flood.due(59.0) == ()
    (summary,) = flood.due(60.0)
    assert (summary.source, summary.raw, summary.more) == ("trades", b"", 970)
    assert summary.reason == "and 970 more like it: price -1.5 has to be positive"
    assert not flood.owes
    assert flood.admit(letter(2_000), 61.0) == [letter(2_000)]


def test_reasons_that_differ_in_numbers_and_quoted_words_are_one() -> None:
    flood = Flood()
    for number in range(100):
        flood.admit(letter(number, f"price {number}.5 of 'market {number}' at byte {number}"), 0.0)
    (summary,) = flood.rest()
    assert summary.more == 70


def test_a_source_with_ever_new_reasons_is_bounded_too() -> None:
    flood = Flood()
    words = [
        "".join(chr(97 + number // 26**place % 26) for place in range(4)) for number in range(9_000)
    ]
    passed = sum(len(flood.admit(letter(n, word), 0.0)) for n, word in enumerate(words))
    assert passed == 300
    (summary,) = flood.rest()
    assert summary.more == 8_700
    assert summary.reason == f"and 8,700 more for other reasons, the last one: {words[-1]}"


def test_sources_do_not_share_their_bounds() -> None:
    flood = Flood()
    for number in range(100):
        flood.admit(letter(number), 0.0)
    other = DeadLetter("candles[0]@1", b"{", "price -1.5 has to be positive", 1)
    assert flood.admit(other, 0.0) == [other]
