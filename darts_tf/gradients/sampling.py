"""Gradients of an expectation over categorical variables, from the losses of single draws.

    J(alpha) = E[L(Z)],   row e of Z one-hot with the probabilities softmax(alpha_e), independent

Every estimator is unbiased: the mean of its gradients is dJ/dalpha, whatever the loss L is. DARTS
and SNAS descend relaxations of J instead. Nothing here knows of networks; the rows of the matrix
alpha are the variables, its columns their categories. A category that a variable does not have
gets a very negative logit, and so the probability and the gradient 0.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import tensorflow as tf

from darts_tf.common import seeds
from darts_tf.common.draws import gumbel
from darts_tf.common.errors import UserError
from darts_tf.gradients.gradient import Gradient, is_count, is_within, require
from darts_tf.gradients.problem import Hypergradient, Point, Problem
from darts_tf.gradients.running_variance import RunningVariance


class CategoricalLoss(NamedTuple):
    """The loss of draws.

    Attributes:
        discrete: from draws `[n, variables, categories]`, one-hot, to losses `[n]`.
        relaxed: the same function for any weights, differentiable in them; None if there is none.
    """

    discrete: Callable[[tf.Tensor], tf.Tensor]
    relaxed: Callable[[tf.Tensor], tf.Tensor] | None = None


class Samples(NamedTuple):
    """Independent estimates of one gradient.

    Attributes:
        gradients: `[samples, variables, categories]`, in the logits.
        losses: `[samples]`, estimates of J.
        evaluations: how often the loss was computed.
    """

    gradients: tf.Tensor
    losses: tf.Tensor
    evaluations: int


class Estimate(NamedTuple):
    """The mean of the samples.

    Attributes:
        gradient: `[variables, categories]`, of J in the logits.
        loss: a scalar, an estimate of J.
    """

    gradient: tf.Tensor
    loss: tf.Tensor


class Estimator(Gradient):
    """An estimator over drawn architectures: it has learned something, and knows its variance.

    Call `build` once, then `estimate`, or the estimator itself as any other hypergradient of
    `darts_tf.gradients`. Subclasses define `sample`, and `_build` and `_variables` if they learn.

    Args:
        samples: independent samples a step, of which the mean is taken. Default 1.
        variance_decay: of the moving averages behind the reported variance. Default 0.99, ours.
        data: the batch that gives a search's losses: "validation" (default; the papers of the
            unbiased estimators are silent, DARTS does so) or "train" (as SNAS does).

    Raises:
        UserError: an argument is out of its range.
    """

    samples_architectures = True

    def __init__(self, samples: int = 1, variance_decay: float = 0.99, data: str = "validation"):
        require("samples", samples, is_count(samples), "1 or more")
        good = is_within(variance_decay, 0, 1)
        require("variance_decay", variance_decay, good, "a number in [0, 1)")
        require("data", data, data in ("validation", "train"), "validation or train")
        self.samples = samples
        self._data = data
        self._variance_decay = variance_decay
        self._variance = self._evaluations = None

    def build(self, shape: tuple[int, int], seed: int = 0) -> None:
        """Makes the variables.

        Args:
            shape: (variables, categories), in a search one variable an edge.
            seed: of what starts from random values.
        """
        self._variance = RunningVariance(self._variance_decay)
        self._variance.build(shape)
        self._evaluations = keras.Variable(0, dtype="int64", trainable=False, name="evaluations")
        self._build(shape, seed)

    @property
    def variables(self) -> list[keras.Variable]:
        """All that a checkpoint has to hold."""
        return [*self._variance.variables, self._evaluations, *self._variables()]

    def report(self) -> dict[str, float]:
        """How the estimator has done so far.

        Returns:
            `gradient_variance`, of the mean of a step's samples, summed over all components, as a
            moving average (missing before the second sample); `loss_evaluations`, the number of
            them since the beginning.
        """
        found = {"loss_evaluations": float(self._evaluations)}
        variance = self._variance.result()
        if variance is not None:
            found["gradient_variance"] = variance / self.samples
        return found

    def estimate(self, loss: CategoricalLoss, logits: tf.Tensor, seed: tf.Tensor) -> Estimate:
        """Draws, evaluates the losses, and moves the state on.

        Args:
            loss: the loss of a draw.
            logits: `[variables, categories]`.
            seed: `[2]` int32, of this step's draws.
        """
        samples = self.sample(loss, tf.stop_gradient(logits), seed)
        self._variance.update(samples.gradients)
        self._evaluations.assign_add(samples.evaluations)
        return Estimate(tf.reduce_mean(samples.gradients, 0), tf.reduce_mean(samples.losses))

    def sample(self, loss: CategoricalLoss, logits: tf.Tensor, seed: tf.Tensor) -> Samples:
        """The samples behind an `estimate`. What the estimator learns moves on too."""
        raise NotImplementedError

    def __call__(self, problem: Problem, point: Point, batches: Mapping) -> Hypergradient:
        """The estimate as a hypergradient of `problem.categorical`.

        For chains of any length, as for first order: no inner level's loss or step is used. The
        batch of `data="train"` is that of the first inner level. What is carried from batch to
        batch is that of an architecture which is drawn for it: it has the state that its kind
        leaves behind, whatever the estimator has evaluated.

        Raises:
            UserError: the problem's architecture is not drawn.
        """
        categorical = problem.categorical
        if categorical is None:
            raise UserError(
                f"{type(self).__name__} estimates an expectation over sampled architectures, but "
                "this problem has none; use the relaxation categorical, or another hypergradient"
            )
        level = problem.inner[0] if self._data == "train" else problem.outer
        batch, architecture = batches[level.name], point[problem.outer.name]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(architecture)
            logits = categorical.logits(architecture)
        loss = CategoricalLoss(
            lambda draws: categorical.losses(point, draws, batch),
            lambda mixtures: categorical.relaxed_losses(point, mixtures, batch),
        )
        estimate = self.estimate(loss, logits, categorical.seed)
        gradients = tape.gradient(
            logits,
            architecture,
            output_gradients=estimate.gradient,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        return Hypergradient(gradients, estimate.loss, carried=_carried(problem, point, batches))

    def _build(self, shape, seed):
        """Makes the variables of a subclass."""

    def _variables(self) -> list:
        """The variables of a subclass."""
        return []


def _carried(problem: Problem, point: Point, batches: Mapping):
    """The state that the outermost level's batch hands on; None if there is none."""
    categorical, outer = problem.categorical, problem.outer.name
    if categorical.carried is None:
        return None
    log_p = tf.nn.log_softmax(categorical.logits(point[outer]))
    (first,) = tf.unstack(draw(log_p, 1, seeds.of_part(categorical.seed, 0)))
    return categorical.carried(point, first, batches[outer])


