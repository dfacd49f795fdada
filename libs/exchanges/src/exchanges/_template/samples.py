"""What the exchange says: recorded frames and answers, beside what they mean."""

from __future__ import annotations

from exchanges.events import BookEvent, QuoteEvent
from exchanges.samples import Samples
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.klines import Kline
from marketstream.messages import Trade

SAMPLES = Samples(
    symbol="BTC/USDT",
    trade=b'{"type":"trade","symbol":"BTC-USDT","id":7,"price":"61837.63","size":"0.02",'
    b'"side":"sell","time_ms":1723161255342}',
    trade_means=Trade(7, 61837.63, 0.02, "sell", 1723161255342000),
    quote=b'{"type":"quote","symbol":"BTC-USDT","bid":"61837.63","bid_size":"3.7",'
    b'"ask":"61837.64","ask_size":"1.5","time_ms":1723161255342}',
    quote_means=QuoteEvent(
        "template:BTC/USDT", 61837.63, 3.7, 61837.64, 1.5, time_us=1723161255342000
    ),
    beside=(b'{"type":"subscribed"}', b'{"type":"error","message":"too many symbols"}'),
    market_info=b'{"symbol":"BTC-USDT","tick":"0.01","lot":"0.00001"}',
    market_info_means=MarketInfo(price_decimals=2, quantity_decimals=5),
    not_traded=(404, b'{"message":"no such market"}'),
    server_time=b'{"time_ms":1723161255342}',
    server_time_ms=1723161255342,
    past=b'{"symbol":"BTC-USDT","trades":[{"id":5,"price":"61837.62","size":"0.1","side":"buy",'
    b'"time_ms":1723161255300},{"id":6,"price":"61837.63","size":"0.2","side":"sell",'
    b'"time_ms":1723161255300}]}',
    past_means=(
        HistoricTrade(5, Trade(5, 61837.62, 0.1, "buy", 1723161255300000)),
        HistoricTrade(6, Trade(6, 61837.63, 0.2, "sell", 1723161255300000)),
    ),
    klines=b'{"symbol":"BTC-USDT","interval_ms":60000,"candles":[[1723161180000,"1","3","1","2",'
    b'"0.5",4],[1723161240000,"2","2","2","2","0",0]]}',
    klines_mean=(
        Kline(1723161180000, "1", "3", "1", "2", "0.5", 1723161239999, "0", 4, "0", "0"),
        Kline(1723161240000, "2", "2", "2", "2", "0", 1723161299999, "0", 0, "0", "0"),
    ),
    books=(
        (
            b'{"type":"book","symbol":"BTC-USDT","snapshot":true,"bids":[["61837.63","3.7"],'
            b'["61837.62","0.6"]],"asks":[["61837.64","1.5"]],"first":41,"last":41,'
            b'"time_ms":1723161255342}',
            BookEvent(
                "",
                ((61837.63, 3.7), (61837.62, 0.6)),
                ((61837.64, 1.5),),
                is_snapshot=True,
                time_us=1723161255342000,
                first=41,
                last=41,
            ),
        ),
        (
            b'{"type":"book","symbol":"BTC-USDT","snapshot":false,"bids":[["61837.62","0"]],'
            b'"asks":[],"first":42,"last":43,"time_ms":1723161255442}',
            BookEvent(
                "",
                ((61837.62, 0.0),),
                (),
                is_snapshot=False,
                time_us=1723161255442000,
                first=42,
                last=43,
            ),
        ),
    ),
)
