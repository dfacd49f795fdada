"""One row at a time: the same bits as in batch, from a booster that can be sent elsewhere."""

import gc
import pickle
import subprocess
import sys
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from marketstream.columns import Floats
from predictor.models.lightgbm import LEARNER, Trees


@pytest.fixture(scope="module")
def trees(noise: Floats) -> Trees:
    up = np.nan_to_num(noise[:, 0]) + np.random.default_rng(1).normal(size=len(noise)) > 0
    fitted = LEARNER(noise, up, {})
    assert isinstance(fitted, Trees)
    return fitted


def rows_with_holes(noise: Floats) -> Floats:
    rows = noise.copy()
    rows[np.random.default_rng(2).random(rows.shape) < 0.1] = np.nan
    rows[0] = np.nan
    return rows


def test_one_row_gets_the_bits_of_the_batch(trees: Trees, noise: Floats) -> None:
    rows = rows_with_holes(noise)
    one_by_one = [trees.probability_of(row.tolist()) for row in rows]
    np.testing.assert_array_equal(one_by_one, trees.probability(rows), strict=True)
    assert len(set(one_by_one)) > 50


def test_trees_sent_elsewhere_say_the_same(trees: Trees, noise: Floats) -> None:
    trees.probability_of(noise[0].tolist())
    sent = pickle.loads(pickle.dumps(trees))
    expected = trees.probability(noise)
    np.testing.assert_array_equal(sent.probability(noise), expected)
    np.testing.assert_array_equal([sent.probability_of(r) for r in noise.tolist()], expected)


def test_trees_that_are_gone_leave_others_alone(trees: Trees, noise: Floats) -> None:
    row = noise[3].tolist()
    expected = trees.probability_of(row)
    for _ in range(3):
        other = pickle.loads(pickle.dumps(trees))
        assert other.probability_of(row) == expected
        del other
        gc.collect()
    assert trees.probability_of(row) == expected


def test_a_row_of_another_length_is_refused(trees: Trees) -> None:
    with pytest.raises(ValueError, match="size"):
        trees.probability_of([1.0, 2.0])


def test_both_ways_give_the_bits_that_lightgbm_itself_gives(trees: Trees, noise: Floats) -> None:
    rows = rows_with_holes(noise)
    theirs = lightgbm.Booster(model_str=trees.text).predict(rows, num_threads=1)
    np.testing.assert_array_equal(trees.probability(rows), theirs)


def test_rows_of_another_width_are_refused(trees: Trees, noise: Floats) -> None:
    with pytest.raises(ValueError, match="columns"):
        trees.probability(noise[:, :1])
    assert trees.probability(noise[:0]).shape == (0,)


def test_a_text_that_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="Model file"):
        Trees("no model")


def test_serving_imports_neither_lightgbm_nor_scikit_learn(
    trees: Trees, noise: Floats, tmp_path: Path
) -> None:
    kept = tmp_path / "trees"
    kept.write_bytes(pickle.dumps(trees))
    trees_row = [0.0] * noise.shape[1]
    script = (
        "import pathlib, pickle, sys\n"
        "trees = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        f"trees.probability_of({trees_row})\n"
        "assert not {'lightgbm', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(kept)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
