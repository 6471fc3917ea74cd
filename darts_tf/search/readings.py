"""Readings of a search between its steps."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from darts_tf import selections
from darts_tf.common.errors import UserError
from darts_tf.genotypes import decidedness
from darts_tf.genotypes.genotype import Genotype
from darts_tf.methods.method import Method
from darts_tf.runtime.grappler import without_grappler
from darts_tf.search import streams
from darts_tf.search.rule_follower import RuleFollower
from darts_tf.supernets.supernet import Supernet
from darts_tf.supernets.validation_hessian import ValidationHessian
from darts_tf.tasks import Task


class Readings:
    """Cells, operation weights and their entropy, and the curvature of the validation loss.

    Args:
        supernet: what is read.
        method: of the search.
        task: what it is searched for.
        penalty: what is added to the loss for the alphas; None for nothing.

    Attributes:
        supernet, method, task: the same.
        strategy: the `tf.distribute` strategy that it was made under.
    """

    def __init__(
        self,
        supernet: Supernet,
        method: Method,
        task: Task,
        penalty: Callable | None = None,
    ):
        self.method = method
        self.strategy = tf.distribute.get_strategy()
        self.task = task
        self._penalty = penalty
        self._begin(supernet)

    def _begin(self, supernet: Supernet) -> None:
        """Reads this supernet from now on, of which nothing is known yet."""
        self.supernet = supernet
        self._hessian = None
        self._hessian_batch = None
        self._rule = RuleFollower(self)

    def operation_weights(self) -> dict[str, np.ndarray]:
        """Cell type -> how much each operation is favoured, `[edges, operations]`."""
        mixture = self.supernet.operation_weights()
        return {cell_type: np.asarray(value) for cell_type, value in mixture.items()}

    def entropy(self) -> float:
        """Mean entropy of an edge's operation weights, in nats; about log(operations) at first.

        Where an edge's weights do not sum to 1, the entropy is that of their shares in the sum.
        """
        space = self.supernet.space
        return sum(self.entropies().values()) / (len(space.edges) * len(space.cell_types))

    def entropies(self) -> dict[str, float]:
        """Cell type -> the sum of its edges' entropies in nats."""
        values = self.supernet.architecture.entropies().numpy().tolist()
        return dict(zip(self.supernet.space.cell_types, values, strict=True))

    def favoured(self) -> Genotype:
        """The cells of the largest operation weights now, whatever the method's selection."""
        return selections.magnitude(self.supernet.space, self.operation_weights())

    @property
    def selects_by_weights(self) -> bool:
        """Whether the cells come from operation weights that are learned, by their size."""
        learned = bool(self.supernet.architecture_variables)
        return learned and not selections.needs_data(self.method.selection)

    def genotype(
        self,
        validation: tf.data.Dataset | None = None,
        selection: str | Callable | None = None,
    ) -> Genotype:
        """The discrete cells that a selection chooses.

        Where the method's rule has ended the search with the cells of an epoch, such as the one
        that an early stop goes back to, it is those, unless a selection is given.

        Args:
            validation: batches of the task, such as (images, labels), or arrays, for a selection
                that evaluates architectures.
            selection: the name of a selection or a selection of your own; None for the method's.

        Raises:
            UserError: the selection needs `validation`, and there is none or none that fits.
        """
        if selection is None and self._rule.result is not None:
            return self._rule.result.genotype
        selection = selection or self.method.selection
        select = selections.get(selection)
        if not selections.needs_data(select):
            return select(self.supernet.space, self.operation_weights())
        if validation is None:
            raise UserError(
                f"the selection of the method {self.method.name!r} evaluates architectures; give "
                "genotype() the validation batches"
            )
        validation = streams.one("validation data", validation, self.task, self.supernet)
        options = {"task": self.task} if selections.needs_task(select) else {}
        return select(self.supernet, validation, **options)

    def leads(self, genotype: Genotype | None = None) -> decidedness.Leads:
        """By what share each operation of the cells weighs more than the next one on its edge.

        Near 0 the choice is close to a draw; see `darts_tf.genotypes.decidedness`.

        Args:
            genotype: cells that were selected by the operation weights. Default: those that
                the method selects now.
        """
        ended = self._rule.result if genotype is None else None
        mixture = self.operation_weights() if ended is None else ended.weights
        genotype = genotype or self.genotype()
        return decidedness.leads(self.supernet.space, mixture, genotype, self._rule.leads)

    @property
    def grows(self) -> bool:
        """Whether the method lets the supernet grow; settings then say how it began."""
        return self._rule.growth is not None

    @property
    def returned_to(self) -> int | None:
        """After which epoch, from 1, the supernet was as it is, where the search has returned."""
        growth = self._rule.growth
        return growth.best_epoch + 1 if growth is not None and growth.returned else None

    @property
    def has_eigenvalue(self) -> bool:
        """Whether `eigenvalue` is defined and supported for this search.

        It is not where the relaxation takes one operation of each edge, which cannot be
        differentiated twice, where there are no architecture variables, in 16 bits, and on several
        replicas.
        """
        return (
            bool(self.supernet.architecture_variables)
            and not self.supernet.relaxation.draws.single
            and self.supernet.compute_dtype == "float32"
            and self.strategy.num_replicas_in_sync == 1
        )

    @without_grappler()
    def eigenvalue(self, batch=None, exact_up_to: int = 32) -> float:
        """The largest eigenvalue of the validation loss' Hessian in the architecture variables.

        As in RobustDARTS (Zela et al., ICLR 2020) of one batch, with the weight decay of the
        architecture, in training mode and without the relaxation's noise. Nothing is changed.

        Args:
            batch: of the task; default: the first validation batch of epoch 0.
            exact_up_to: see `darts_tf.supernets.hessian.largest_eigenvalue`.

        Raises:
            UserError: `has_eigenvalue` is false, or there is no batch yet.
        """
        if not self.has_eigenvalue or (batch is None and self._hessian_batch is None):
            raise UserError(
                "this search has no eigenvalue: it needs float32, one device, architecture "
                "variables, a relaxation that mixes operations, and a batch or a call of fit before"
            )
        if self._hessian is None:
            self._hessian = ValidationHessian(self.supernet, self.task, self._penalty)
        batch = self._hessian_batch() if batch is None else batch
        found = self._hessian.largest_eigenvalue(batch, exact_up_to)
        return found + self.method.architecture_weight_decay