class MovingAverage:
    """An average of the past losses, 0 before the first, without the bias of that start.

    Args:
        decay: of the average, in [0, 1).
    """

    def __init__(self, decay: float):
        self._decay = decay
        self._sum = self._weight = None

    def build(self) -> None:
        """Makes the variables."""
        self._sum, self._weight = (
            keras.Variable(0.0, dtype="float32", trainable=False, name=name)
            for name in ("baseline_sum", "baseline_weight")
        )

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables that a checkpoint has to hold."""
        return [self._sum, self._weight]

    def value(self) -> tf.Tensor:
        """A float32 scalar."""
        total, weight = tf.convert_to_tensor(self._sum), tf.convert_to_tensor(self._weight)
        return tf.math.divide_no_nan(total, weight)

    def update(self, losses: tf.Tensor) -> None:
        """Takes the mean of new losses in, `[samples]`."""
        new = ((self._sum, tf.reduce_mean(losses)), (self._weight, tf.ones(())))
        for variable, value in new:
            old = tf.convert_to_tensor(variable)
            variable.assign(self._decay * old + (1 - self._decay) * tf.cast(value, old.dtype))


def require_baseline_decay(decay: float | None) -> None:
    """Refuses what is no decay of a baseline's `MovingAverage`.

    Raises:
        UserError: it is neither a number in [0, 1) nor None, for no baseline.
    """
    good = decay is None or is_within(decay, 0, 1)
    require("baseline_decay", decay, good, "a number in [0, 1), or none")


def draw(log_probabilities, count: int, seed) -> tf.Tensor:
    """One-hot draws `[count, variables, categories]`."""
    shape = (count, *log_probabilities.shape)
    drawn = tf.argmax(log_probabilities + gumbel(shape, seed), axis=-1)
    return tf.one_hot(drawn, shape[-1], dtype=log_probabilities.dtype)
