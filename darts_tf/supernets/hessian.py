"""The largest eigenvalue of a Hessian, without the matrix where it is large.

Of the validation loss in the architecture variables it tells how sharp the minimum is, and grows
before a search collapses (Zela et al., RobustDARTS, ICLR 2020, section 4.2).
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

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
        parts = [
            tf.reshape(part, shape)
            for part, shape in zip(tf.split(vector, sizes), self._shapes, strict=True)
        ]
        with tf.GradientTape() as tape:
            tape.watch(point)
            slopes = self._gradient(point, *arguments)
            slope = tf.add_n([tf.reduce_sum(g * v) for g, v in zip(slopes, parts, strict=True)])
        zero = tf.UnconnectedGradients.ZERO
        products = tape.gradient(slope, point, unconnected_gradients=zero)
        return tf.concat([tf.reshape(product, [-1]) for product in products], axis=0)


def largest_eigenvalue(product: Product, size: int, exact_up_to: int = 32) -> float:
    """The largest eigenvalue of a symmetric matrix that is known by its products with vectors.

    Args:
        product: from `[size]` to `[size]`.
        size: rows of the matrix.
        exact_up_to: the largest size for which the whole matrix is computed, by `size` products;
            beyond it there are as few products as `lanczos` needs.
    """
    if size <= exact_up_to:
        matrix = np.stack([product(row) for row in np.eye(size)]).astype(np.float64)
        return float(np.linalg.eigvalsh((matrix + matrix.T) / 2)[-1])
    return lanczos(product, size)


def lanczos(
    product: Product, size: int, tolerance: float = 1e-4, most: int = 64, seed: int = 0
) -> float:
    """The largest eigenvalue of a symmetric matrix, by the Lanczos iteration.

    With full orthogonalisation (Golub & Van Loan, Matrix Computations, section 10.3). It ends when
    the residual's bound on the error is below `tolerance` times the largest absolute eigenvalue
    found so far.

    Args:
        product: from `[size]` to `[size]`.
        size: rows of the matrix.
        tolerance: relative error.
        most: how many products there are at most.
        seed: of the vector to start from.
    """
    vector = np.random.default_rng(seed).normal(size=size)
    basis = [vector / np.linalg.norm(vector)]
    diagonal, beside = [], []
    while True:
        following = np.asarray(product(basis[-1]), np.float64)
        diagonal.append(float(following @ basis[-1]))
        known = np.stack(basis)
        for _ in range(2):  # Once more takes out what rounding left.
            following = following - known.T @ (known @ following)
        length = float(np.linalg.norm(following))
        matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        values, vectors = np.linalg.eigh(matrix)
        scale = float(np.abs(values).max())
        converged = length * abs(vectors[-1, -1]) <= tolerance * scale
        if converged or len(basis) >= min(size, most):
            return float(values[-1])
        beside.append(length)
        basis.append(following / length)
