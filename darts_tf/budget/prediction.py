"""What a genotype's score will be, by the scores of others: a Gaussian process."""

import functools
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import threadpoolctl
from sklearn import exceptions, gaussian_process
from sklearn.gaussian_process import kernels

from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import Space


class Features:
    """Genotypes as numbers: which operation is on which edge, how often each is there, the costs.

    Args:
        space: the search space.
        costs: genotype -> its costs by name, numbers above 0.
    """

    def __init__(self, space: Space, costs: Callable[[Genotype], dict[str, float]]):
        self._space = space
        self._costs = costs

    def __call__(self, genotypes: Sequence[Genotype]) -> np.ndarray:
        """`[genotypes, features]`: 1 for an operation on an edge, else 0, for each cell type; the
        numbers of the operations, 1 for all edges; and the logarithms of the costs."""
        return np.array([self._of(genotype) for genotype in genotypes])

    def _of(self, genotype) -> np.ndarray:
        space, found = self._space, []
        for cell_type in space.cell_types:
            places = np.zeros((len(space.edges), len(space.operations)))
            for node, edges in enumerate(genotype[cell_type].nodes):
                for operation, source in edges:
                    e = space.edges.index((node, source))
                    places[e, space.operations.index(operation)] = 1
            found += [places.ravel(), places.sum(0) / places.sum()]
        costs = np.log(list(self._costs(genotype).values()))
        return np.concatenate([*found, costs])


def predict(
    features: np.ndarray, scores: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The scores of others.

    A Gaussian process (Rasmussen, Williams, 2006, equations 2.25 and 2.26) whose covariance is that
    of a linear function, plus that of a smooth one, plus noise; how much of each, and how smooth,
    is what makes the known scores most likely. Features and scores are standardised before.

    Args:
        features: of those whose score is known, `[N, features]`.
        scores: theirs, `[N]`.
        others: features `[M, features]`.

    Returns:
        Mean and standard deviation without noise, both `[M]`.
    """
    center, scale = features.mean(0), features.std(0)
    known = scale > 0
    inputs, asked = (
        (x[:, known] - center[known]) / scale[known] / np.sqrt(max(1, known.sum()))
        for x in (features, others)
    )
    level, spread = scores.mean(), scores.std() or 1.0
    kernel = (
        kernels.ConstantKernel(1.0, (1e-3, 1e2)) * kernels.DotProduct(0.0, "fixed")
        + kernels.ConstantKernel(1.0, (1e-3, 1e2)) * kernels.RBF(1.0, (0.3, 10.0))
        + kernels.WhiteKernel(0.3, (1e-3, 2.0))
    )
    model = gaussian_process.GaussianProcessRegressor(kernel)
    with _one_thread(), warnings.catch_warnings():
        # That a part of the covariance is not needed, or alone explains all, is no fault.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        model.fit(inputs, (scores - level) / spread)
        mean, deviation = model.predict(asked, return_std=True)
    noise = model.kernel_.k2.noise_level
    without = np.sqrt(np.maximum(deviation**2 - noise, 0))
    return level + spread * mean, spread * without


def _one_thread():
    """A scope of one thread; several, for matrices of some dozens of rows, only wait in a loop.

    On two cores a prediction from 80 scores takes 0.4 s of processor time with two, 0.02 s with
    one.
    """
    return _threads().limit(limits=1, user_api="blas")


@functools.cache
def _threads() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()
