"""What Bybit says of spot markets, in the form of its documentation."""

from __future__ import annotations

from exchanges.events import BookEvent, QuoteEvent
from exchanges.samples import Samples
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.klines import Kline
from marketstream.messages import Trade

BESIDE = (
    b'{"success":true,"ret_msg":"subscribe","conn_id":"2324d924-aa4d-45b0-a858-7b8be29ab52b",'
    b'"req_id":"","op":"subscribe"}',
    b'{"success":false,"ret_msg":"args size >10","conn_id":"2324d924-aa4d-45b0-a858-7b8be29ab52b",'
    b'"req_id":"","op":"subscribe"}',
    b'{"topic":"kline.5.BTCUSDT","data":[{"start":1672324800000,"interval":"5"}],"ts":1672324988882,'
    b'"type":"snapshot"}',
)

SAMPLES = Samples(
    symbol="BTC/USDT",
    trade=b'{"topic":"publicTrade.BTCUSDT","ts":1735689653900,"type":"snapshot","data":[{'
    b'"i":"2290000000587387108","T":1735689653898,"p":"93611.04","v":"0.000725","S":"Buy",'
    b'"s":"BTCUSDT","BT":false,"RPI":false,"seq":52914663771}]}',
    trade_means=Trade(2290000000587387108, 93611.04, 0.000725, "buy", 1735689653898000),
    quote=b'{"topic":"orderbook.1.BTCUSDT","ts":1735689653902,"type":"snapshot","data":{'
    b'"s":"BTCUSDT","b":[["93611.03","0.41"]],"a":[["93611.04","1.270931"]],"u":41837104,'
    b'"seq":52914663772},"cts":1735689653899}',
    quote_means=QuoteEvent(
        "bybit:BTC/USDT", 93611.03, 0.41, 93611.04, 1.270931, 1735689653899000, 52914663772
    ),
    beside=BESIDE,
    market_info=b'{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"symbol":"BTCUSDT",'
    b'"baseCoin":"BTC","quoteCoin":"USDT","status":"Trading","lotSizeFilter":{"basePrecision":'
    b'"0.000001","quotePrecision":"0.0000001","minOrderQty":"0.000011"},"priceFilter":{"tickSize":'
    b'"0.1"}}]},"retExtInfo":{},"time":1760027412300}',
    market_info_means=MarketInfo(price_decimals=1, quantity_decimals=6),
    not_traded=(
        200,
        b'{"retCode":10001,"retMsg":"Not supported symbols","result":{},"retExtInfo":{},'
        b'"time":1760027412300}',
    ),
    server_time=b'{"retCode":0,"retMsg":"OK","result":{"timeSecond":"1688639403","timeNano":'
    b'"1688639403423213947"},"retExtInfo":{},"time":1688639403423}',
    server_time_ms=1688639403423,
    past=b'{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"execId":'
    b'"2290000001207528689","symbol":"BTCUSDT","price":"76733.3","size":"0.00152","side":"Buy",'
    b'"time":"1789291624322","isBlockTrade":false,"isRPITrade":false},{"execId":'
    b'"2290000001207528680","symbol":"BTCUSDT","price":"76733.1","size":"0.002903","side":"Sell",'
    b'"time":"1789291624100","isBlockTrade":false,"isRPITrade":false}]},"retExtInfo":{},'
    b'"time":1789291624400}',
    past_means=(
        HistoricTrade(
            2290000001207528689,
            Trade(2290000001207528689, 76733.3, 0.00152, "buy", 1789291624322000),
        ),
        HistoricTrade(
            2290000001207528680,
            Trade(2290000001207528680, 76733.1, 0.002903, "sell", 1789291624100000),
        ),
    ),
    klines=b'{"retCode":0,"retMsg":"OK","result":{"symbol":"BTCUSDT","category":"spot","list":[['
    b'"1670608860000","17071","17073","17027","17055.5","26.8611","458153.1"],["1670608800000",'
    b'"17071.5","17071.5","17061","17071","4.177","71306.9"]]},"retExtInfo":{},'
    b'"time":1672025956592}',
    klines_mean=(
        Kline(
            1670608800000, "17071.5", "17071.5", "17061", "17071", "4.177", 1670608800000,
            "71306.9", 0, "0", "0",
        ),
        Kline(
            1670608860000, "17071", "17073", "17027", "17055.5", "26.8611", 1670608860000,
            "458153.1", 0, "0", "0",
        ),
    ),
    books=(
        (
            b'{"topic":"orderbook.200.BTCUSDT","ts":1735689653904,"type":"snapshot","data":{'
            b'"s":"BTCUSDT","b":[["93611.03","0.41"],["93610.9","0.02"]],"a":[["93611.04",'
            b'"1.270931"]],"u":275651485,"seq":114263051570},"cts":1735689653903}',
            BookEvent(
                "bybit:BTC/USDT",
                ((93611.03, 0.41), (93610.9, 0.02)),
                ((93611.04, 1.270931),),
                is_snapshot=True,
                time_us=1735689653903000,
                first=275651485,
                last=275651485,
            ),
        ),
        (
            b'{"topic":"orderbook.200.BTCUSDT","ts":1735689653924,"type":"delta","data":{'
            b'"s":"BTCUSDT","b":[],"a":[["93611.04","0"],["93611.7","0.08"]],"u":275651486,'
            b'"seq":114263051578}}',
            BookEvent(
                "bybit:BTC/USDT",
                (),
                ((93611.04, 0.0), (93611.7, 0.08)),
                is_snapshot=False,
                time_us=1735689653924000,
                first=275651486,
                last=275651486,
            ),
        ),
    ),
)  # fmt: skip
