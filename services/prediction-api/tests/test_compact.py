"""What a caller has is not sent again, and what is long is packed for who takes it so."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from backports import zstd

from marketstream.messages import Candle
from marketstream.store.sql import open_store

from .conftest import Api

type Make[Made] = Callable[..., Made]

PLAIN = {"Accept-Encoding": "identity"}
PAGE = "/candles/BTC-USDT?from=1970-01-01T00:00:10Z&to=1970-01-01T00:06:40Z"


@pytest.fixture
def stored(make_api: Make[Api], tmp_path: Path, make_candle: Make[Candle]) -> Iterator[Api]:
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as store:
        store.write([make_candle(second * 1_000) for second in range(10, 300)])
        yield make_api(store=store)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_who_has_a_page_is_told_so_until_it_changes(
    stored: Api, make_candle: Make[Candle], form: str
) -> None:
    path = f"{PAGE}&format={form}"
    first = stored.client.get(path)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    etag = first.headers["etag"]
    for known in (etag, f'"other", {etag}', "*", etag.removeprefix("W/")):
        again = stored.client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert "content-length" not in again.headers
    with closing(open_store(f"sqlite:///{stored.bundle}/realtime.sqlite")) as store:
        store.write([make_candle(300_000)])
    assert stored.client.get(path, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    ("told", "packed"),
    [
        ("gzip", "gzip"), ("br, GZIP;q=0.5", "gzip"), ("*", "zstd"), ("gzip;q=0", None),
        ("gzip; q=0.0, *", "zstd"), ("br", None), ("", None), ("*;q=0, gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"), ("zstd;q=0.5, gzip", "gzip"), ("zstd", "zstd"),
        ("zstd;q=0, gzip;q=0, *", None), ("zstd;q=x", "zstd"), ("gzip;q=nan", "gzip"),
        ("zstd;q=0.0", None), (",;;,", None),
    ],
)  # fmt: skip
def test_what_is_long_is_packed_for_who_takes_it_so(
    stored: Api, told: str, packed: str | None
) -> None:
    plain = stored.client.get(PAGE, headers=PLAIN)
    with stored.client.stream("GET", PAGE, headers={"Accept-Encoding": told}) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == packed
    assert answer.headers["vary"] == "Accept-Encoding"
    unpack = {"zstd": zstd.decompress, "gzip": gzip.decompress}.get(packed or "", bytes)
    assert unpack(body) == plain.content
    assert int(answer.headers["content-length"]) < len(plain.content) / (5 if packed else 1) + 1
    assert answer.headers["etag"] == plain.headers["etag"]


def test_files_of_the_dashboard_are_packed_and_not_sent_again(api: Api, tmp_path: Path) -> None:
    (tmp_path / "dashboard.js").write_text("let x = 1;\n" * 10_000)
    plain = api.client.get("/static/dashboard.js", headers=PLAIN)
    gzipped = {"Accept-Encoding": "gzip"}
    with api.client.stream("GET", "/static/dashboard.js", headers=gzipped) as answer:
        packed = b"".join(answer.iter_raw())
    assert gzip.decompress(packed) == plain.content
    assert answer.headers["etag"] == f"W/{plain.headers['etag']}"
    known = {"If-None-Match": answer.headers["etag"]}
    assert api.client.get("/static/dashboard.js", headers=known).status_code == 304
    head = api.client.head("/static/dashboard.js")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(plain.content)))


def test_what_is_of_now_and_what_is_wrong_has_no_etag(api: Api) -> None:
    for path in ("/symbols", "/nothing", "/candles/XRP-USDT"):
        assert "etag" not in api.client.get(path).headers


def test_who_has_a_page_is_told_by_what_it_varies_too(stored: Api) -> None:
    first = stored.client.get(PAGE)
    again = stored.client.get(PAGE, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["vary"] == first.headers["vary"]
    assert "Accept-Encoding" in again.headers["vary"]
