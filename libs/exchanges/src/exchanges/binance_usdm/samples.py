"""What is said of perpetuals: frames recorded in August 2024, answers as in the documentation."""

from __future__ import annotations

from exchanges.events import BookEvent, ContextEvent, LiquidationEvent, QuoteEvent
from exchanges.samples import Samples
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.klines import Kline
from marketstream.messages import Trade

SAMPLES = Samples(
    symbol="BTC/USDT:USDT",
    trade=b'{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,'
    b'"p":"61800.30","q":"0.006","X":"MARKET","m":false}',
    trade_means=Trade(5266583935, 61800.3, 0.006, "buy", 1723161256322000),
    quote=b'{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.507",'
    b'"a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256313}',
    quote_means=QuoteEvent(
        "", 61800.2, 2.507, 61800.3, 2.51, time_us=1723161256313000, order=5123107839020
    ),
    beside=(
        b'{"result":null,"id":1}',
        b'{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583936,'
        b'"p":"0","q":"0","X":"NA","m":true}',
        b'{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583937,'
        b'"p":"65000.00","q":"1.2","X":"INSURANCE_FUND","m":true}',
        b'{"e":"aggTrade","E":1723161256322,"a":2344010101,"s":"BTCUSDT","p":"61800.30",'
        b'"q":"0.006","f":5266583935,"l":5266583935,"T":1723161256322,"m":false}',
        b'{"code":2,"msg":"Invalid request: unknown variant"}',
        b'{"stream":"btcusdt@markPrice","data":{"e":"markPriceUpdate"}}',
    ),
    market_info=b'{"timezone":"UTC","symbols":[{"symbol":"ETHUSDT","filters":[]},'
    b'{"symbol":"BTCUSDT","contractType":"PERPETUAL","status":"TRADING","filters":['
    b'{"filterType":"PRICE_FILTER","minPrice":"556.80","tickSize":"0.10"},'
    b'{"filterType":"LOT_SIZE","minQty":"0.001","stepSize":"0.001"}]}]}',
    market_info_means=MarketInfo(price_decimals=1, quantity_decimals=3),
    not_traded=(200, b'{"timezone":"UTC","symbols":[{"symbol":"ETHUSDT","filters":[]}]}'),
    server_time=b'{"serverTime":1499827319559}',
    server_time_ms=1499827319559,
    past=b'[{"a":26129,"p":"61800.30","q":"4.704","f":27781,"l":27782,"T":1723161256322,"m":true},'
    b'{"a":26130,"p":"61800.40","q":"1.500","nq":"1.500","f":27783,"l":27783,"T":1723161256322,'
    b'"m":false}]',
    past_means=(
        HistoricTrade(26129, Trade(27782, 61800.3, 4.704, "sell", 1723161256322000, count=2)),
        HistoricTrade(26130, Trade(27783, 61800.4, 1.5, "buy", 1723161256322000)),
    ),
    klines=b'[[1723161240000,"61800.20","61800.30","61790.10","61795.00","148.976",1723161299999,'
    b'"9207000.19",308,"75.110","4641000.04","0"],[1723161300000,"61795.00","61795.00","61795.00",'
    b'"61795.00","0",1723161359999,"0",0,"0","0","0"]]',
    klines_mean=(
        Kline(
            1723161240000, "61800.20", "61800.30", "61790.10", "61795.00", "148.976",
            1723161299999, "9207000.19", 308, "75.110", "4641000.04",
        ),
        Kline(
            1723161300000, "61795.00", "61795.00", "61795.00", "61795.00", "0", 1723161359999,
            "0", 0, "0", "0",
        ),
    ),
    books=(
        (
            b'{"stream":"btcusdt@depth20@100ms","data":{"e":"depthUpdate","E":1723161256501,'
            b'"T":1723161256493,"s":"BTCUSDT","U":5123107837558,"u":5123107852948,'
            b'"pu":5123107837557,"b":[["61800.20","2.909"],["61800.10","0.696"]],'
            b'"a":[["61800.30","2.510"]]}}',
            BookEvent(
                "", ((61800.2, 2.909), (61800.1, 0.696)), ((61800.3, 2.51),),
                is_snapshot=True, time_us=1723161256493000, last=5123107852948,
            ),
        ),
        (
            b'{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161260946,'
            b'"T":1723161260945,"s":"BTCUSDT","U":5123108177417,"u":5123108179807,'
            b'"pu":5123108177279,"b":[["61752.20","0.000"],["61763.00","0.281"]],'
            b'"a":[["61809.50","1.332"]]}}',
            BookEvent(
                "", ((61752.2, 0.0), (61763.0, 0.281)), ((61809.5, 1.332),),
                is_snapshot=False, time_us=1723161260945000, first=5123108177417,
                last=5123108179807, follows=5123108177279,
            ),
        ),
    ),
    book=b'{"lastUpdateId":5123107852948,"E":1723161256501,"T":1723161256493,'
    b'"bids":[["61800.20","2.909"]],"asks":[["61800.30","2.510"]]}',
    book_means=BookEvent(
        "", ((61800.2, 2.909),), ((61800.3, 2.51),), is_snapshot=True,
        time_us=1723161256493000, last=5123107852948,
    ),
    context=(
        (
            b'{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":1723161256000,'
            b'"s":"BTCUSDT","p":"61801.15000000","i":"61830.62659091","P":"61790.25641265",'
            b'"r":"-0.00003817","T":1723161600000}}',
            (
                ContextEvent(
                    "", 1723161256000000, mark=61801.15, index=61830.62659091,
                    funding_rate=-0.00003817, next_funding_us=1723161600000000,
                ),
            ),
        ),
        (
            b'{"stream":"btcusdt@forceOrder","data":{"e":"forceOrder","E":1723161256893,"o":{'
            b'"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014","p":"61701.10",'
            b'"ap":"61750.00","X":"FILLED","l":"0.010","z":"0.014","T":1723161256891,"ps":"BTCUSDT",'
            b'"st":1}}}',
            (LiquidationEvent("", "sell", 61701.1, 0.014, 1723161256891000),),
        ),
        (
            b'{"openInterest":"80659.509","symbol":"BTCUSDT","time":1723161250011}',
            (ContextEvent("", 1723161250011000, open_interest=80659.509, asked=True),),
        ),
    ),
)  # fmt: skip
