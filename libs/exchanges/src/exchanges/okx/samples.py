"""What OKX says of spot markets, in the form of its documentation and of recordings."""

from __future__ import annotations

from exchanges.events import BookEvent, QuoteEvent
from exchanges.samples import Samples
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.klines import Kline
from marketstream.messages import Trade

SAMPLES = Samples(
    symbol="BTC/USDT",
    trade=b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
    b'"tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897",'
    b'"count":"3","source":"0","seqId":1234}]}',
    trade_means=Trade(130639474, 42219.9, 0.12060306, "buy", 1630048897897000, count=3),
    quote=b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["105252.6",'
    b'"0.16271274","0","5"]],"bids":[["105252.5","1.1133491","0","19"]],"ts":"1749044565306",'
    b'"seqId":55729075884}]}',
    quote_means=QuoteEvent(
        "okx:BTC/USDT", 105252.5, 1.1133491, 105252.6, 0.16271274, 1749044565306000, 55729075884
    ),
    beside=(
        b'{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"},"connId":"a4d3ae55"}',
        b'{"event":"error","code":"60012","msg":"Invalid request: {\\"op\\": \\"subscribe\\"}",'
        b'"connId":"a4d3ae55"}',
        b'{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service '
        b'upgrade. Please reconnect.","connId":"a4d3ae55"}',
        b'{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"a4d3ae55"}',
        b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT"}]}',
    ),
    market_info=b'{"code":"0","msg":"","data":[{"baseCcy":"BTC","ctMult":"","ctVal":"","ctValCcy":'
    b'"","instId":"BTC-USDT","instType":"SPOT","lotSz":"0.00000001","minSz":"0.00001","state":'
    b'"live","tickSz":"0.1"}]}',
    market_info_means=MarketInfo(price_decimals=1, quantity_decimals=8),
    not_traded=(200, b'{"code":"51001","msg":"Instrument ID doesn\'t exist","data":[]}'),
    server_time=b'{"code":"0","msg":"","data":[{"ts":"1597026383085"}]}',
    server_time_ms=1597026383085,
    past=b'{"code":"0","msg":"","data":[{"instId":"BTC-USDT","side":"sell","sz":"0.00001","source":'
    b'"0","px":"29963.2","tradeId":"242720720","ts":"1654161646974"},{"instId":"BTC-USDT","side":'
    b'"buy","sz":"0.00002","source":"0","px":"29964.1","tradeId":"242720719","ts":'
    b'"1654161641568"}]}',
    past_means=(
        HistoricTrade(242720720, Trade(242720720, 29963.2, 0.00001, "sell", 1654161646974000)),
        HistoricTrade(242720719, Trade(242720719, 29964.1, 0.00002, "buy", 1654161641568000)),
    ),
    klines=b'{"code":"0","msg":"","data":[["1747094040000","102806.1","102820.4","102806.1",'
    b'"102820.4","10.4037","1069603.34883","1069603.34883","1"],["1747093980000","102806",'
    b'"102820.5","102783.1","102806.1","71.6404","7364701.57952","7364701.57952","1"]]}',
    klines_mean=(
        Kline(
            1747093980000, "102806", "102820.5", "102783.1", "102806.1", "71.6404", 1747093980000,
            "7364701.57952", 0, "0", "0",
        ),
        Kline(
            1747094040000, "102806.1", "102820.4", "102806.1", "102820.4", "10.4037",
            1747094040000, "1069603.34883", 0, "0", "0",
        ),
    ),
    books=(
        (
            b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":'
            b'[["8476.98","415","0","13"],["8477","7","0","2"]],"bids":[["8476.97","256","0","12"]],'
            b'"ts":"1597026383085","checksum":0,"prevSeqId":-1,"seqId":123456}]}',
            BookEvent(
                "okx:BTC/USDT",
                ((8476.97, 256.0),),
                ((8476.98, 415.0), (8477.0, 7.0)),
                is_snapshot=True,
                time_us=1597026383085000,
                last=123456,
            ),
        ),
        (
            b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],'
            b'"bids":[["8476.97","0","0","0"],["8475.55","101","0","1"]],"ts":"1597026383185",'
            b'"checksum":-855196043,"prevSeqId":123456,"seqId":123457}]}',
            BookEvent(
                "okx:BTC/USDT",
                ((8476.97, 0.0), (8475.55, 101.0)),
                (),
                is_snapshot=False,
                time_us=1597026383185000,
                last=123457,
                follows=123456,
                checksum=-855196043,
            ),
        ),
    ),
)  # fmt: skip
