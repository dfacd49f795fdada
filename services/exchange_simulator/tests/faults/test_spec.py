import pytest

from exchange_simulator.faults.kinds import KINDS, described
from exchange_simulator.faults.plan import Faults
from exchange_simulator.faults.spec import parse_spec
from exchange_simulator.venues import server_of
from marketstream.errors import SettingsError


def test_a_spec_names_kinds_rates_durations_shares_and_a_seed():
    spec = parse_spec("zombie=2,stall=1/60s,drop=3%:seed=7")
    zombie, stall, drop = spec.rules
    assert spec.seed == 7
    assert (zombie.per_minute, zombie.seconds) == (2.0, 30.0)
    assert (stall.per_minute, stall.seconds) == (1.0, 60.0)
    assert (drop.per_minute, drop.share) == (None, 0.03)


def test_all_is_every_kind_and_none_is_no_rule():
    assert [rule.kind.name for rule in parse_spec("all:seed=3").rules] == list(KINDS)
    assert parse_spec("none").rules == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zombi", r"no fault is called 'zombi': did you mean zombie\? There are cut, close"),
        ("zombie=3%", "zombie strikes no share of messages"),
        ("drop=300%", "a share is up to 100 %"),
        ("drop=", "fault 'drop=' cannot be read"),
        ("drop=0", "give a number above 0"),
        ("all=3%", "all takes faults a minute"),
    ],
)
def test_a_spec_that_cannot_be_read_is_refused(text, message):
    with pytest.raises(SettingsError, match=message):
        parse_spec(text)


def test_each_kind_is_described_in_one_line():
    assert [line.split()[0] for line in described().splitlines()] == list(KINDS)


def course(seed: int) -> list[tuple[object, object, int]]:
    now = [0.0]
    faults = Faults(
        parse_spec(f"all=60:seed={seed}"),
        ["BTCUSDT", "ETHUSDT"],
        server_of("binance").marks,
        lambda: now[0],
    )
    seen = []
    faults.on_begin = lambda fault: seen.append((fault.kind.name, fault.market, int(now[0])))
    for second in range(600):
        now[0] = float(second)
        faults.advance()
    return seen


def test_the_seed_alone_chooses_which_faults_come_when():
    first = course(1)
    assert first == course(1)
    assert first != course(2)
    assert 500 < len(first) < 700
    assert {name for name, _, _ in first} == set(KINDS)
