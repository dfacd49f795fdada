"""What Bybit says of perpetuals, in the form of its documentation."""

from __future__ import annotations

from exchanges.bybit.samples import BESIDE
from exchanges.bybit.samples import SAMPLES as SPOT
from exchanges.events import BookEvent, ContextEvent, LiquidationEvent, QuoteEvent
from exchanges.samples import Samples
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.messages import Trade

_NEWER, _OLDER = "a905d5c3-1ed0-4f37-83e4-9c73a2fe2f01", "9dc75fca-4bdd-4773-9f78-6f5d7ab2a110"
_NEWER_ID, _OLDER_ID = 3089831842773098550, 197930334555203171

SAMPLES = Samples(
    symbol="BTC/USDT:USDT",
    trade=b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{'
    b'"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick",'
    b'"i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"seq":1783284617}]}',
    trade_means=Trade(3595728650936088734, 16578.5, 0.001, "buy", 1672304486865000),
    quote=b'{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":1672304486872,"data":{'
    b'"s":"BTCUSDT","b":[["16578.40","1.204"]],"a":[["16578.50","0.391"]],"u":18521288,'
    b'"seq":1783284618},"cts":1672304486866}',
    quote_means=QuoteEvent(
        "bybit-linear:BTC/USDT:USDT", 16578.4, 1.204, 16578.5, 0.391, 1672304486866000, 1783284618
    ),
    beside=BESIDE,
    market_info=b'{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[{"symbol":'
    b'"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC","quoteCoin":'
    b'"USDT","settleCoin":"USDT","priceScale":"2","priceFilter":{"minPrice":"0.10","maxPrice":'
    b'"1999999.80","tickSize":"0.10"},"lotSizeFilter":{"minOrderQty":"0.001","qtyStep":"0.001"}}],'
    b'"nextPageCursor":""},"retExtInfo":{},"time":1735809771618}',
    market_info_means=MarketInfo(price_decimals=1, quantity_decimals=3),
    not_traded=(
        200,
        b'{"retCode":10001,"retMsg":"params error: symbol invalid NOSUCH","result":{},'
        b'"retExtInfo":{},"time":1735809771618}',
    ),
    server_time=SPOT.server_time,
    server_time_ms=SPOT.server_time_ms,
    past=b'{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[{"execId":"'
    + _NEWER.encode()
    + b'","symbol":"BTCUSDT","price":"27450.50","size":"0.005","side":"Buy","time":"1709891679001",'
    b'"isBlockTrade":false},{"execId":"'
    + _OLDER.encode()
    + b'","symbol":"BTCUSDT","price":"27450.40","size":"0.010","side":"Sell","time":'
    b'"1709891679000","isBlockTrade":false}]},"time":1709891679050}',
    past_means=(
        HistoricTrade(
            1709891679001000 << 63 | _NEWER_ID,
            Trade(_NEWER_ID, 27450.5, 0.005, "buy", 1709891679001000),
        ),
        HistoricTrade(
            1709891679000000 << 63 | _OLDER_ID,
            Trade(_OLDER_ID, 27450.4, 0.01, "sell", 1709891679000000),
        ),
    ),
    klines=SPOT.klines.replace(b'"spot"', b'"linear"'),
    klines_mean=SPOT.klines_mean,
    books=(
        (
            b'{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1672304486888,"data":{'
            b'"s":"BTCUSDT","b":[["16578.40","1.104"],["16573.00","0"]],"a":[],"u":18521289,'
            b'"seq":1783284620},"cts":1672304486880}',
            BookEvent(
                "bybit-linear:BTC/USDT:USDT",
                ((16578.4, 1.104), (16573.0, 0.0)),
                (),
                is_snapshot=False,
                time_us=1672304486880000,
                first=18521289,
                last=18521289,
            ),
        ),
    ),
    context=(
        (
            b'{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT",'
            b'"tickDirection":"PlusTick","price24hPcnt":"0.017103","lastPrice":"17216.00",'
            b'"markPrice":"17217.33","indexPrice":"17227.36","openInterest":"68744.761",'
            b'"openInterestValue":"1183601235.91","turnover24h":"1570383121.943499",'
            b'"nextFundingTime":"1673280000000","fundingRate":"-0.000212","bid1Price":"17215.50",'
            b'"bid1Size":"84.489","ask1Price":"17216.00","ask1Size":"83.020"},"cs":24987956059,'
            b'"ts":1673272861686}',
            (
                ContextEvent(
                    "",
                    1673272861686000,
                    mark=17217.33,
                    index=17227.36,
                    funding_rate=-0.000212,
                    next_funding_us=1673280000000000,
                    open_interest=68744.761,
                ),
            ),
        ),
        (
            b'{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT",'
            b'"markPrice":"17217.12","bid1Size":"80.100"},"cs":24987956061,"ts":1673272861786}',
            (ContextEvent("", 1673272861786000, mark=17217.12, confirms=True),),
        ),
        (
            b'{"topic":"allLiquidation.BTCUSDT","type":"snapshot","ts":1791565601482,"data":['
            b'{"T":1791565600992,"s":"BTCUSDT","S":"Buy","v":"0.006","p":"82396.90"},'
            b'{"T":1791565601058,"s":"BTCUSDT","S":"Sell","v":"0.038","p":"82394.30"}]}',
            (
                LiquidationEvent("", "sell", 82396.9, 0.006, 1791565600992000),
                LiquidationEvent("", "buy", 82394.3, 0.038, 1791565601058000),
            ),
        ),
    ),
)
