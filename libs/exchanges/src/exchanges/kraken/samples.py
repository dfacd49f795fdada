"""What Kraken says: frames and answers recorded in 2023 and 2025, the others from its docs."""

from __future__ import annotations

from exchanges.events import BookEvent, QuoteEvent
from exchanges.samples import Samples
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.klines import Kline
from marketstream.messages import Trade

SAMPLES = Samples(
    symbol="BTC/USDT",
    trade=b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USDT","side":"sell",'
    b'"price":105910.50,"qty":0.00012460,"ord_type":"market","trade_id":10218209,'
    b'"timestamp":"2023-10-06T17:35:56.123456Z"}]}',
    trade_means=Trade(10218209, 105910.5, 0.0001246, "sell", 1696613756123456),
    quote=b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USDT","bid":105910.4,'
    b'"bid_qty":740.0,"ask":105910.5,"ask_qty":1.44813783,"last":105910.5,"volume":997.03898383,'
    b'"vwap":105148.2,"low":104979.0,"high":106285.1,"change":-17.2,"change_pct":-0.17,'
    b'"timestamp":"2023-10-06T17:35:56.200001Z"}]}',
    quote_means=QuoteEvent(
        "kraken:BTC/USDT", 105910.4, 740.0, 105910.5, 1.44813783, time_us=1696613756200001
    ),
    beside=(
        b'{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":'
        b'13834774380200032777,"system":"online","version":"2.0.0"}]}',
        b'{"method":"subscribe","result":{"channel":"trade","symbol":"BTC/USDT","snapshot":true},'
        b'"success":true,"time_in":"2023-09-25T09:04:31.742599Z",'
        b'"time_out":"2023-09-25T09:04:31.742648Z","req_id":1}',
        b'{"error":"Currency pair not supported NO/SUCH","method":"subscribe","success":false,'
        b'"symbol":"NO/SUCH","time_in":"2023-09-25T09:04:31.742599Z",'
        b'"time_out":"2023-09-25T09:04:31.742648Z"}',
        b'{"method":"pong","req_id":101,"time_in":"2023-09-25T09:04:31.742599Z",'
        b'"time_out":"2023-09-25T09:04:31.742648Z"}',
        b'{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USDT","interval":1}]}',
    ),
    books=(
        (
            b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USDT","bids":[{"price":'
            b'105910.4,"qty":0.66445},{"price":105909.3,"qty":2.0}],"asks":[{"price":105910.5,'
            b'"qty":1.44813783}],"checksum":2439117997}]}',
            BookEvent(
                "kraken:BTC/USDT", ((105910.4, 0.66445), (105909.3, 2.0)),
                ((105910.5, 1.44813783),), is_snapshot=True, checksum=2439117997,
            ),
        ),
        (
            b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USDT","bids":[{"price":'
            b'105910.4,"qty":0.0}],"asks":[],"checksum":2114181697,'
            b'"timestamp":"2023-10-06T17:35:55.440295Z"}]}',
            BookEvent(
                "kraken:BTC/USDT", ((105910.4, 0.0),), (), is_snapshot=False,
                time_us=1696613755440295, checksum=2114181697,
            ),
        ),
    ),
    market_info=b'{"error":[],"result":{"XBTUSDT":{"altname":"XBTUSDT","wsname":"XBT/USDT",'
    b'"base":"XXBT","quote":"USDT","pair_decimals":1,"cost_decimals":5,"lot_decimals":8,'
    b'"lot_multiplier":1,"ordermin":"0.00005","costmin":"0.5","tick_size":"0.1",'
    b'"status":"online"}}}',
    market_info_means=MarketInfo(price_decimals=1, quantity_decimals=8),
    not_traded=(200, b'{"error":["EQuery:Unknown asset pair"]}'),
    server_time=b'{"error":[],"result":{"unixtime":1688669448,'
    b'"rfc1123":"Thu, 06 Jul 23 18:50:48 +0000"}}',
    server_time_ms=1688669448500,
    past=b'{"error":[],"result":{"XBTUSDT":[["105383.80000","0.00885072",1762795473.9373446,"b",'
    b'"m","",10218211],["105383.70000","0.00007235",1762795483.306824,"s","l","",10218212]],'
    b'"last":"1762795483306824021"}}',
    past_means=(
        HistoricTrade(10218211, Trade(10218211, 105383.8, 0.00885072, "buy", 1762795473937344)),
        HistoricTrade(10218212, Trade(10218212, 105383.7, 0.00007235, "sell", 1762795483306824)),
    ),
    klines=b'{"error":[],"result":{"XBTUSDT":[[1762777140,"106038.3","106038.3","106038.3",'
    b'"106038.3","106038.3","0.00032101",1],[1762777200,"106038.1","106044.3","106038.1",'
    b'"106040.1","106039.6","0.08317981",3]],"last":1762777140}}',
    klines_mean=(
        Kline(
            1762777140000, "106038.3", "106038.3", "106038.3", "106038.3", "0.00032101",
            1762777140000, "0", 1, "0", "0",
        ),
        Kline(
            1762777200000, "106038.1", "106044.3", "106038.1", "106040.1", "0.08317981",
            1762777200000, "0", 3, "0", "0",
        ),
    ),
)  # fmt: skip
