"""A method: one part of every axis, with its settings; which combinations have a meaning."""

import copy
import dataclasses
from collections.abc import Callable, Mapping

import keras

from darts_tf import gradients, relaxations, selections
from darts_tf.common.errors import UserError
from darts_tf.gradients import Gradient
from darts_tf.methods.paper_rate import PaperRate
from darts_tf.relaxations import Relaxation
from darts_tf.runtime import optimizers
from darts_tf.schedules import SkipDropout, Stage
from darts_tf.spaces import Space
from darts_tf.supernets.supernet import Supernet

# 50 epochs of 25,000 images of CIFAR-10 in whole batches of 64.
DARTS_STEPS = 50 * 390


@dataclasses.dataclass(frozen=True)
class Method:
    """A method of the literature.

    Attributes:
        name: on the command line.
        gradient: a name in `darts_tf.gradients`, an estimator, or a function of your own; see
            `darts_tf.gradients.get`.
        paper: where it is defined.
        gradient_options: options of the gradient, by name; see `darts_tf.gradients.get`.
        relaxation: a name in `darts_tf.relaxations`, or a `Relaxation` of your own.
        selection: a name in `darts_tf.selections`, or a selection of your own.
        weight_learning_rate: (first, last) of the weights' SGD, decayed by a cosine.
        weight_momentum: of the weights' SGD.
        nesterov: whether that is Nesterov's momentum.
        weight_decay: L2 of the weights, added to the gradient after clipping.
        clip_norm: largest global norm of the weights' gradient.
        architecture_learning_rate: of the alphas' Adam. A `PaperRate`, such as the default, grows
            where a search has fewer steps than the paper's, see `at_length`; an ordinary number is
            taken as it is.
        architecture_betas: of the alphas' Adam.
        architecture_weight_decay: L2 of the alphas, added to the gradient.
        architecture_clip_norm: largest global norm of the alphas' gradient, None for no limit.
        temperature: the relaxation's temperature, a schedule of `darts_tf.schedules` or a function
            `(epoch, epochs) -> float` of your own; None keeps the one it starts with.
        warm_up: whether the alphas are frozen in an epoch, `(epoch, epochs) -> bool`; None for
            never. Only the weights are trained then.
        weights_first: whether a step trains the weights before the alphas.
        skip_dropout: the rate of the dropout behind skip connections, `(epoch, epochs) -> float`;
            for supernets that were made with `skip_dropout`.
        auxiliary_skip: the factor of a skip connection beside the candidates of every edge,
            `(epoch, epochs) -> float`; None for no such skip connection.
        rule: looks at the search after every epoch, and may end it or decide about edges; see
            `darts_tf.schedules.rules`. None for none.
        fine_tune_epochs: how long the supernet is trained between two decisions of a selection
            that decides edge by edge.
        entropy_weight: of the operation weights' entropy, in nats and summed over all edges, in the
            loss that the alphas descend. Above 0 it makes them decide, below 0 it keeps them open.
        stages: what one search after the other is made of; empty for a single search. See
            `of_stage`.
        trains: whether a supernet is trained; False where the selection does all, and only it and
            the paper count here.
    """

    name: str
    gradient: str | Callable
    paper: str
    relaxation: str | Relaxation = "softmax"
    selection: str | Callable = "magnitude"
    weight_learning_rate: tuple[float, float] = (0.025, 0.001)
    weight_momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 3e-4
    clip_norm: float = 5.0
    architecture_learning_rate: float = PaperRate(3e-4, steps=DARTS_STEPS)
    architecture_betas: tuple[float, float] = (0.5, 0.999)
    architecture_weight_decay: float = 1e-3
    architecture_clip_norm: float | None = None
    temperature: Callable[[int, int], float] | None = None
    warm_up: Callable[[int, int], bool] | None = None
    weights_first: bool = False
    skip_dropout: Callable[[int, int], float] | None = None
    auxiliary_skip: Callable[[int, int], float] | None = None
    rule: Callable | None = None
    fine_tune_epochs: int = 0
    stages: tuple[Stage, ...] = ()
    gradient_options: Mapping = dataclasses.field(default_factory=dict)
    entropy_weight: float = 0.0
    trains: bool = True

    def of_stage(self, stage: Stage) -> "Method":
        """The method of one of its stages, with the stage's dropout behind skip connections."""
        if not stage.skip_dropout:
            return self
        return dataclasses.replace(self, skip_dropout=SkipDropout(stage.skip_dropout))

    def architecture_steps(self, epochs: int, steps_per_epoch: int) -> int:
        """How many steps of a search move the alphas, those of a warm-up not counted."""
        frozen = sum(self.warm_up is not None and self.warm_up(e, epochs) for e in range(epochs))
        return (epochs - frozen) * steps_per_epoch

    def at_length(self, epochs: int, steps_per_epoch: int) -> "Method":
        """The method as a search of so many epochs and steps has it.

        A `PaperRate` becomes the number that it is for the search's `architecture_steps`.
        """
        rate = self.architecture_learning_rate
        if not isinstance(rate, PaperRate):
            return self
        rate = rate.for_steps(self.architecture_steps(epochs, steps_per_epoch))
        return dataclasses.replace(self, architecture_learning_rate=rate)

    def supernet_options(self) -> dict:
        """The arguments that a `Supernet` needs for this method, besides its relaxation."""
        return {
            "skip_dropout": self.skip_dropout is not None,
            "auxiliary_skip": self.auxiliary_skip is not None,
            "decisions": getattr(self.rule, "decides", False),
        }

    def make_supernet(
        self,
        space: str | Space,
        input_shape: tuple[int, ...],
        num_classes: int,
        channels: int | None = None,
        cells: int | None = None,
        **options,
    ) -> Supernet:
        """The supernet that this method searches; of one with stages that of the first.

        Args:
            space, input_shape, num_classes, channels, cells: as for `Supernet`.
            **options: more of its arguments; they win over the method's.

        Raises:
            UserError: an argument is out of its range.

        Example:
            >>> method = methods.get("sgas")
            >>> supernet = method.make_supernet("darts_cnn", (32, 32, 3), num_classes=10)
            >>> search = ArchitectureSearch(supernet, method)
        """
        options = {"relaxation": self.relaxation, **self.supernet_options(), **options}
        return Supernet(space, input_shape, num_classes, channels, cells, **options)

    def check(self) -> None:
        """Refuses a combination of parts that has no meaning.

        Raises:
            UserError: there is no part of some name, or two parts do not fit; says why.
        """
        relaxation = relaxations.get(self.relaxation)
        gradient = self.make_gradient()
        selections.get(self.selection)
        self._check_distribution(gradient, relaxation)
        self._check_second_order(gradient, relaxation)
        self._check_one_level(gradient, relaxation)
        if self.temperature is not None and relaxation.temperature is None:
            raise UserError(
                f"the relaxation {self.relaxation!r} has no temperature, but the method "
                f"{self.name!r} has a schedule for one; leave it out, or use another relaxation"
            )

    def _check_distribution(self, gradient: Gradient, relaxation: Relaxation) -> None:
        """Estimators over sampled architectures and categorical relaxations need each other."""
        samples, name = gradient.samples_architectures, gradients.label(self.gradient)
        if not relaxation.draws.differentiable and not samples:
            raise UserError(
                f"the hypergradient {name!r} differentiates the operation weights, but "
                f"there is no gradient through the draws of the relaxation {self.relaxation!r}; "
                "use score_function, relax, rebar or ram"
            )
        if samples and relaxation.draws.differentiable:
            raise UserError(
                f"the hypergradient {name!r} is of an expectation over sampled "
                f"architectures, but the relaxation {self.relaxation!r} has another distribution "
                "or none; use the relaxation categorical, or first_order"
            )

    def _check_second_order(self, gradient: Gradient, relaxation: Relaxation) -> None:
        """What differentiates a training gradient needs a smooth one, and the weights' step."""
        if not gradient.second_order:
            return
        name = gradients.label(self.gradient)
        if relaxation.draws.single:
            raise UserError(
                f"the hypergradient {name!r} differentiates a training gradient in the "
                f"architecture, but the relaxation {self.relaxation!r} computes one sampled "
                "operation of each edge and only estimates how the loss changes with the others; "
                "its estimate has no derivative. Use first_order or one_level"
            )
        if self.nesterov:
            raise UserError(
                f"the hypergradient {name!r} knows the weights' step with plain momentum "
                f"only, but the method {self.name!r} has Nesterov's; use first_order"
            )

    def _check_one_level(self, gradient: Gradient, relaxation: Relaxation) -> None:
        """Where both steps come from one loss, neither is before the other or sees another one."""
        if not gradient.one_level:
            return
        name = gradients.label(self.gradient)
        if relaxation.draws.differ:
            raise UserError(
                f"the relaxation {self.relaxation!r} disturbs the steps of the weights only, but "
                f"the hypergradient {name!r} takes both steps from one loss; use "
                "first_order"
            )
        if self.weights_first:
            raise UserError(
                f"the hypergradient {name!r} gives the weights and the architecture their "
                f"gradients at once, but the method {self.name!r} steps the weights first; use "
                "first_order"
            )

    def make_gradient(self) -> Gradient:
        """The estimator of the hypergradient, without variables as long as it is not built."""
        # Of an object of a user's own a copy, because every search builds a state of its own.
        return copy.copy(gradients.get(self.gradient, **self.gradient_options))

    def make_weight_optimizer(self, total_steps: int) -> optimizers.SGD:
        """SGD whose learning rate falls along a cosine for `total_steps` steps."""
        first, last = self.weight_learning_rate
        schedule = keras.optimizers.schedules.CosineDecay(first, total_steps, alpha=last / first)
        return optimizers.SGD(
            schedule, self.weight_momentum, nesterov=self.nesterov, l2=self.weight_decay
        )

    def make_architecture_optimizer(self) -> optimizers.Adam:
        """Adam for the architecture variables."""
        beta_1, beta_2 = self.architecture_betas
        return optimizers.Adam(
            float(self.architecture_learning_rate),
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=1e-8,
            l2=self.architecture_weight_decay,
        )
