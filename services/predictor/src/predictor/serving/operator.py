"""The predictor: feature vectors in, predictions and, when their moment has come, outcomes out."""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter

import msgspec

from marketstream.messages import Answer, Features, Outcome, Prediction
from marketstream.timeframes import timeframe_ms
from predictor.arena.guest import Guest
from predictor.policy.average import AVERAGE, Average, half_life_ms
from predictor.serving.abstention import Common
from predictor.serving.at_once import AtOnce
from predictor.serving.decision import decide, opposite
from predictor.serving.forecast import answer, direction_of, outlook
from predictor.serving.guests import Guests
from predictor.serving.intervals import Reach
from predictor.serving.measuring import Price, measured
from predictor.serving.panel import Guested, Heard, Panel
from predictor.serving.rows import Rows
from predictor.settings import Serve
from predictor.training.fitting import TrainedModel
from predictor.training.prices import on_grid

_END_MS = itemgetter(0)
_NO_PRICE: Price = (None, 0.0)


class _Snapshot(msgspec.Struct, array_like=True):
    pending: list[Prediction]
    prices: dict[int, tuple[float | None, float]]
    unscored: int
    reach: dict[int, Reach]
    newest: tuple[float | None, float | None, float] | None
    unchanged: int
    seen_ms: dict[str, int]
    averages: dict[int, Average] = {}  # a snapshot of before there were any has none


