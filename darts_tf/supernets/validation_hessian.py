"""How sharp the validation loss is in the architecture: the Hessian's largest eigenvalue.

Zela et al., RobustDARTS, ICLR 2020, section 4.2: it grows before a search collapses.
"""

from collections.abc import Callable

import tensorflow as tf

from darts_tf import gradients, tasks
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS
from darts_tf.supernets.hessian import HessianProduct, largest_eigenvalue
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet


class ValidationHessian:
    """The Hessian of a supernet's loss in its architecture variables.

    Of the loss on one batch in training mode, without the relaxation's noise. Nothing is changed.
    It needs float32, one device, and a relaxation that mixes operations.

    Args:
        supernet: the supernet.
        task: see `darts_tf.tasks.get`; default: the classification of images.
        penalty: what is added to the loss, see `SupernetProblem`; None for none.
    """

    def __init__(self, supernet: Supernet, task=None, penalty: Callable | None = None):
        self._supernet, self._task = supernet, tasks.get(task)
        self._problem = SupernetProblem(supernet, self._task, penalty=penalty).levels()
        shapes = [v.shape for v in supernet.architecture_variables]
        self._product = HessianProduct(self._gradient, shapes)

    def largest_eigenvalue(self, batch, exact_up_to: int = 32) -> float:
        """The largest eigenvalue at the present weights and alphas.

        Args:
            batch: of the task, such as images and labels; of a stream the first.
            exact_up_to: see `darts_tf.supernets.hessian.largest_eigenvalue`.
        """
        alphas = [tf.convert_to_tensor(v) for v in self._supernet.architecture_variables]
        batch = tuple(batch) if isinstance(batch, list) else batch
        batch = tf.nest.map_structure(tf.convert_to_tensor, batch)
        batch = self._task.from_the_start(self._supernet, batch)
        product = self._product.at(alphas, batch)
        return largest_eigenvalue(product, self._product.size, exact_up_to)

    def _gradient(self, alphas, batch):
        weights = [tf.convert_to_tensor(v) for v in self._supernet.weight_variables]
        point = {ARCHITECTURE: alphas, WEIGHTS: weights}
        return gradients.first_order(self._problem, point, {ARCHITECTURE: batch}).architecture
