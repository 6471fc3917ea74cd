"""The score-function estimator, also known as REINFORCE."""

import tensorflow as tf

from darts_tf.gradients.sampling import (
    CategoricalLoss,
    Estimator,
    MovingAverage,
    Samples,
    draw,
    require_baseline_decay,
)


class ScoreFunction(Estimator):
    """g = (L(Z) - c) * dlog p(Z)/dalpha,  with row e of the last factor Z_e - softmax(alpha_e).

    Williams, Machine Learning 8, 1992. One evaluation of the loss a sample. The baseline c is an
    average of the losses of earlier steps only: with this step's among them g would be biased.

    Args:
        baseline_decay: of that average; None for c = 0. Default 0.95, ours.
        **options: see `Estimator`.
    """

    def __init__(self, baseline_decay: float | None = 0.95, **options):
        super().__init__(**options)
        require_baseline_decay(baseline_decay)
        self._baseline_decay = baseline_decay
        self._baseline = None

    def sample(self, loss: CategoricalLoss, logits, seed) -> Samples:
        log_p = tf.nn.log_softmax(logits)
        draws = draw(log_p, self.samples, seed)
        losses = loss.discrete(draws)
        baseline = 0.0 if self._baseline is None else self._baseline.value()
        gradients = score_gradients(draws, losses - baseline, tf.exp(log_p))
        if self._baseline is not None:
            self._baseline.update(losses)
        return Samples(gradients, losses, self.samples)

    def _build(self, shape, seed):
        if self._baseline_decay is not None:
            self._baseline = MovingAverage(self._baseline_decay)
            self._baseline.build()

    def _variables(self):
        return [] if self._baseline is None else self._baseline.variables


def score_gradients(draws, losses, probabilities) -> tf.Tensor:
    """Loss times score, `[n, variables, categories]`.

    Args:
        draws: `[n, variables, categories]`, one-hot.
        losses: `[n]`, minus whatever the draws do not depend on.
        probabilities: `[variables, categories]`.
    """
    return losses[:, None, None] * (draws - probabilities)
