"""Metrics: equal to scikit-learn's, and the same however samples are cut into batches and ranks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

import nn
from nn import metrics
from nn.errors import OptionError, TargetError
from nn.training import reduced

EVERY = [
    metrics.accuracy,
    metrics.top_k(2),
    metrics.auc,
    *(make(average) for make in (metrics.precision, metrics.recall, metrics.f1)
      for average in ("macro", "micro")),
]  # fmt: skip


@st.composite
def classified(draw: st.DrawFn, classes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties, and targets."""
    n = draw(st.integers(2, 30))
    classes = classes or draw(st.integers(2, 5))
    output = draw(arrays(np.float64, (n, classes), elements=st.integers(-3, 3).map(float)))
    return output, draw(arrays(np.int64, n, elements=st.integers(0, classes - 1)))


@given(classified())
def test_counts_of_classes(data: tuple[np.ndarray, np.ndarray]) -> None:
    output, target = data
    guess, labels = output.argmax(axis=1), list(range(output.shape[1]))
    assert metrics.accuracy(output, target) == reference.accuracy_score(target, guess)
    np.testing.assert_array_equal(
        metrics.confusion_matrix(output, target),
        reference.confusion_matrix(target, guess, labels=labels),
    )
    for average in ("macro", "micro"):
        for mine, theirs in (
            (metrics.precision, reference.precision_score),
            (metrics.recall, reference.recall_score),
            (metrics.f1, reference.f1_score),
        ):
            expected = theirs(target, guess, average=average, zero_division=0)
            assert mine(average)(output, target) == pytest.approx(expected, abs=1e-12)


@given(classified(2))
def test_two_classes(data: tuple[np.ndarray, np.ndarray]) -> None:
    output, target = data
    logit = output[:, 1] - output[:, 0]
    for mine, theirs in (
        (metrics.precision, reference.precision_score),
        (metrics.recall, reference.recall_score),
        (metrics.f1, reference.f1_score),
    ):
        expected = theirs(target, logit > 0, zero_division=0)
        for given_as in (output, logit, logit[:, None]):
            assert mine("binary")(given_as, target) == pytest.approx(expected, abs=1e-12)
    if 0 < target.sum() < len(target):
        expected = reference.roc_auc_score(target, logit)
        for given_as in (output, logit, logit[:, None]):
            assert metrics.auc(given_as, target) == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan(metrics.auc(output, target))


def test_area_over_classes() -> None:
    rng = np.random.default_rng(0)
    output, target = rng.normal(size=(50, 4)), rng.integers(4, size=50)
    shares = np.exp(output) / np.exp(output).sum(axis=1, keepdims=True)
    expected = reference.roc_auc_score(target, shares, multi_class="ovr")
    assert metrics.auc(output, target) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 4))
def test_top_k(k: int) -> None:
    rng = np.random.default_rng(k)
    output, target = rng.normal(size=(40, 5)), rng.integers(5, size=40)
    expected = reference.top_k_accuracy_score(target, output, k=k)
    assert metrics.top_k(k)(output, target) == pytest.approx(expected)
    tied = np.zeros((3, 5))
    assert metrics.top_k(k)(tied, np.array([0, k, k - 1])) == pytest.approx(2 / 3)


def test_images_have_a_class_at_every_pixel() -> None:
    rng = np.random.default_rng(0)
    output, target = rng.normal(size=(2, 3, 4, 5)), rng.integers(3, size=(2, 4, 5))
    flat = np.moveaxis(output, 1, -1).reshape(-1, 3)
    for metric in (metrics.accuracy, metrics.top_k(2), metrics.f1()):
        assert metric(output, target) == metric(flat, target.ravel())


def test_r2() -> None:
    y = np.array([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0]])
    assert metrics.r2(y, y) == 1
    assert metrics.r2(np.broadcast_to(y.mean(axis=0), y.shape), y) == pytest.approx(0)
    assert metrics.r2(y[:, 0], y[:, 0] + 1) == pytest.approx(1 - 3 / 2)
    guess = y + np.array([[1.0, -2.0], [0.5, 1.0], [0.0, 4.0]])
    assert metrics.r2(guess, y) == pytest.approx(reference.r2_score(y, guess))


@given(classified(3), st.integers(1, 7), st.integers(1, 4))
def test_batches_and_ranks_do_not_matter(
    data: tuple[np.ndarray, np.ndarray], batch_size: int, size: int
) -> None:
    output, target = data
    loader = nn.DataLoader(output, target, batch_size=batch_size)
    for metric in EVERY:
        whole = metric(output, target)
        found = nn.evaluate(nn.Identity(), loader, metrics=[metric])[metric.name]
        np.testing.assert_array_equal(found, whole)
        np.testing.assert_array_equal(over_ranks(metric, loader, size), [whole] * size)


def over_ranks(metric: metrics.Metric, loader: nn.DataLoader, size: int) -> list[float]:
    """The metric as every one of some ranks finds it: all go one reduction at a time."""
    shares = []
    for rank in range(size):
        batches = [metric.add_up(x, y) for x, y in loader.batches(0, (rank, size))]
        total = batches[0]
        for batch in batches[1:]:
            total = metric.join(total, batch)
        shares.append(total)
    answers: list[np.ndarray] = []
    while True:
        asked: list[np.ndarray] = []
        values = []
        for rank in range(size):
            replay = Replay((rank, size), answers)
            try:
                values.append(metric.value(reduced(metric, shares[rank], replay)))
            except Asked:
                asked.append(replay.asked)
        if not asked:
            return values
        answers.append(np.sum(asked, axis=0))


class Asked(Exception):
    """A reduction nobody knows the answer of yet."""


class Replay(nn.training.OneProcess):
    """A rank that knows how its first reductions ended."""

    def __init__(self, shard: tuple[int, int], answers: list[np.ndarray]) -> None:
        self.shard, self.answers, self.count = shard, answers, 0
        self.asked = np.zeros(0)

    def reduce_sum(self, values: np.ndarray) -> np.ndarray:
        self.count += 1
        if self.count > len(self.answers):
            self.asked = values
            raise Asked
        return self.answers[self.count - 1]


@pytest.mark.parametrize("target", [-1, 2, 0.5])
def test_a_target_that_is_no_class_is_named(target: float) -> None:
    with pytest.raises(TargetError, match=f"got target {target}; expected a class from 0 to 1"):
        metrics.f1()(np.zeros((2, 2)), np.array([0, target]))


def test_options_that_mean_nothing() -> None:
    with pytest.raises(OptionError, match="average='weighted'"):
        metrics.precision("weighted")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="3 classes; expected 2"):
        metrics.precision("binary")(np.zeros((2, 3)), np.zeros(2, int))
    with pytest.raises(OptionError, match="top_k: got k=0"):
        metrics.top_k(0)
