"""Reparameterisation and marginalisation: all categories of a variable, the others drawn."""

import tensorflow as tf

from darts_tf.common.draws import uniform
from darts_tf.gradients.gradient import is_count, require
from darts_tf.gradients.sampling import CategoricalLoss, Estimator, Samples, draw


class Ram(Estimator):
    """The exact gradient in one variable, given a draw of the others; so for each variable.

        g_ea = p_ea * (l_a - sum_b p_eb l_b),   l_a = L(Z with Z_e = a)

    Tokui & Sato, "Evaluating the Variance of Likelihood-Ratio Gradient Estimators", ICML 2017.
    Sample by sample its variance is at most that of the score function with any constant baseline.
    Its price is one evaluation of the loss for every category.

    Args:
        fresh: whether each variable gets a draw of the others of its own: with v variables of c
            categories v c evaluations a sample. Default: all share one, v (c - 1) + 1 evaluations.
        edges: how many of the variables to look at in a sample, drawn at random anew for each; the
            estimate is scaled up, and stays unbiased. None, the default, for all of them.
        **options: see `Estimator`.
    """

    def __init__(self, fresh: bool = False, edges: int | None = None, **options):
        super().__init__(**options)
        require("fresh", fresh, isinstance(fresh, bool), "true or false")
        good = edges is None or is_count(edges)
        require("edges", edges, good, "1 or more, or none for all")
        self._fresh, self._edges = fresh, edges

    def sample(self, loss: CategoricalLoss, logits, seed) -> Samples:
        log_p = tf.nn.log_softmax(logits)
        variables, categories = log_p.shape
        seeds = tf.random.split(seed, 2)
        edges = self._draw_edges(variables, seeds[0])
        looked_at = edges.shape[1]
        if self._fresh:
            draws = draw(log_p, self.samples * looked_at, seeds[1])
            draws = tf.reshape(draws, [self.samples, looked_at, variables, categories])
            evaluations = looked_at * categories
        else:
            draws = draw(log_p, self.samples, seeds[1])
            evaluations = looked_at * (categories - 1) + 1
        losses = _losses_of_all_categories(loss.discrete, draws, edges)
        p = tf.gather(tf.exp(log_p), edges)
        expected = tf.reduce_sum(p * losses, -1, keepdims=True)
        places = tf.one_hot(edges, variables, dtype=log_p.dtype)
        advantages = variables / looked_at * p * (losses - expected)
        gradients = tf.einsum("nev,nea->nva", places, advantages)
        return Samples(gradients, tf.reduce_mean(expected, [1, 2]), self.samples * evaluations)

    def _draw_edges(self, variables, seed) -> tf.Tensor:
        """Which variables each sample looks at, `[samples, edges]`."""
        if self._edges is None:
            return tf.tile(tf.range(variables)[None], [self.samples, 1])
        return tf.math.top_k(uniform([self.samples, variables], seed), self._edges).indices

    def _build(self, shape, seed):
        edges = self._edges
        require("edges", edges, edges is None or edges <= shape[0], f"at most {shape[0]}")


def _losses_of_all_categories(loss, draws, edges) -> tf.Tensor:
    """`[n, edges, categories]`: the losses of the draws with each category on each of the edges.

    Args:
        loss: from `[n, variables, categories]` to `[n]`.
        draws: `[n, variables, categories]`, one for all the edges, whose own loss is computed once
            only; or `[n, edges, variables, categories]`, one for each edge.
        edges: `[n, edges]`.
    """
    variables, categories = draws.shape[-2:]
    if fresh := len(draws.shape) == 4:
        others = tf.tile(tf.range(categories)[None, None], [*edges.shape, 1])
        base = draws[:, :, None]
    else:
        drawn = tf.gather(tf.argmax(draws, -1, output_type=tf.int32), edges, batch_dims=1)
        others = (drawn[..., None] + tf.range(1, categories)) % categories
        base = draws[:, None, None]
    replaced = tf.one_hot(others, categories, dtype=draws.dtype)
    here = tf.one_hot(edges, variables, on_value=True, off_value=False)[:, :, None, :, None]
    changed = tf.where(here, replaced[..., None, :], base)
    flat = tf.reshape(changed, [-1, variables, categories])
    if fresh:
        return tf.reshape(loss(flat), others.shape)
    losses = loss(tf.concat([draws, flat], 0))
    own, losses = losses[: draws.shape[0]], losses[draws.shape[0] :]
    losses = tf.reshape(losses, others.shape)
    own = tf.one_hot(drawn, categories, dtype=losses.dtype) * own[:, None, None]
    return own + tf.reduce_sum(tf.cast(replaced, losses.dtype) * losses[..., None], -2)
