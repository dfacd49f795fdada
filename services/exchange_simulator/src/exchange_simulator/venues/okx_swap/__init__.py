"""OKX's perpetual swaps: the spot markets' server side with sizes in contracts."""

from __future__ import annotations

from exchange_simulator.venues.okx_swap.server import SwapServer

SERVER = SwapServer
