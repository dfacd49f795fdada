"""A set that forgets."""

from __future__ import annotations

from marketstream.recent import Recent


def test_newest_are_known_and_the_oldest_is_forgotten() -> None:
    recent = Recent(2)
    assert [recent.add(item) for item in ("a", "b", "a", "c", "b", "a")] == [
        True, True, False, True, False, True,
    ]  # fmt: skip


def test_item_is_taken_once() -> None:
    recent = Recent(2)
    recent.add("a")
    assert [recent.take("a"), recent.take("a"), recent.take("b")] == [True, False, False]
