"""The words that several messages share."""

from __future__ import annotations

from typing import Literal

type Side = Literal["buy", "sell"]
type CandleState = Literal["forming", "closed"]
type Role = Literal["champion", "challenger"]
type Direction = Literal["up", "down", "abstain"]
type Answer = Literal["up", "down", "none"]
type Verdict = Literal["right", "wrong", "flat", "abstained"]
