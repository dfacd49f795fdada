"""A trade that is not the usual next one: repeated, late, far ahead, or of other numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketstream.messages import Trade
from trades.session.ids import OpenGap
from trades.session.joining import NUMBERS_AGAIN
from trades.session.pages import first_id
from trades.session.plausibility import FREE_JUMP
from trades.session.rules import Mark

if TYPE_CHECKING:
    from trades.session.market import MarketSession

_GAP_REST_US = 250_000  # a trade out of order may still come by itself


def examine(session: MarketSession, trade: Trade, received_us: int) -> bool | None:
    """Look at a trade that is not the usual next one: whether it is the newest.

    None where it is known, or REST is to bring it. Raises BadMessage where it is put aside.
    """
    ledger, plausibility = session.ledger, session.plausibility
    gap = None
    if plausibility.overtakes(trade, ledger.ids.next_id):
        plausibility.check(trade, None, received_us)
        _begin_again(session, trade, received_us)
        return True
    if ledger.ids.next_id is not None and first_id(trade) < ledger.ids.next_id:
        gap = ledger.ids.find(trade.id)
        if gap is None and trade.time_us <= session.batcher.newest_us:
            return None
        if gap is not None and not gap.bottom and trade.time_us <= session.batcher.newest_us:
            return None  # the past is being read, and it is in there
        if gap is None or not gap.bottom or plausibility.is_after(trade, gap):
            plausibility.check_new_numbering(
                trade, ledger.ids.next_id, received_us, is_known=gap is None
            )
            _begin_again(session, trade, received_us)
            return True
    plausibility.check(trade, gap, received_us)
    if gap is None:
        return _examine_new(session, trade, received_us)
    ledger.fill(gap, range(trade.id, trade.id + 1))
    return False


def _examine_new(session: MarketSession, trade: Trade, received_us: int) -> bool | None:
    """Look at a trade with an id beyond all that are known."""
    ledger, plausibility, joining = session.ledger, session.plausibility, session.joining
    next_id = ledger.ids.next_id
    if joining.numbers_again and joining.holding is None:
        _begin_again(session, trade, received_us, reads_past=False)
        return True
    jumped = None if next_id is None else first_id(trade) - next_id
    is_brought = session.rules.asks and (jumped is not None or joining.holding is not None)
    if is_brought and not joining.joined and not plausibility.is_confirmed(trade, jumped):
        return None
    if next_id is None and joining.holding is not None:
        ledger.past_before(trade, 0, received_us)
    if next_id is not None and jumped:
        if joining.joined:
            plausibility.check_jump(trade, jumped)
        # What was believed to be of later may not have been.
        since_us, until_us = sorted((plausibility.known_until_us, trade.time_us))
        gap = OpenGap(
            next_id,
            first_id(trade),
            since_us,
            until_us,
            received_us,
            awaited=not joining.joined,
            ask_at_us=received_us + round(_GAP_REST_US * session.rules.speed),
        )
        if not joining.joined and jumped > FREE_JUMP:
            gap.after = Mark.of(trade)  # the exchange has it: ids may have begun again before it
        ledger.open(gap)
    plausibility.believe()
    return True


def _begin_again(
    session: MarketSession, trade: Trade, received_us: int, *, reads_past: bool = True
) -> None:
    """Begin a new numbering; what came before this trade in it is asked for by time."""
    session.flush(received_us)
    session.joining.begin_again(received_us)
    since_us = max(session.batcher.newest_us, session.batcher.filled_us)
    seam_us = min(since_us, session.plausibility.known_until_us)
    session.ledger.begin_again(trade, seam_us, NUMBERS_AGAIN)
    session.batcher.epoch = session.ledger.epoch
    session.plausibility.believe()
    if session.rules.asks and reads_past:
        # Beyond the last of the old numbers: a page of both is refused.
        session.ledger.past_before(trade, since_us + 1_000, received_us)
        session.joining.hold(since_us + 1_000)
