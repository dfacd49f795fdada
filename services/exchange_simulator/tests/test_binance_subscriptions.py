import json

import pytest

from exchange_simulator.venues.binance.subscriptions import Subscriptions
from exchanges.binance.wire import MOST_STREAMS


def ask(subscriptions: Subscriptions, **request: object) -> object:
    return json.loads(subscriptions.handle(json.dumps(request)))


def test_subscribe_unsubscribe_and_list_as_documented() -> None:
    one = Subscriptions()
    params = ["btcusdt@aggTrade", "btcusdt@depth"]
    assert one.handle(json.dumps({"method": "SUBSCRIBE", "params": params, "id": 1})) == (
        '{"result":null,"id":1}'
    )
    assert ask(one, method="UNSUBSCRIBE", params=["btcusdt@depth"], id=312) == {
        "result": None,
        "id": 312,
    }
    assert ask(one, method="LIST_SUBSCRIPTIONS", id=3) == {"result": ["btcusdt@aggTrade"], "id": 3}


def test_subscribing_twice_lists_once() -> None:
    one = Subscriptions(["a@trade"])
    ask(one, method="SUBSCRIBE", params=["b@trade", "a@trade", "b@trade"], id=1)
    assert one.streams == ["a@trade", "b@trade"]


def test_combined_can_be_set_and_asked_for() -> None:
    one = Subscriptions()
    assert ask(one, method="GET_PROPERTY", params=["combined"], id=2) == {"result": False, "id": 2}
    assert ask(one, method="SET_PROPERTY", params=["combined", True], id=5) == {
        "result": None,
        "id": 5,
    }
    assert one.combined


@pytest.mark.parametrize("id_", [1, -(2**63), 2**63 - 1, "a1B2", "a-b", "x" * 36, None])
def test_id_is_echoed(id_: object) -> None:
    assert ask(Subscriptions(), method="LIST_SUBSCRIPTIONS", id=id_) == {"result": [], "id": id_}


@pytest.mark.parametrize("id_", [2**63, "x" * 37, "a b", 1.5, True, [1]])
def test_id_of_another_form_is_refused(id_: object) -> None:
    assert ask(Subscriptions(), method="LIST_SUBSCRIPTIONS", id=id_) == {
        "code": 2,
        "msg": "Invalid request: request ID must be an unsigned integer",
    }


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (
            '{"method":"SUBSCRIBEX","params":[],"id":1}',
            {
                "code": 2,
                "msg": "Invalid request: unknown variant `SUBSCRIBEX`, expected one of `SUBSCRIBE`,"
                " `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"
                " at line 1 column 22",
            },
        ),
        (
            '{"params":[],"id":1}',
            {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 20"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS"}',
            {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","params":["x"],"id":1}',
            {"code": 2, "msg": "Invalid request: too many parameters"},
        ),
        (
            '{"method":"GET_PROPERTY","params":[7],"id":1}',
            {"code": 2, "msg": "Invalid request: property name must be a string"},
        ),
        (
            '{"method":"GET_PROPERTY","params":["speed"],"id":9}',
            {"code": 0, "msg": "Unknown property", "id": 9},
        ),
        (
            '{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}',
            {"code": 1, "msg": "Invalid value type: expected Boolean"},
        ),
        ("nonsense", {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}),
        ("[]", {"code": 2, "msg": "Invalid request: expected an object at line 1 column 2"}),
        (
            '{"method":"SUBSCRIBE","params":"x","id":1}',
            {"code": 2, "msg": "Invalid request: params must be an array"},
        ),
        (
            '{"method":"SUBSCRIBE","params":[1],"id":1}',
            {"code": 2, "msg": "Invalid request: stream names must be strings"},
        ),
    ],
)
def test_bad_request_is_answered_with_code_and_message(text: str, answer: object) -> None:
    assert json.loads(Subscriptions().handle(text)) == answer


@pytest.mark.parametrize("text", ["[" * 100_000, '{"id":' + "1" * 10_000 + "}"])
def test_json_beyond_all_measure_is_answered_too(text: str) -> None:
    assert json.loads(Subscriptions().handle(text))["code"] == 3


def test_more_than_1024_streams_are_refused_and_change_nothing() -> None:
    one = Subscriptions(f"s{n}@trade" for n in range(MOST_STREAMS))
    answer = ask(one, method="SUBSCRIBE", params=["one@more"], id=1)
    assert isinstance(answer, dict)
    assert answer["code"] == 2
    assert len(one.streams) == MOST_STREAMS
