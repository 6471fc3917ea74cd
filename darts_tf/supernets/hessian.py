"""The largest eigenvalue of a Hessian, without the matrix where it is large.

Of the validation loss in the architecture variables it tells how sharp the minimum is, and grows
before a search collapses (Zela et al., RobustDARTS, ICLR 2020, section 4.2).
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

Product = Callable[[np.ndarray], np.ndarray]


class HessianProduct:
    """The products of a Hessian with vectors; traced once.

    Args:
        gradient: `(point, *arguments) -> gradients`, a function of lists of tensors that can be
            differentiated.
        shapes: of the tensors of the point.
    """

    def __init__(self, gradient: Callable, shapes: Sequence[tuple[int, ...]]):
        self._gradient = gradient
        self._shapes = [tuple(shape) for shape in shapes]
        self._run = tf.function(self._multiply, autograph=False, reduce_retracing=True)

    @property
    def size(self) -> int:
        """The number of rows of the Hessian."""
        return sum(int(np.prod(shape)) for shape in self._shapes)

    def at(self, point, *arguments) -> Product:
        """A function from `[size]` to the Hessian's product with it, at a point."""
        return lambda vector: self._run(
            [tf.convert_to_tensor(value) for value in point],
            tf.constant(vector, point[0].dtype),
            *arguments,
        ).numpy()

    def _multiply(self, point, vector, *arguments):
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        direction = [
            tf.reshape(part, shape)
            for part, shape in zip(tf.split(vector, sizes), self._shapes, strict=True)
        ]
        with tf.GradientTape() as tape:
            tape.watch(point)
            slopes = self._gradient(point, *arguments)
            slope = tf.add_n([tf.reduce_sum(g * v) for g, v in zip(slopes, direction, strict=True)])
        zero = tf.UnconnectedGradients.ZERO
        products = tape.gradient(slope, point, unconnected_gradients=zero)
        return tf.concat([tf.reshape(product, [-1]) for product in products], axis=0)


def largest_eigenvalue(product: Product, size: int, exact_up_to: int = 32) -> float:
    """The largest eigenvalue of a symmetric matrix that is known by its products with vectors.

    Args:
        product: from `[size]` to `[size]`.
        size: rows of the matrix.
        exact_up_to: the largest size for which the whole matrix is computed, by `size` products.
            Beyond it there are about 20 to 60, for an error of about 1e-4 times the largest
            absolute eigenvalue; only where those are not enough the whole matrix is computed too.

    Returns:
        The eigenvalue; NaN where a product is not finite.
    """
    if size <= max(exact_up_to, 1):
        return _largest_of_whole(product, size)
    start = np.random.default_rng(0).normal(size=size)
    first = np.asarray(product(start), np.float64)
    if not np.isfinite(first).all():
        return float("nan")
    # A shift by the size of the eigenvalues: the error is measured by the largest one, which may be
    # hardly more than the rounding of the others.
    shift = 2 * float(np.linalg.norm(first) / np.linalg.norm(start))
    if shift == 0:
        return 0.0
    shifted = LinearOperator(
        (size, size), matvec=lambda vector: product(vector) + shift * vector, dtype=np.float64
    )
    options = {"ncv": min(size, 16), "maxiter": 6, "tol": 1e-4, "return_eigenvectors": False}
    try:
        return float(eigsh(shifted, k=1, which="LA", v0=first, **options)[0]) - shift
    except ArpackError:
        return _largest_of_whole(product, size)


def _largest_of_whole(product, size) -> float:
    matrix = np.stack([product(row) for row in np.eye(size)]).astype(np.float64)
    if not np.isfinite(matrix).all():
        return float("nan")
    return float(np.linalg.eigvalsh((matrix + matrix.T) / 2)[-1])
