"""Where a time begins in a past whose pages are counted back from an id, and from nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from exchanges.venue import HistoricTrade

type Fetch = Callable[[int | None], Awaitable[Sequence[HistoricTrade]]]
"""Returns in order the trades of a page by id, and those before that it has; None: the newest."""


async def first_id_from(fetch: Fetch, page_trades: int, from_ms: int) -> int:
    """Return an id from which on all trades are at a time or after it, and before which none is.

    Ids are guessed by how fast they rise in the page last seen; each third guess is halfway, so
    that there are few of them whatever the market does.
    """
    rows = await fetch(None)
    if not rows:
        return 0
    below, above = 0, rows[-1].page_id + 1  # what is looked for is one of [below, above]
    guess, guesses = above - page_trades, 0
    while True:
        later = [row.page_id for row in rows if row.trade.time_us >= from_ms * 1_000]
        if 0 < len(later) < len(rows):
            return later[0]
        if later:
            above = min(later[0], guess)
        else:
            below = min(guess + page_trades, above)
        if below >= above:
            return above
        guesses += 1
        guess = (below + above) // 2
        if rows and guesses % 3:
            first, last = rows[0], rows[-1]
            pace = (last.page_id - first.page_id) / max(1, last.trade.time_us - first.trade.time_us)
            ahead = (from_ms * 1_000 - first.trade.time_us) * pace
            guess = first.page_id + round(ahead) - page_trades // 2
        guess = min(max(guess, below), above - 1)
        rows = await fetch(guess)