class Predictor:
    """The prediction operator of one market.

    It predicts at every close of `timeframe` and measures what came true on the closes of `base`.
    Models come from outside by `install`, between two messages: whatever was predicted before keeps
    the version it was made with. What serves is the online average of all candidates of a model,
    or its champion alone; the others say beside it what they would have said. `guests` are models
    from outside, which are asked beside them.
    """

    def __init__(
        self,
        market: str,
        *,
        timeframe: str,
        base: str,
        horizons_ms: Sequence[int],
        grace_ms: int = 0,
        serve: Serve = "champion",
        guests: Sequence[Guest] = (),
    ) -> None:
        self.market = market
        self.unscored = 0
        self._timeframe = timeframe
        self._base = base
        self._base_ms = timeframe_ms(base)
        self._horizons_ms = tuple(horizons_ms)
        self._grace_ms = grace_ms
        self._serve = serve
        self._guests = Guests(guests)
        self._half_life_ms = half_life_ms(timeframe_ms(timeframe), "mid")
        self._models: dict[int, TrainedModel] = {}
        self._panels: dict[int, Panel] = {}
        self._guards: Common | None = None
        self._at_once = AtOnce(())
        self._averages = {h: Average() for h in horizons_ms}
        # With the moment of the base closes that each is about, the earliest first.
        self._pending: dict[int, deque[tuple[int, Prediction]]] = {h: deque() for h in horizons_ms}
        # Close time to mid and last price, the oldest first.
        self._prices: OrderedDict[int, Price] = OrderedDict()
        self._reach = {h: Reach() for h in horizons_ms}
        self._newest: tuple[float | None, float | None, float] | None = None  # bid, ask, close
        self._unchanged = 0
        self._said: dict[tuple[int, int], Prediction] = {}
        self._seen_ms: dict[str, int] = {}  # the newest close of each timeframe

    def install(self, models: Mapping[int, TrainedModel]) -> None:
        """Serve these models from the next close on; horizons not named keep theirs."""
        self._models.update(models)
        for horizon_ms, model in models.items():
            self._panels[horizon_ms] = Panel(model, self._serve)
            self._seat(horizon_ms)
        if models:
            self._guards = Common([model.guard for model in self._models.values()])
            self._at_once = AtOnce(self._panels.values())

    def _seat(self, horizon_ms: int) -> None:
        models = self._panels[horizon_ms].models | self._guests.models(horizon_ms)
        self._averages.setdefault(horizon_ms, Average()).seat(models, self._guests.names)

    def tell(self, name: str, close_time_ms: int, said: Mapping[int, float]) -> bool:
        """Note what a model that is asked elsewhere says of a close to come, by horizon.

        It comes from outside, as models do, between two messages. False where that close has been:
        the model abstained.
        """
        if close_time_ms <= self._seen_ms.get(self._timeframe, -1):
            return False
        self._guests.tell(name, close_time_ms, said)
        return True

    def remember(self, said: Iterable[Prediction]) -> None:
        """Let stand what was predicted before a stop that this operator does not know of.

        A close that comes once more is not predicted anew: by now another model may serve. Where
        there was but a preview of it, it still has to be predicted.
        """
        self._said = {(one.close_time_ms, one.horizon_ms): one for one in said if not one.preview}

    @property
    def has_finer(self) -> bool:
        """Whether closes of a finer timeframe come between those it predicts at."""
        return self._base != self._timeframe

    @property
    def models(self) -> Mapping[int, TrainedModel]:
        """What serves, by horizon."""
        return self._models

    def update(self, message: Features) -> list[Prediction | Outcome]:
        """Fold one message; return the outcomes that are due and the predictions made.

        A forming candle brings previews, and leaves everything as it is. A close that was seen
        before is passed over: each is predicted once.
        """
        if message.forming:
            return self._previews(message)
        if message.close_time_ms <= self._seen_ms.get(message.timeframe, -1):
            return []
        self._seen_ms[message.timeframe] = message.close_time_ms
        following: list[Prediction | Outcome] = []
        if message.timeframe == self._base:
            self._prices[message.close_time_ms] = (message.mid, message.close)
            following += self._due(message.close_time_ms)
            self._forget(message.close_time_ms)
        if message.timeframe == self._timeframe:
            self._watch(message)
            following += self._predictions(message)
            self._guests.forget(message.close_time_ms)
        return following

    def _predictions(self, message: Features) -> Iterator[Prediction]:
        """Predict at a close, but for what was predicted of it before a stop."""
        mid = message.mid
        if mid is None:
            return
        rows = Rows(message.values)
        rows.said, within = self._at_once.ask(rows), self._are_within(rows)
        for horizon_ms in self._horizons_ms:
            model = self._models.get(horizon_ms)
            prediction = None
            if self._said:
                prediction = self._said.pop((message.close_time_ms, horizon_ms), None)
            if prediction is None and model is not None:
                prediction = self._predict(message, mid, model, rows, within=within)
            if prediction is not None:
                self._await(prediction)
                yield prediction

    def _are_within(self, rows: Rows) -> bool:
        """Return whether a row is novel to no guard; False is not known."""
        guards = self._guards
        if guards is None or guards.columns is None:
            return False
        return guards.holds(rows.of(guards.columns).values)

    def _watch(self, message: Features) -> None:
        """Count the closes that brought nothing new."""
        newest = (message.bid, message.ask, message.close)
        self._unchanged = self._unchanged + 1 if newest == self._newest else 0
        self._newest = newest

    def _previews(self, message: Features) -> list[Prediction | Outcome]:
        mid = message.mid
        if mid is None:
            return []
        rows = Rows(message.values)
        rows.said, within = self._at_once.ask(rows), self._are_within(rows)
        return [
            self._predict(message, mid, self._models[horizon_ms], rows, within=within)
            for horizon_ms in self._horizons_ms
            if horizon_ms in self._models
        ]

    def _predict(
        self, features: Features, mid: float, model: TrainedModel, rows: Rows, *, within: bool
    ) -> Prediction:
        heard = self._hear(features, model, rows)
        said = outlook(model, heard.moves, heard.p_up, mid, self._reach[model.horizon_ms])
        direction, reason = decide(
            said, features, rows, model,
            known=heard.known, unchanged=self._unchanged, within=within,
        )  # fmt: skip
        name = AVERAGE if self._serve == "average" else model.champion.name
        return Prediction(  # in the order of its fields: by their names it takes ten times as long
            self.market, self._timeframe, features.close_time_ms, model.horizon_ms,
            "champion", name, model.version, model.latency_ms,
            mid, features.close,
            said.expected_return, said.predicted_price, said.p_up, said.p_flat, said.p_down,
            said.low, said.high, model.level,
            direction, reason, self._answers(features, mid, model, heard),
            features.forming, features.feature_set,
            None, None, False,  # noqa: FBT003  # whoever publishes it says when, and whether late
            heard.candidates,
        )  # fmt: skip

    def _hear(self, features: Features, model: TrainedModel, rows: Rows) -> Heard:
        panel, average = self._panels[model.horizon_ms], self._averages[model.horizon_ms]
        about_ms = features.close_time_ms + model.latency_ms + model.horizon_ms
        at_ms = on_grid(about_ms, self._base_ms)
        guests: Sequence[Guested] = ()
        if self._guests.names:
            guests = self._guests.hear(
                rows, features.close_time_ms, model.horizon_ms, preview=features.forming
            )
        half_life_ms = self._half_life_ms
        return panel.hear(rows, lambda names: average.weights(names, at_ms, half_life_ms), guests)

    def _answers(
        self, features: Features, mid: float, model: TrainedModel, heard: Heard
    ) -> dict[str, Answer]:
        before = self._prices.get(features.close_time_ms - model.horizon_ms)
        moved: Answer = "none"
        if before is not None and before[0] is not None:
            moved = direction_of(mid - before[0])
        answers: dict[str, Answer] = {
            "majority": model.majority,
            "persistence": moved,
            "reversal": opposite(moved),
        }
        for name, p_up in heard.beside.items():
            answers[name] = answer(p_up)
        return answers

    def _await(self, prediction: Prediction) -> None:
        """Have a prediction wait for its moment; a newer model may have a shorter latency."""
        pending = self._pending.get(prediction.horizon_ms)
        if pending is None:
            pending = self._pending[prediction.horizon_ms] = deque()
        waiting = (on_grid(prediction.for_ms, self._base_ms), prediction)
        if not pending or pending[-1][0] <= waiting[0]:
            pending.append(waiting)
        else:
            insort(pending, waiting, key=_END_MS)

    def _due(self, now_ms: int) -> list[Outcome]:
        outcomes = []
        due_ms, base_ms, prices = now_ms - self._grace_ms, self._base_ms, self._prices
        for pending in self._pending.values():
            while pending and pending[0][0] <= due_ms:
                end_ms, one = pending.popleft()
                start_ms = on_grid(one.close_time_ms + one.label_latency_ms, base_ms)
                start, end = prices.get(start_ms, _NO_PRICE), prices.get(end_ms, _NO_PRICE)
                outcome = measured(one, start, end)
                if outcome is None:
                    self.unscored += 1
                    continue
                outcomes.append(outcome)
                self._learn(one, outcome.realised_mid)
                if outcome.realised_return:
                    self._weigh(one, end_ms, up=outcome.realised_return > 0)
        return outcomes

    def _weigh(self, prediction: Prediction, end_ms: int, *, up: bool) -> None:
        """Have the average learn from a price that moved; a champion that serves alone needs none.

        What was predicted while another setting served tells it nothing of itself.
        """
        average = self._averages.get(prediction.horizon_ms)
        p_up = prediction.p_up
        p_moves = p_up + prediction.p_down
        if average is None or prediction.model_name != AVERAGE or not p_moves:
            return
        average.happened(
            {said.model: said.p_up for said in prediction.candidates.values()},
            p_up / p_moves,
            up=up,
            at_ms=end_ms,
            horizon_ms=prediction.horizon_ms,
            half_life_ms=self._half_life_ms,
        )

    def _learn(self, prediction: Prediction, realised_mid: float) -> None:
        reach = self._reach.get(prediction.horizon_ms)
        if reach is not None:  # else a horizon that is no longer asked for
            reach.happened(
                realised_mid, prediction.predicted_price,
                prediction.low, prediction.high, prediction.level,
            )  # fmt: skip

    def _forget(self, now_ms: int) -> None:
        """Drop prices that neither an outcome nor persistence looks back to any more.

        Both look back a horizon: an outcome is due a horizon after its price at the start (and the
        grace), whatever the latency is.
        """
        until_ms, prices = now_ms - max(self._pending) - self._grace_ms, self._prices
        while next(iter(prices)) < until_ms:
            prices.popitem(last=False)

    def snapshot(self) -> bytes:
        """Return the predictions whose moment is to come and the prices to measure them by.

        With them goes what was learnt of the bounds and of the candidates, and for how long nothing
        has changed.
        """
        pending = [prediction for queue in self._pending.values() for _, prediction in queue]
        learnt = (self._reach, self._newest, self._unchanged, self._seen_ms, self._averages)
        return msgspec.msgpack.encode((pending, self._prices, self.unscored, *learnt))

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot; models are installed anew by whoever keeps them."""
        state = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        self.unscored, self._newest, self._unchanged = state.unscored, state.newest, state.unchanged
        self._seen_ms = state.seen_ms
        self._reach |= {h: learnt for h, learnt in state.reach.items() if h in self._reach}
        self._averages |= {h: learnt for h, learnt in state.averages.items() if h in self._averages}
        for horizon_ms in self._panels:
            self._seat(horizon_ms)
        self._prices = OrderedDict(state.prices)
        self._pending = {horizon_ms: deque() for horizon_ms in self._horizons_ms}
        for prediction in state.pending:  # also those of a horizon that is no longer asked for
            self._await(prediction)
