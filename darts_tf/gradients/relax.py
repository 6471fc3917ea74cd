"""RELAX and REBAR: a score function whose control variate is the gradient of a relaxation."""

import keras
import tensorflow as tf

from darts_tf.common.draws import uniform
from darts_tf.common.errors import UserError
from darts_tf.common.seeds import consecutive
from darts_tf.gradients.gradient import is_count, is_within, require
from darts_tf.gradients.sampling import (
    CategoricalLoss,
    Estimator,
    MovingAverage,
    Samples,
    require_baseline_decay,
)


class Relax(Estimator):
    """The estimator of Grathwohl et al., "Backpropagation through the Void", ICLR 2018.

        g = (L(Z) - c(z~)) * dlog p(Z)/dalpha + dc(z)/dalpha - dc(z~)/dalpha

    with z = log p + Gumbel noise, Z its largest entry a row, and z~ a draw of z given Z
    (`conditional`). It is unbiased for any c. The parameters of the control variate c descend
    ||g||^2, a single-sample estimate of the variance up to a constant, through a nested tape: c has
    to be twice differentiable. One evaluation of the loss a sample.

    c is a moving average of the losses of earlier steps plus a network of two hidden layers of tanh
    units on softmax(z / lambda). The paper's networks have one or two small layers and a lambda
    that is learned, as here; sizes, learning rate and the moving average are ours. It lets the
    network start from 0 where the losses are far from it.

    Args:
        hidden: units of each hidden layer. Default 64.
        learning_rate: of the control variate's Adam. Default 1e-3.
        baseline_decay: of the moving average, None for none. Default 0.95.
        **options: see `Estimator`.
    """

    def __init__(
        self,
        hidden: int = 64,
        learning_rate: float = 1e-3,
        baseline_decay: float | None = 0.95,
        **options,
    ):
        super().__init__(**options)
        require("hidden", hidden, is_count(hidden), "1 or more")
        self._hidden = hidden
        self._set_up(learning_rate, baseline_decay)

    def _set_up(self, learning_rate, baseline_decay):
        require("learning_rate", learning_rate, is_within(learning_rate, 0), "0 or more")
        require_baseline_decay(baseline_decay)
        self._learning_rate, self._baseline_decay = learning_rate, baseline_decay
        self._optimizer = self._baseline = self._log_temperature = None

    def sample(self, loss: CategoricalLoss, logits, seed) -> Samples:
        shape = (self.samples, *logits.shape)
        u, v = (uniform(shape, s) for s in tf.unstack(tf.random.split(seed, 2)))
        # A copy for each sample, so that the gradients of their sum are each sample's own.
        logits = tf.tile(logits[None], [self.samples, 1, 1])
        baseline = tf.zeros(()) if self._baseline is None else self._baseline.value()
        parameters = [p.value for p in self._parameters]
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch(parameters)
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(logits)
                log_p = tf.nn.log_softmax(logits)
                z = log_p - tf.math.log(-tf.math.log(u))
                draws = tf.one_hot(tf.argmax(z, -1), shape[-1], dtype=z.dtype)
                given_draw = self._control(conditional(log_p, draws, v), loss)
                difference = self._control(z, loss) - given_draw
            pathwise = inner.gradient(difference, logits)
            losses = tf.stop_gradient(loss.discrete(draws))
            factor = losses - baseline - given_draw
            gradients = factor[:, None, None] * (draws - tf.exp(log_p)) + pathwise
            variance = tf.reduce_mean(tf.reduce_sum(gradients**2, [1, 2]))
        found = outer.gradient(variance, parameters, unconnected_gradients="zero")
        self._optimizer.apply(found, self._parameters)
        if self._baseline is not None:
            self._baseline.update(losses)
        return Samples(gradients, losses, self._evaluations_of(self.samples))

    def _evaluations_of(self, samples) -> int:
        return samples

    def _control(self, z, loss: CategoricalLoss) -> tf.Tensor:
        """The control variate at `[samples, variables, categories]`: `[samples]`."""
        return self._network(tf.reshape(self._relaxed(z), [z.shape[0], -1]))[:, 0]

    def _relaxed(self, z) -> tf.Tensor:
        return tf.nn.softmax(z * tf.exp(-tf.convert_to_tensor(self._log_temperature)))

    def _build(self, shape, seed):
        def dense(units, number, activation=None):
            start = keras.initializers.GlorotUniform(consecutive(seed, number))
            return keras.layers.Dense(units, activation, kernel_initializer=start, dtype="float32")

        self._network = keras.Sequential(
            [
                keras.Input([shape[0] * shape[1]], dtype="float32"),
                dense(self._hidden, 0, "tanh"),
                dense(self._hidden, 1, "tanh"),
                dense(1, 2),
            ]
        )
        self._build_parameters(self._network.trainable_variables)

    def _build_parameters(self, parameters):
        self._log_temperature = keras.Variable(0.0, dtype="float32", name="log_temperature")
        self._parameters = [self._log_temperature, *parameters]
        self._optimizer = keras.optimizers.Adam(self._learning_rate)
        self._optimizer.build(self._parameters)
        if self._baseline_decay is not None:
            self._baseline = MovingAverage(self._baseline_decay)
            self._baseline.build()

    def _variables(self):
        baseline = [] if self._baseline is None else self._baseline.variables
        return [*self._parameters, *self._optimizer.variables, *baseline]


