"""Whatever is asked, the API answers as its schema says, and never with an error of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from marketstream.messages import Candle, Features, Model, Outcome, Prediction
from marketstream.store.sql import open_store

from .conftest import MARKET, Api

type Make[Made] = Callable[..., Made]

OTHER = "kraken:BTC/USDT"
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


@pytest.fixture
def asked(
    make_api: Make[Api], tmp_path: Path, make_candle: Make[Candle], make_outcome: Make[Outcome],
    make_prediction: Make[Prediction],
) -> Iterator[Api]:  # fmt: skip
    """An API of two markets of one symbol, of which all is known that can be asked."""
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as store:
        api = make_api(MARKET, OTHER, store=store)
        for market in (MARKET, OTHER):
            said = {"market": market}
            values = {"rsi_14": 50.0, "ema_20": None}
            store.write(
                [
                    make_candle(**said), make_prediction(**said), make_outcome(**said),
                    Features(market, "1s", 10_000, values, 100.0, 101.0, 100.5, "ab12"),
                    Model(market, "1s", 1_000, "logistic", "7", 5_000, 300, {"logistic": 0.66}),
                ]
            )  # fmt: skip
            api.see(10_000, market)
            api.views.hear(make_prediction(**said), api.ns)
        api.views.live.close()  # so that streams end
        api.views.feed.close()
        yield api


@pytest.mark.timeout(240)  # on a machine with much other work
def test_each_answer_is_one_that_the_schema_tells_of(asked: Api) -> None:
    wrong = []
    schema = schemathesis.openapi.from_asgi("/openapi.json", asked.app)
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            asked_at_random(operation)
        except (FailureGroup, Failure) as failures:
            wrong.append(f"{operation.label}: {failures}")
    assert not wrong, "\n\n".join(wrong)


def asked_at_random(operation: APIOperation) -> None:
    """Ask an operation by values that its schema allows, of a market and of whatever else."""

    @settings(
        max_examples=40, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(), is_known=st.booleans())
    def ask(case: Case, is_known: bool) -> None:
        if is_known and "symbol" in case.path_parameters:
            prediction = "kraken:BTC/USDT:1s:10000:1000:champion:7"
            known = {"symbol": "BTC-USDT", "venue": "kraken", "id": prediction}
            case.path_parameters.update({name: known[name] for name in case.path_parameters})
        case.call_and_validate(checks=CHECKS)

    ask()
