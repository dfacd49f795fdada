"""What OKX says of perpetuals, in the form of its documentation: sizes are in contracts."""

from __future__ import annotations

from fractions import Fraction

from exchanges.events import BookEvent, ContextEvent, LiquidationEvent, QuoteEvent
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
    context=(
        (
            b'{"arg":{"channel":"mark-price","instId":"BTC-USDT-SWAP"},"data":[{"instType":"SWAP",'
            b'"instId":"BTC-USDT-SWAP","markPx":"104902.6","ts":"1749044565400"}]}',
            (ContextEvent("", 1749044565400000, mark=104902.6),),
        ),
        (
            b'{"arg":{"channel":"index-tickers","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
            b'"idxPx":"104950.1","high24h":"106000","low24h":"103500","open24h":"104100",'
            b'"sodUtc0":"104000","sodUtc8":"104200","ts":"1749044565383"}]}',
            (ContextEvent("", 1749044565383000, index=104950.1),),
        ),
        (
            b'{"arg":{"channel":"funding-rate","instId":"BTC-USDT-SWAP"},"data":[{"formulaType":'
            b'"withRate","fundingRate":"0.0000663322867090","fundingTime":"1788508800000",'
            b'"impactValue":"20000","instId":"BTC-USDT-SWAP","instType":"SWAP","interestRate":'
            b'"0.0001","maxFundingRate":"0.00375","method":"current_period","minFundingRate":'
            b'"-0.00375","nextFundingRate":"","nextFundingTime":"1788537600000","premium":'
            b'"-0.0004527652078389","settFundingRate":"0.0000418741079605","settState":"settled",'
            b'"ts":"1788487507788"}]}',
            (
                ContextEvent(
                    "", 1788487507788000, funding_rate=0.000066332286709,
                    next_funding_us=1788508800000000,
                ),
            ),
        ),
        (
            b'{"arg":{"channel":"open-interest","instId":"BTC-USDT-SWAP"},"data":[{"instType":'
            b'"SWAP","instId":"BTC-USDT-SWAP","oi":"2731520.5","oiCcy":"27315.205","oiUsd":'
            b'"2865000000","ts":"1749044565512"}]}',
            (ContextEvent("", 1749044565512000, open_interest=2731520.5),),
        ),
        (
            b'{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{'
            b'"bkLoss":"0","bkPx":"0.09583","ccy":"","posSide":"short","side":"buy","sz":"19979",'
            b'"ts":"1791565462608"}],"instFamily":"CELO-USDT","instId":"CELO-USDT-SWAP","instType":'
            b'"SWAP","uly":"CELO-USDT"},{"details":[{"bkLoss":"0","bkPx":"82655.7","ccy":"",'
            b'"posSide":"long","side":"sell","sz":"8.55","ts":"1791565600771"}],"instFamily":'
            b'"BTC-USDT","instId":"BTC-USDT-SWAP","instType":"SWAP","uly":"BTC-USDT"}]}',
            (LiquidationEvent("", "sell", 82655.7, 8.55, 1791565600771000),),
        ),
    ),
)  # fmt: skip