class Rebar(Relax):
    """RELAX whose control variate is the loss itself, relaxed: c(z) = eta * L(softmax(z / lambda)).

    Tucker et al., "REBAR: Low-variance, unbiased gradient estimates for discrete latent variable
    models", NeurIPS 2017. eta and lambda, which both start from 1, are learned. The loss has to be
    defined between the categories, and differentiable; in a search that is the whole supernet, once
    at z and once at z~, so a step costs more than one of DARTS' second order.

    Args:
        learning_rate: of eta's and lambda's Adam. Default 1e-3, ours.
        baseline_decay: of a moving average of the losses that is added to c, as in `Relax`; None,
            the default, for none.
        **options: see `Estimator`.
    """

    def __init__(self, learning_rate: float = 1e-3, baseline_decay: float | None = None, **options):
        Estimator.__init__(self, **options)
        self._set_up(learning_rate, baseline_decay)

    def _control(self, z, loss):
        if loss.relaxed is None:
            raise UserError(
                "REBAR needs a loss that is defined between the categories, and this one is not; "
                "use RELAX"
            )
        return tf.convert_to_tensor(self._eta) * loss.relaxed(self._relaxed(z))

    def _evaluations_of(self, samples):
        return 3 * samples

    def _build(self, shape, seed):
        self._eta = keras.Variable(1.0, dtype="float32", name="eta")
        self._build_parameters([self._eta])


def conditional(log_probabilities, draws, v) -> tf.Tensor:
    """z given its largest entry of each row, from uniform noise.

        z~_b = -log(-log v_b),   z~_i = -log(-log(v_i) / p_i - log v_b)

    for the drawn category b and the others i (Grathwohl et al., ICLR 2018, appendix; Tucker et al.,
    2017). Computed from the logarithms, so that a probability of 0 is a z~_i of minus a lot. The
    drawn entry is always the largest.

    Args:
        log_probabilities: `[.., categories]`, normalised.
        draws: the same shape, one-hot.
        v: the same shape, uniform in (0, 1), independent of the noise behind the draws.
    """
    log_exponential = tf.math.log(-tf.math.log(v))
    smallest = tf.reduce_sum(draws * log_exponential, -1, keepdims=True)
    others = log_exponential - log_probabilities
    # log(exp(others) + exp(smallest))
    both = others + tf.nn.softplus(smallest - others)
    return -tf.where(draws > 0, smallest, both)
