"""What Coinbase Exchange says: a frame recorded in 2021, the others as in its documentation."""

from __future__ import annotations

from exchanges.events import BookEvent, QuoteEvent
from exchanges.samples import Samples
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.klines import Kline
from marketstream.messages import Trade

SAMPLES = Samples(
    symbol="BTC/USD",
    trade=b'{"type":"match","trade_id":82047307,"maker_order_id":"0f358725-2134-435e-be11",'
    b'"taker_order_id":"252b7002-87a3-425c-ac73-f5b9e23f3caf","side":"sell","size":"0.00513192",'
    b'"price":"9314.78","product_id":"BTC-USD","sequence":12038915443,'
    b'"time":"2020-01-31T20:03:41.158814Z"}',
    trade_means=Trade(82047307, 9314.78, 0.00513192, "buy", 1580501021158814),
    quote=b'{"type":"ticker","sequence":37475248783,"product_id":"BTC-USD","price":"9314.78",'
    b'"open_24h":"9310.02","volume_24h":"2445.41","low_24h":"9287.5","high_24h":"9426.5",'
    b'"volume_30d":"245532.79","best_bid":"9314.77","best_bid_size":"0.46688654",'
    b'"best_ask":"9314.82","best_ask_size":"1.56637040","side":"buy",'
    b'"time":"2020-01-31T20:03:41.158814Z","trade_id":82047307,"last_size":"0.00513192"}',
    quote_means=QuoteEvent(
        "coinbase:BTC/USD", 9314.77, 0.46688654, 9314.82, 1.5663704,
        time_us=1580501021158814, order=37475248783,
    ),
    beside=(
        b'{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}',
        b'{"type":"error","message":"Failed to subscribe",'
        b'"reason":"NO-SUCH is not a valid product"}',
        b'{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"LTC-USD",'
        b'"time":"2014-11-07T08:19:28.464459Z"}',
        b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","10101.80","0.162567"]],'
        b'"time":"2019-08-14T20:42:27.966Z"}',
        b'{"type":"status","products":[]}',
    ),
    books=(
        (
            b'{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45054140"]],'
            b'"asks":[["10102.55","0.57753524"],["10103.00","2"]]}',
            BookEvent(
                "coinbase:BTC/USD", ((10101.1, 0.4505414),),
                ((10102.55, 0.57753524), (10103.0, 2.0)), is_snapshot=True,
            ),
        ),
        (
            b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","10101.80",'
            b'"0.162567"],["sell","10102.55","0.00000000"]],"time":"2019-08-14T20:42:27.966Z"}',
            BookEvent(
                "coinbase:BTC/USD", ((10101.8, 0.162567),), ((10102.55, 0.0),), is_snapshot=False,
                time_us=1565815347966000,
            ),
        ),
    ),
    market_info=b'{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD",'
    b'"quote_increment":"0.01","base_increment":"0.00000001","display_name":"BTC-USD",'
    b'"min_market_funds":"1","post_only":false,"limit_only":false,"cancel_only":false,'
    b'"status":"online","status_message":"","trading_disabled":false}',
    market_info_means=MarketInfo(price_decimals=2, quantity_decimals=8),
    not_traded=(404, b'{"message":"NotFound"}'),
    server_time=b'{"iso":"2015-01-07T23:47:25.201Z","epoch":1420674445.201}',
    server_time_ms=1420674445201,
    past=b'[{"time":"2020-03-20T00:36:59.860Z","trade_id":86327327,"price":"6225.32000000",'
    b'"size":"0.06469797","side":"sell"},{"time":"2020-03-20T00:36:58.123456Z",'
    b'"trade_id":86327326,"price":"6225.31000000","size":"0.50000000","side":"buy"}]',
    past_means=(
        HistoricTrade(86327327, Trade(86327327, 6225.32, 0.06469797, "buy", 1584664619860000)),
        HistoricTrade(86327326, Trade(86327326, 6225.31, 0.5, "sell", 1584664618123456)),
    ),
    klines=b"[[1415398800,0.32,4.2,0.35,4.2,12.3],[1415398740,0.32,0.35,0.33,0.35,0.00000123]]",
    klines_mean=(
        Kline(
            1415398740000, "0.33", "0.35", "0.32", "0.35", "0.00000123", 1415398740000,
            "0", 0, "0", "0",
        ),
        Kline(
            1415398800000, "0.35", "4.2", "0.32", "4.2", "12.3", 1415398800000, "0", 0, "0", "0"
        ),
    ),
)  # fmt: skip
