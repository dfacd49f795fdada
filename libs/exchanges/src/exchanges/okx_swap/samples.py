"""What OKX says of perpetuals, in the form of its documentation: sizes are in contracts."""

from __future__ import annotations

from fractions import Fraction

from exchanges.events import BookEvent, QuoteEvent
from exchanges.okx.samples import SAMPLES as SPOT
from exchanges.samples import Samples
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.klines import Kline
from marketstream.messages import Trade

SAMPLES = Samples(
    symbol="BTC/USDT:USDT",
    trade=b'{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP",'
    b'"tradeId":"1523066107","px":"104902.2","sz":"57.3","side":"sell","ts":"1749044565320",'
    b'"count":"4","source":"0","seqId":40871190021}]}',
    trade_means=Trade(1523066107, 104902.2, 57.3, "sell", 1749044565320000, count=4),
    quote=b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"},"data":[{"asks":[["104902.3",'
    b'"415.2","0","13"]],"bids":[["104902.2","256","0","12"]],"ts":"1749044565322","seqId":'
    b'40871190022}]}',
    quote_means=QuoteEvent(
        "okx-swap:BTC/USDT:USDT",
        104902.2,
        256.0,
        104902.3,
        415.2,
        1749044565322000,
        40871190022,
    ),
    beside=SPOT.beside,
    market_info=b'{"code":"0","msg":"","data":[{"baseCcy":"","ctMult":"1","ctType":"linear",'
    b'"ctVal":"0.01","ctValCcy":"BTC","instFamily":"BTC-USDT","instId":"BTC-USDT-SWAP","instType":'
    b'"SWAP","lotSz":"0.01","minSz":"0.01","settleCcy":"USDT","state":"live","tickSz":"0.1"}]}',
    market_info_means=MarketInfo(
        price_decimals=1, quantity_decimals=4, contract_size=Fraction(1, 100)
    ),
    not_traded=SPOT.not_traded,
    server_time=SPOT.server_time,
    server_time_ms=SPOT.server_time_ms,
    past=SPOT.past.replace(b"BTC-USDT", b"BTC-USDT-SWAP").replace(b'"0.0000', b'"'),
    past_means=(
        HistoricTrade(242720720, Trade(242720720, 29963.2, 1.0, "sell", 1654161646974000)),
        HistoricTrade(242720719, Trade(242720719, 29964.1, 2.0, "buy", 1654161641568000)),
    ),
    klines=b'{"code":"0","msg":"","data":[["1747094040000","102806.1","102820.4","102806.1",'
    b'"102820.4","1040.37","10.4037","1069603.34883","1"],["1747093980000","102806","102820.5",'
    b'"102783.1","102806.1","7164.04","71.6404","7364701.57952","1"]]}',
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
            b'{"arg":{"channel":"books","instId":"BTC-USDT-SWAP"},"action":"update","data":[{"asks":'
            b'[["104902.4","0","0","0"]],"bids":[["104902.1","7","0","2"]],"ts":"1749044565400",'
            b'"checksum":0,"prevSeqId":40871190022,"seqId":40871190040}]}',
            BookEvent(
                "okx-swap:BTC/USDT:USDT",
                ((104902.1, 7.0),),
                ((104902.4, 0.0),),
                is_snapshot=False,
                time_us=1749044565400000,
                last=40871190040,
                follows=40871190022,
            ),
        ),
    ),
)  # fmt: skip
