"""What a genotype's score will be, by the scores of others: a Gaussian process."""

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import threadpoolctl
from sklearn import exceptions, gaussian_process
from sklearn.gaussian_process import kernels

from darts_tf.budget.ways import ways
from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import Space


class Features:
    """Genotypes as numbers: the operation on each edge, how often each is there, `ways`, the costs.

    Args:
        space: the search space.
        costs: genotype -> its costs by name, numbers above 0.
        sees_ways: whether `ways` are among the features.
    """

    def __init__(
        self,
        space: Space,
        costs: Callable[[Genotype], dict[str, float]],
        sees_ways: bool = True,
    ):
        self._space, self._sees_ways = space, sees_ways
        self._costs = costs

    def __call__(self, genotypes: Sequence[Genotype]) -> np.ndarray:
        """`[genotypes, features]`: for each cell type 1 for an operation on an edge, else 0, the
        numbers of the operations, 1 for all edges, and its `ways`; and the logarithms of the costs.
        """
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
            if self._sees_ways:
                found.append(ways(space, genotype[cell_type]))
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
    known = (values.astype(float).tobytes() for values in (features, scores))
    model = _fitted(features.shape, *known)
    with _one_thread():
        mean, deviation = model.process.predict(model.standardized(others), return_std=True)
    noise = model.process.kernel_.k2.noise_level
    without = np.sqrt(np.maximum(deviation**2 - noise, 0))
    return model.level + model.spread * mean, model.spread * without


class _Model(NamedTuple):
    """A process of standardised features and scores, and how these are standardised."""

    process: gaussian_process.GaussianProcessRegressor
    center: np.ndarray
    scale: np.ndarray
    level: float
    spread: float

    def standardized(self, features):
        known = self.scale > 0
        found = (features[:, known] - self.center[known]) / self.scale[known]
        return found / np.sqrt(max(1, known.sum()))


# The same scores rank candidates and propose the next one.
@functools.lru_cache(maxsize=1)
def _fitted(shape, features: bytes, scores: bytes) -> _Model:
    features, scores = np.frombuffer(features).reshape(shape), np.frombuffer(scores)
    level, spread = scores.mean(), scores.std() or 1.0
    kernel = (
        kernels.ConstantKernel(1.0, (1e-3, 1e2)) * kernels.DotProduct(0.0, "fixed")
        + kernels.ConstantKernel(1.0, (1e-3, 1e2)) * kernels.RBF(1.0, (0.3, 10.0))
        + kernels.WhiteKernel(0.3, (1e-3, 2.0))
    )
    process = gaussian_process.GaussianProcessRegressor(kernel)
    model = _Model(process, features.mean(0), features.std(0), level, spread)
    with _one_thread(), warnings.catch_warnings():
        # That a part of the covariance is not needed, or alone explains all, is no fault.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        process.fit(model.standardized(features), (scores - level) / spread)
    return model


def _one_thread():
    """A scope of one thread; several, for matrices of some dozens of rows, only wait in a loop.

    On two cores a prediction from 80 scores takes 0.4 s of processor time with two, 0.02 s with
    one.
    """
    return _threads().limit(limits=1, user_api="blas")


@functools.cache
def _threads() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()
