"""Search by transferability: a second network learns from what the supernet finds similar."""

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.gradients.gradient import is_count, is_within
from darts_tf.levels import auxiliary_model, relations
from darts_tf.levels.auxiliary_model import AuxiliaryPass
from darts_tf.levels.auxiliary_supernet import AuxiliarySupernet
from darts_tf.levels.gathering import gather
from darts_tf.levels.level import FurtherLevel, LevelPass
from darts_tf.runtime import optimizers
from darts_tf.supernets.features import SupernetFeatures


@dataclasses.dataclass
class Transferability(FurtherLevel):
    """The auxiliary network of TETLO, and what it changes in the architecture's loss.

    Sheth, Xie, "Improving Differentiable Neural Architecture Search by Encouraging
    Transferability", ICLR 2023: an architecture is good if another network learns well from what
    the trained supernet says of the similarity of examples. Three levels,

        W' = W - x1 d/dW L_train(W, A)
        V' = V - x2 d/dV (L_class(V) + gamma L_QRS(V; W', A))         on the training batch
        min over A of  L_val(V') + lambda L_val(W', A),

    with the quadruple relative similarities of `darts_tf.levels.relations` as L_QRS. The
    hypergradient goes through both steps: through the features of the supernet, in which A is both
    directly and by W'. With gamma = 0 and lambda = 1 it is that of DARTS' second order.

    We had the paper in part. What is our reading: the form of L_QRS, with soft answers; that the
    auxiliary learns the labels too; the defaults of gamma and lambda; that its architecture is
    fixed by default; and its optimizer, which is that of the weights. No number of the paper is
    reproduced.

    Features of the supernet are the means over all positions of what its head is given. On several
    replicas quadruples are of the global batch. Batches need 4 examples or more.

    Args:
        gamma: weight of L_QRS, 0 or more. Default 1.
        main_weight: lambda, weight of the supernet's own validation loss, 0 or more. Default 1.
        temperature: T of the answers, above 0. Default: 0.1 for the cosine, 1 for the dot product.
        similarity: "cosine" or "dot".
        hard: whether answers are yes or no. The architecture has no gradient through them then,
            only that of the lambda term.
        quadruples: how many are drawn from a batch in a step. Default: as many as it has examples.
        auxiliary: "resnet", a small `residual_network`; "supernet", another one like the search's
            own, whose architecture variables, as in the paper, move by the same hypergradient; the
            path of a `.keras` file of a model that gives features; or a function `(input_shape) ->
            keras.Model`. A model of layers that may be differentiated once only, such as Keras'
            batch normalisation, is for finite_difference.
        learning_rate: (first, last) of its SGD, decayed by a cosine.
        momentum, weight_decay: of its SGD.
        clip_norm: largest global norm of its gradient.

    Raises:
        UserError: an argument is out of its range.
    """

    gamma: float = 1.0
    main_weight: float = 1.0
    temperature: float | None = None
    similarity: str = "cosine"
    hard: bool = False
    quadruples: int | None = None
    auxiliary: str | Callable = auxiliary_model.RESIDUAL
    learning_rate: tuple[float, float] = (0.025, 0.001)
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip_norm: float | None = 5.0

    name = "auxiliary"
    has_source = draws = True

    def __post_init__(self):
        for name in ("gamma", "main_weight"):
            self._require(name, is_within(getattr(self, name), 0), "a number, 0 or more")
        if self.temperature is not None:
            positive = is_within(self.temperature, 0) and self.temperature > 0
            self._require("temperature", positive, "a number above 0")
        if self.quadruples is not None:
            self._require("quadruples", is_count(self.quadruples), "1 or more")
        known = self.similarity in relations.SIMILARITIES
        self._require("similarity", known, f"one of {', '.join(relations.SIMILARITIES)}")
        self._require("hard", isinstance(self.hard, bool), "true or false")

    def _require(self, name: str, condition: bool, expected: str) -> None:
        if not condition:
            value = getattr(self, name)
            raise UserError(f"transferability's option {name}={value!r}: expected {expected}")

    def build(self, problem):
        super().build(problem)
        if problem.task.carries_state:
            raise UserError(
                f"search by transferability compares examples of independent batches, but the task "
                f"{problem.task.name!r} carries a state from batch to batch; use another method"
            )
        if self.auxiliary == auxiliary_model.SUPERNET:
            self._model = AuxiliarySupernet(problem)
        else:
            self._model = auxiliary_model.make(self.auxiliary, problem.supernet)
        self._features = SupernetFeatures(problem)
        self.variables, self.statistics = self._model.variables, self._model.statistics
        self.architecture_variables = self._model.architecture_variables

    def make_optimizer(self, total_steps):
        first, last = self.learning_rate
        schedule = keras.optimizers.schedules.CosineDecay(first, total_steps, alpha=last / first)
        return optimizers.SGD(schedule, self.momentum, l2=self.weight_decay)

    def source(self, point, batch, seed=None):
        """The features of the supernet; nothing where they count nothing."""
        if not self.gamma:
            return []
        return [self._features(point, self.problem.task.unpack(batch).inputs, seed).features]

    def forward(self, point, batch, seed=None, source=None):
        """L_class(V) + gamma L_QRS(V; W, A) of a batch."""
        inputs = self.problem.task.unpack(batch).inputs
        found = self._pass(point, inputs, seed)
        loss = self._class_loss(found, batch)
        if self.gamma:
            (features,) = self.source(point, batch, seed) if source is None else source
            loss += self.gamma * self._relation_loss(features, found.features, seed)
        return LevelPass(loss, found.statistics, found.logits)

    def own_pass(self, inputs):
        groups = {self.name: self.variables, self.architecture_name: self.architecture_variables}
        point = {name: [tf.convert_to_tensor(v) for v in vs] for name, vs in groups.items()}
        return self._pass(point, inputs).logits

    def outer_loss(self, loss):
        """L_val(V) + lambda times what the architecture descends otherwise."""

        def with_auxiliary(point, batch):
            inputs = self.problem.task.unpack(batch).inputs
            found = self._class_loss(self._pass(point, inputs), batch)
            return found + self.main_weight * loss(point, batch) if self.main_weight else found

        return with_auxiliary

    def _pass(self, point, inputs, seed=None) -> AuxiliaryPass:
        # None are in the point where there are none.
        architecture = point.get(self.architecture_name, ())
        return self._model(point[self.name], inputs, architecture, seed)

    def _class_loss(self, found: AuxiliaryPass, batch) -> tf.Tensor:
        """This replica's share of the mean loss of the global batch."""
        return self.problem.share(self.problem.task.unpack(batch), found.logits)

    def _relation_loss(self, main: tf.Tensor, auxiliary: tf.Tensor, seed) -> tf.Tensor:
        """This replica's share of the mean over quadruples of the global batch."""
        main = tf.cast(main, auxiliary.dtype)
        main, auxiliary = (gather(x, self.problem) for x in (main, auxiliary))
        examples, kind = main.shape[0], self.similarity
        indices = relations.quadruples(examples, self.quadruples or examples, seed)
        losses = relations.relation_losses(
            relations.margins(main, indices, kind),
            relations.margins(auxiliary, indices, kind),
            self.temperature or relations.SIMILARITIES[kind],
            self.hard,
        )
        return tf.reduce_mean(losses) / self.problem.replicas
