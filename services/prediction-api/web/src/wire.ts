// What the API sends. Times are milliseconds UTC of the market's clock.

export type Direction = "up" | "down" | "abstain";
export type Verdict = "right" | "wrong" | "flat" | "abstained";

/** Open time, open, high, low, close, the mid as of the close, and the volume. */
export type CandleRow = [number, number, number, number, number, number | null, number];

/** Close time, the moment it is about, mid, predicted price, low, high, direction, what came. */
export type PointRow = [
  number,
  number,
  number,
  number,
  number,
  number,
  Direction,
  Verdict | null,
];

/** What a candidate said, and its weight in what is served; `model` has its version. */
export interface Candidate {
  p_up: number;
  weight: number;
  model: string;
}

export interface Prediction {
  id: string;
  horizon_ms: number;
  made_at_ms: number;
  for_ms: number;
  mid: number;
  predicted_price: number;
  expected_return: number;
  p_up: number;
  p_flat: number;
  p_down: number;
  low: number;
  high: number;
  level: number;
  direction: Direction;
  reason: string | null;
  model: { name: string; version: string };
  latency_us: number | null;
  candidates: Record<string, Candidate>;
}

/** A market as `venue:SYMBOL`, what that is made of, and its path in URLs. */
export interface FollowedMarket {
  market: string;
  venue: string;
  symbol: string;
  path: string;
}

export interface View {
  market: string;
  venue: string;
  symbol: string;
  timeframe_ms: number;
  horizons_ms: number[];
  candles: CandleRow[];
  forming: CandleRow | null;
  points: Record<string, PointRow[]>;
  newest: Record<string, Prediction>;
  previews: Record<string, Prediction>;
}

/** A new prediction, and its point unless it came too late to be scored. */
export interface Predicted {
  prediction: Prediction;
  point: PointRow | null;
}

export interface Happened {
  horizon_ms: number;
  close_time_ms: number;
  verdict: Verdict;
  realised_mid: number;
}

export interface Score {
  outcomes: number;
  moved: number;
  effective: number;
  accuracy: number | null;
  low: number | null;
  high: number | null;
  baselines: Record<string, number>;
  references: Record<string, number>;
}

export interface Model {
  name: string;
  version: string;
  trained_at_ms: number;
  rows: number;
  trainings: number;
}

/** What all outcomes prove; whoever looks at any time is told what is false `alpha` times at most. */
export interface Proof {
  verdict: "not known yet" | "skill" | "worse than the best baseline";
  better: string[];
  log10_e: number;
  alpha: number;
  since_ms: number | null;
  outcomes: number;
}

export interface HorizonStatus {
  horizon_ms: number;
  score: Score;
  proof: Proof;
  model: Model | null;
  reliability: ReliabilityBin[];
  on_paper: OnPaper;
}

/** Moves of which about as much was said: how much for up on average, and how often it came. */
export interface ReliabilityBin {
  said: number;
  came: number;
  moved: number;
}

/** What a position in each direction said earns on average; `net_bps` is less the spread. */
export interface OnPaper {
  positions: number;
  gross_bps: number | null;
  spread_bps: number | null;
  net_bps: number | null;
}

/** The connection to the exchange; a count is null until somebody has told of it. */
export interface Feed {
  exchange: string;
  connected: boolean;
  reconnects: number | null;
  missing_trades: number | null;
  parity: number | null;
  compared: number;
}

/** What is missing, and how far it is. */
export interface WarmingUp {
  detail: string;
  seen_ms: number;
  needed_ms: number;
}

/** From the receipt of what closed a candle until its prediction can be read, whole and in parts. */
export interface Latency {
  p50_us: number;
  p99_us: number;
  count: number;
  hops: Hop[];
}

export interface Hop {
  name: "exchange" | "prediction" | "api";
  p50_us: number;
  p99_us: number;
}

export interface Status {
  state: "connecting" | "warming up" | "ok" | "stalled" | "stale" | "ended";
  as_of_ms: number | null;
  data_age_ms: number | null;
  warming_up: WarmingUp | null;
  latency: Latency | null;
  feed: Feed;
  horizons: HorizonStatus[];
  /** The markets, this one or others, whose time stands still. */
  stalled: string[];
  /** Of each target of which nothing has been forecast yet what is missing. */
  how_far_missing?: Record<string, WarmingUp>;
}

