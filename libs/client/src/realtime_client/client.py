"""The API as methods: what is newest, what was, and what happens from now on."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from realtime_client.answers import MarketPredictions, Symbol
from realtime_client.asking import path_of
from realtime_client.explanation import Explanation
from realtime_client.following import Following
from realtime_client.integrity import Integrity
from realtime_client.moves import MarketMoves
from realtime_client.past import Past
from realtime_client.standing import ChampionChanged, KnownKey, ModelRecord, Standing
from realtime_client.windows import RollingScores

_REGISTRY_S = 90.0  # which is asked in a process of its own, and may take a minute


class Client(Past, Following):
    """Asks a running system's API at `url`; calls may come from any thread.

    Where reading is not open, `key` says who asks. Where it refuses, ApiError says why; where it
    cannot be reached, NotReachableError.
    """

    def symbols(self) -> list[Symbol]:
        """Return the markets that are followed."""
        return self._ask(list[Symbol], "/symbols")

    def predictions(self, symbol: str, *, horizon: str | None = None) -> MarketPredictions:
        """Return the newest prediction of each horizon, or of one, such as 2s."""
        return self._ask(MarketPredictions, f"/predictions/{path_of(symbol)}", {"horizon": horizon})

    def all_predictions(self, *, horizon: str | None = None) -> dict[str, MarketPredictions]:
        """Return the newest predictions of all markets that have any, by `venue:SYMBOL`."""
        return self._ask(dict[str, MarketPredictions], "/predictions", {"horizon": horizon})

    def moves(
        self, symbol: str, *, target: str = "volatility", horizon: str | None = None
    ) -> MarketMoves:
        """Return how far the price is said to go, as volatility or range, of each horizon."""
        asked = {"target": target, "horizon": horizon}
        return self._ask(MarketMoves, f"/predictions/{path_of(symbol)}", asked)

    def all_moves(
        self, *, target: str = "volatility", horizon: str | None = None
    ) -> dict[str, MarketMoves]:
        """Return the same of all markets that have any, by `venue:SYMBOL`."""
        asked = {"target": target, "horizon": horizon}
        return self._ask(dict[str, MarketMoves], "/predictions", asked)

    def explain(self, prediction_id: str) -> Explanation:
        """Return what a prediction was made of, and what each feature added to it.

        The id is that of a prediction, as it and the history have it. Some take seconds.
        """
        market = prediction_id.rsplit(":", 5)[0]
        written = quote(prediction_id, safe="/:")
        path = f"/predictions/{path_of(market)}/{written}/explain"
        return msgspec.json.decode(
            self._transport.get(path, within_s=_REGISTRY_S), type=Explanation
        )

    def scoreboard(self, *, horizon: str | None = None) -> dict[str, list[Standing]]:
        """Return by `venue:SYMBOL` how good the predictions of each horizon have been."""
        return self._ask(dict[str, list[Standing]], "/scoreboard", {"horizon": horizon})

    def rolling_scores(
        self,
        symbol: str,
        *,
        horizon: str | None = None,
        by: str | None = None,
        fee_bps: float | None = None,
    ) -> RollingScores:
        """Return how good what was served and each candidate was in the last hour to all time.

        `by` is candidate, as it is by default, or version; positions pay `fee_bps`.
        """
        asked = {"horizon": horizon, "by": by, "fee_bps": fee_bps}
        return self._ask(RollingScores, f"/scoreboard/{path_of(symbol)}", asked)

    def models(
        self,
        symbol: str,
        *,
        since: str | int | None = None,
        until: str | int | None = None,
        horizon: str | None = None,
    ) -> list[ModelRecord]:
        """Return which models served a market, when, and how often each was right."""
        asked = {"from": since, "to": until, "horizon": horizon}
        return self._ask(list[ModelRecord], f"/models/{path_of(symbol)}", asked)

    def promote(
        self, symbol: str, *, horizon: str, version: str, why: str | None = None
    ) -> ChampionChanged:
        """Have a version of a market's model serve; the venue is named, and the key an admin's."""
        asked = {"horizon": horizon, "version": version, "why": why}
        return self._change(symbol, "promote", asked)

    def roll_back(self, symbol: str, *, horizon: str, why: str | None = None) -> ChampionChanged:
        """Have the version serve that did before; the venue is named, and the key an admin's."""
        return self._change(symbol, "rollback", {"horizon": horizon, "why": why})

    def integrity(
        self, symbol: str, *, since: str | int | None = None, until: str | int | None = None
    ) -> Integrity:
        """Return how whole a market is: ids, gaps, stalls and certificates."""
        return self._ask(Integrity, f"/integrity/{path_of(symbol)}", {"from": since, "to": until})

    def known_keys(self) -> list[KnownKey]:
        """Return who has a key; it takes an admin's."""
        return self._ask(list[KnownKey], "/keys")

    def health(self) -> dict[str, Any]:
        """Return how each market is; ApiError where nothing can be served."""
        return self._ask(dict[str, Any], "/health")

    def config(self) -> dict[str, dict[str, Any]]:
        """Return the settings in use: what is predicted (`plan`), and those of the `api`."""
        return self._ask(dict[str, dict[str, Any]], "/config")

    def version(self) -> str:
        """Return the version of the API."""
        return self._ask(dict[str, str], "/version")["version"]

    def _change(self, symbol: str, how: str, asked: dict[str, str | None]) -> ChampionChanged:
        path = f"/models/{path_of(symbol)}/{how}"
        changed = self._transport.get(path, asked, method="POST", within_s=_REGISTRY_S)
        return msgspec.json.decode(changed, type=ChampionChanged)
