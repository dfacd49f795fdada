"""`realtime bench`: how fast it is, measured the same way every time."""

NAMES = (
    "replay", "ingest", "candles", "live", "start", "train", "infer", "indicators", "symbols",
    "symbols-kafka", "api", "kafka",
)  # fmt: skip
