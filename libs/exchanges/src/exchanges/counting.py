"""Where a time begins in a past that is paged by ids alone, each of them one more than the last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from exchanges.checked import Checked

type Fetch = Callable[[int | None, int], Awaitable[Checked]]
"""Returns the page from an id on, None for the newest; rows before a time in ms are refused."""


async def first_page_from(fetch: Fetch, from_ms: int) -> Checked:
    """Return the page that begins with the first trade at a time or after it.

    Ids are guessed by how fast they rise in the last page seen; each third guess is halfway, so
    that there are few of them whatever the market does. A page that begins with the first trade
    there is will do as well.
    """
    page, guess, guesses = await fetch(None, 0), None, 0
    below, above = 0, None  # the id that is wanted is one of [below, above]
    while page.trades:
        first, last = page.trades[0], page.trades[-1]
        later = [row for row in page.trades if row.trade.time_us >= from_ms * 1_000]
        if len(later) < len(page.trades):  # it begins before the time
            if later:
                return await fetch(later[0].page_id, from_ms)
            below = last.page_id + 1
        else:
            above = first.page_id if guess is None else guess
        if above is None or below >= above:
            break
        guesses += 1
        guess = (below + above) // 2
        if guesses % 3:
            passed_us = max(1, last.trade.time_us - first.trade.time_us)
            pace = (last.page_id - first.page_id) / passed_us
            ahead = (from_ms * 1_000 - first.trade.time_us) * pace
            guess = first.page_id + round(ahead) - len(page.trades) // 2
        guess = min(max(guess, below), above - 1)
        page = await fetch(guess, 0)
    return await fetch(below if above is None else above, from_ms)
