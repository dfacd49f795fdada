"""What Binance says: frames recorded in August 2024, answers as in its documentation."""

from __future__ import annotations

from exchanges.events import BookEvent, QuoteEvent
from exchanges.samples import Samples
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.klines import Kline
from marketstream.messages import Trade

SAMPLES = Samples(
    symbol="BTC/USDT",
    trade=b'{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000",'
    b'"q":"0.02000000","T":1723161255342,"m":true,"M":true}',
    trade_means=Trade(3735683259, 61837.63, 0.02, "sell", 1723161255342000),
    quote=b'{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000",'
    b'"a":"61837.64000000","A":"1.54698000"}',
    quote_means=QuoteEvent(
        "binance:BTC/USDT", 61837.63, 3.78826, 61837.64, 1.54698, order=50093239212
    ),
    beside=(
        b'{"result":null,"id":1}',
        b'{"e":"serverShutdown","E":1770123456789}',
        b'{"code":2,"msg":"Invalid request: unknown variant"}',
        b'{"stream":"btcusdt@kline_1m","data":{"e":"kline"}}',
    ),
    market_info=b'{"timezone":"UTC","symbols":[{"symbol":"BTCUSDT","status":"TRADING","filters":['
    b'{"filterType":"PRICE_FILTER","minPrice":"0.01","tickSize":"0.01000000"},'
    b'{"filterType":"LOT_SIZE","minQty":"0.00001","stepSize":"0.00001000"}]}]}',
    market_info_means=MarketInfo(price_decimals=2, quantity_decimals=5),
    not_traded=(400, b'{"code":-1121,"msg":"Invalid symbol."}'),
    server_time=b'{"serverTime":1499827319559}',
    server_time_ms=1499827319559,
    past=b'[{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27782,"T":1498793709153,'
    b'"m":true,"M":true},{"a":26130,"p":"0.01633103","q":"1.50000000","f":27783,"l":27783,'
    b'"T":1498793709153,"m":false,"M":true}]',
    past_means=(
        HistoricTrade(
            26129, Trade(27782, 0.01633102, 4.70443515, "sell", 1498793709153000, count=2)
        ),
        HistoricTrade(26130, Trade(27783, 0.01633103, 1.5, "buy", 1498793709153000)),
    ),
    klines=b'[[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",'
    b'1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"],[1499644800000,'
    b'"0.01577100","0.01577100","0.01577100","0.01577100","0","1500249599999","0",0,"0","0","0"]]',
    klines_mean=(
        Kline(
            1499040000000, "0.01634790", "0.80000000", "0.01575800", "0.01577100",
            "148976.11427815", 1499644799999, "2434.19055334", 308, "1756.87402397", "28.46694368",
        ),
        Kline(
            1499644800000, "0.01577100", "0.01577100", "0.01577100", "0.01577100", "0",
            1500249599999, "0", 0, "0", "0",
        ),
    ),
    books=(
        (
            b'{"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":50093239218,"bids":['
            b'["61837.63000000","3.78826000"],["61837.62000000","0.61700000"]],'
            b'"asks":[["61837.64000000","1.54698000"]]}}',
            BookEvent(
                "", ((61837.63, 3.78826), (61837.62, 0.617)), ((61837.64, 1.54698),),
                is_snapshot=True, last=50093239218,
            ),
        ),
        (
            b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161258209,'
            b'"s":"BTCUSDT","U":50093241262,"u":50093241266,"b":[["61824.00000000","0.32726000"]],'
            b'"a":[["61840.18000000","0.04959000"],["61840.19000000","0.00000000"]]}}',
            BookEvent(
                "", ((61824.0, 0.32726),), ((61840.18, 0.04959), (61840.19, 0.0)),
                is_snapshot=False, time_us=1723161258209000, first=50093241262, last=50093241266,
            ),
        ),
    ),
    book=b'{"lastUpdateId":50093239218,"bids":[["61837.63000000","3.78826000"]],'
    b'"asks":[["61837.64000000","1.54698000"]]}',
    book_means=BookEvent(
        "", ((61837.63, 3.78826),), ((61837.64, 1.54698),), is_snapshot=True, last=50093239218
    ),
)  # fmt: skip