/** Trades `[first_id, end_id)` that were not seen, between the times of those on both sides. */
export interface GapSeen {
  epoch: number;
  first_id: number;
  end_id: number;
  ids: number;
  since_ms: number;
  until_ms: number | null;
  state: "open" | "repaired" | "lost";
  reason: string | null;
}

/** A silence longer than the market ever is. */
export interface StallSeen {
  channel: "trades" | "quotes" | "connection";
  since_ms: number;
  until_ms: number | null;
  end: "open" | "quiet" | "resumed" | "zombie" | "unknown";
}

/** Candles on end that lack trades (`complete` false) or of which nobody can tell (null). */
export interface DoubtSeen {
  since_ms: number;
  until_ms: number;
  candles: number;
  complete: boolean | null;
}

/** What the page reads of `/integrity`. */
export interface IntegrityTold {
  gaps: GapSeen[];
  stalls: StallSeen[];
  doubts: DoubtSeen[];
}

/** How often predictions of a horizon at closes of a stretch of time were right. */
export interface Stretch {
  from_ms: number;
  to_ms: number;
  moved: number;
  accuracy: number | null;
  low: number | null;
  high: number | null;
  coverage: number;
}

/** What the page reads of `/predictions/…/accuracy`. */
export interface AccuracyTold {
  stretches: Stretch[];
}

/** What the page reads of `/models`: a version, and what it served in the time asked for. */
export interface ServedModel {
  name: string | null;
  version: string;
  first_close_ms: number | null;
  last_close_ms: number | null;
  moved: number;
  accuracy: number | null;
}

/** A page of what was; `next` is not read here. */
export interface Page<Row> {
  rows: Row[];
}

/** What the page reads of a prediction in `/predictions/…/history`, and of what came of it. */
export interface Judged {
  id: string;
  close_time_ms: number;
  horizon_ms: number;
  mid: number;
  predicted_price: number;
  p_up: number;
  p_flat: number;
  p_down: number;
  direction: Direction;
  verdict: Verdict | null;
  realised_return: number | null;
}

/** What the page reads of `/predictions/…/explain`; `missing` says why something is null. */
export interface Explanation {
  id: string;
  p_up: number | null;
  prediction: Judged & {
    low: number;
    high: number;
    level: number;
    reason: string | null;
    model_name: string;
    model_version: string;
    /** What each said, its weight, and its version. */
    candidates: Record<string, [number, number, string]>;
  };
  moments: { latency_us: number | null };
  candle: {
    open: number;
    high: number;
    low: number;
    close: number;
    bid: number | null;
    ask: number | null;
  } | null;
  features: { values: Record<string, number | null> } | null;
  model: { rows: number } | null;
  outcome: { verdict: Verdict; realised_return: number } | null;
  missing: Record<string, string>;
  contributions: Record<string, Terms> | null;
}

/** What the page reads of `/indicators`: the values as of a close, null while they warm up. */
export interface IndicatorsAt {
  close_time_ms: number;
  values: Record<string, number | null>;
}

/** A candidate's log odds of up: `base` and what each feature adds, null where nobody can say. */
export interface Terms {
  log_odds: number;
  base: number;
  features: Record<string, number> | null;
}

/** What the page reads of `/predictions`. */
export interface MarketPredictions {
  as_of_ms: number;
  stale: boolean;
  stalled: boolean;
  predictions: Prediction[];
}

/** What the page reads of `/predictions?target=`, by market: moves are shares of the price. */
export interface MarketMoves {
  stale: boolean;
  stalled: boolean;
  moves: Move[];
  scores: MoveScore[];
  /** Of which horizons there are no bounds yet, and when there can be some. */
  bounds_missing: { horizon_ms: number; detail: string; seen_ms: number; needed_ms: number }[];
}

export interface Move {
  target: string;
  horizon_ms: number;
  move: number;
  low_80: number | null;
  high_80: number | null;
  low_90: number | null;
  high_90: number | null;
  baselines: Record<string, number>;
}

export interface MoveScore {
  horizon_ms: number;
  outcomes: number;
  coverage_80: number;
  coverage_90: number;
}

export interface News {
  candle: CandleRow;
  forming: CandleRow;
  prediction: Predicted;
  preview: Prediction;
  outcome: Happened;
  /** It was said anew how far the market will go. */
  moves: { target: string };
  status: Status;
}
