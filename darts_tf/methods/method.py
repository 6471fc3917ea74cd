"""A method: one part of every axis, with its settings; which combinations have a meaning."""

import copy
import dataclasses
from collections.abc import Callable, Mapping

import keras

from darts_tf import gradients, levels, macros, relaxations, schedules, selections, spaces
from darts_tf.cells import kinds
from darts_tf.common.errors import UserError
from darts_tf.gradients import Gradient
from darts_tf.levels import FurtherLevel
from darts_tf.methods import earlier_fields, fitting
from darts_tf.methods.paper_rate import PaperRate
from darts_tf.relaxations import Relaxation
from darts_tf.runtime import optimizers
from darts_tf.schedules import SkipDropout, Stage
from darts_tf.schedules.rules import orders
from darts_tf.spaces import Space
from darts_tf.supernets.supernet import Supernet

# 50 epochs of 25,000 images of CIFAR-10 in whole batches of 64.
DARTS_STEPS = 50 * 390

# Of the alphas' Adam, as in DARTS' own code.
_BETAS = {"beta_1": 0.5, "beta_2": 0.999}


@earlier_fields.accepted
@dataclasses.dataclass(frozen=True)
class Method:
    """A method of the literature.

    Attributes:
        name: on the command line.
        gradient: a name in `darts_tf.gradients`, an estimator, or a function of your own; see
            `darts_tf.gradients.get`. None for a search that takes no step of the architecture.
        paper: where it is defined.
        gradient_options: options of the gradient, by name; see `darts_tf.gradients.get`.
        relaxation: a name in `darts_tf.relaxations`, or a `Relaxation` of your own. None for a
            search without a supernet.
        selection: a name in `darts_tf.selections`, or a selection of your own.
        weight_learning_rate: (first, last) of the weights' SGD, decayed by a cosine.
        weight_momentum: of the weights' SGD.
        weight_decay: L2 of the weights, added to the gradient after clipping.
        clip_norm: largest global norm of the weights' gradient.
        unrolled_clip_norm: the same inside the step that a hypergradient unrolls; None (the
            default) for no limit there, as in the authors' code for images.
        architecture_learning_rate: of the alphas' Adam. A `PaperRate`, such as the default, grows
            where a search has fewer steps than the paper's, see `at_length`; an ordinary number is
            taken as it is.
        architecture_weight_decay: L2 of the alphas, added to the gradient.
        architecture_clip_norm: largest global norm of the alphas' gradient, None for no limit.
        optimizer_options: more arguments of the optimizers, by level: of the weights' SGD, such as
            {"weights": {"nesterov": True}}, and of the alphas' Adam, "architecture", whose betas
            are 0.5 and 0.999 unless they are here.
        levels: those beside the architecture and the weights, each a `darts_tf.levels.FurtherLevel`
            or the name of one; the inner ones in the order of the chain.
        order: the names of all levels as their optimizers step. Default: `darts_tf.levels.order`.
        controls: what schedules move while the search runs, by the names that the parts have for
            it: "temperature" of a relaxation, "skip_dropout" and "auxiliary_skip" of cells (see
            `darts_tf.cells.kinds`), and the search's own, "warm_up", whether the alphas are frozen
            in an epoch and only the weights are trained. A schedule is one of
            `darts_tf.schedules`, its configuration, or a function `(epoch, epochs) -> value`. What
            is not here keeps the value that it starts with, and cells do without.
        rule: looks at the search after every epoch, and may end it or decide about edges; see
            `darts_tf.schedules.rules`. None for none.
        fine_tune_epochs: how long the supernet is trained between two decisions of a selection
            that decides edge by edge.
        entropy_weight: of the operation weights' entropy, in nats and summed over all edges, in the
            loss that the alphas descend. Above 0 it makes them decide, below 0 it keeps them open.
        stages: what one search after the other is made of; empty for a single search. See
            `of_stage`.

    The constructor also takes what were fields of their own before, and they can be read:
    `nesterov` and `architecture_betas` of `optimizer_options`, `weights_first` for `order`,
    `temperature`, `warm_up`, `skip_dropout` and `auxiliary_skip` of `controls`, `trains` of the
    selection.
    """

    name: str
    gradient: str | Callable | None
    paper: str
    relaxation: str | Relaxation | None = "softmax"
    selection: str | Callable = "magnitude"
    weight_learning_rate: tuple[float, float] = (0.025, 0.001)
    weight_momentum: float = 0.9
    weight_decay: float = 3e-4
    clip_norm: float = 5.0
    architecture_learning_rate: float = PaperRate(3e-4, steps=DARTS_STEPS)
    architecture_weight_decay: float = 1e-3
    architecture_clip_norm: float | None = None
    optimizer_options: Mapping[str, Mapping] = dataclasses.field(default_factory=dict)
    order: tuple[str, ...] | None = None
    controls: Mapping[str, Callable] = dataclasses.field(default_factory=dict)
    rule: Callable | None = None
    fine_tune_epochs: int = 0
    stages: tuple[Stage, ...] = ()
    gradient_options: Mapping = dataclasses.field(default_factory=dict)
    entropy_weight: float = 0.0
    unrolled_clip_norm: float | None = None
    levels: tuple[FurtherLevel, ...] = ()

    def __post_init__(self):
        found = {name: schedules.get(schedule) for name, schedule in self.controls.items()}
        object.__setattr__(self, "controls", found)
        object.__setattr__(self, "levels", tuple(map(levels.get, self.levels)))
        if self.order is None:
            object.__setattr__(self, "order", levels.order(self.levels))

    @property
    def temperature(self) -> Callable[[int, int], float] | None:
        """The schedule of the relaxation's temperature; None if it has none."""
        return self.controls.get("temperature")

    @property
    def warm_up(self) -> Callable[[int, int], bool] | None:
        """Whether the alphas are frozen in an epoch; None for never."""
        return self.controls.get("warm_up")

    @property
    def skip_dropout(self) -> Callable[[int, int], float] | None:
        """The schedule of the dropout behind skip connections; None for none."""
        return self.controls.get("skip_dropout")

    @property
    def auxiliary_skip(self) -> Callable[[int, int], float] | None:
        """The schedule of the auxiliary skip connections' factor; None for none."""
        return self.controls.get("auxiliary_skip")

    @property
    def nesterov(self) -> bool:
        """Whether the weights' momentum is Nesterov's."""
        return self.optimizer_options.get("weights", {}).get("nesterov", False)

    @property
    def architecture_betas(self) -> tuple[float, float]:
        """Of the alphas' Adam."""
        given = self.optimizer_options.get("architecture", {})
        return tuple(given.get(name, beta) for name, beta in _BETAS.items())

    @property
    def weights_first(self) -> bool:
        """Whether a step trains the weights before the alphas."""
        return self.order.index("weights") < self.order.index("architecture")

    @property
    def trains(self) -> bool:
        """Whether a supernet is trained; False where the selection does all."""
        return selections.needs_training(self.selection)

    @property
    def has_supernet(self) -> bool:
        """Whether there is a supernet; False where the selection trains networks by themselves."""
        return selections.needs_supernet(self.selection)

    def is_frozen(self, epoch: int, epochs: int) -> bool:
        """Whether the alphas stay as they are in epoch `epoch` of `epochs`."""
        if not self.make_gradient().moves:
            return True
        return self.warm_up is not None and bool(self.warm_up(epoch, epochs))

    def of_stage(self, stage: Stage) -> "Method":
        """The method of one of its stages alone, with its dropout behind skip connections."""
        controls = dict(self.controls)
        if stage.skip_dropout:
            controls["skip_dropout"] = SkipDropout(stage.skip_dropout)
        return dataclasses.replace(self, stages=(stage,), controls=controls)

    def architecture_steps(self, epochs: int, steps_per_epoch: int) -> int:
        """How many steps of a search move the alphas, those of a warm-up not counted."""
        frozen = sum(self.is_frozen(epoch, epochs) for epoch in range(epochs))
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

    def for_space(self, space: str | Space) -> "Method":
        """The method with the settings of searches in the network that a space's cells are in.

        The numbers of the methods' table are those of images. Other networks have others, see
        `darts_tf.macros.SearchSettings`, and those take the place of the method's for the weights'
        optimizer, for the rate and the betas of the alphas' and for their weight decay, unless the
        method has none. So does a method that is given by its name to `ArchitectureSearch`; a
        `Method` that is given itself stays as it is.

        Args:
            space: a search space, or its name.
        """
        settings = macros.get(spaces.get(space).macro).search_settings
        return self if settings is None else self.with_settings(settings)

    def with_settings(self, settings: macros.SearchSettings) -> "Method":
        """The method with the settings of searches in a certain network; see `for_space`."""
        rate, steps = settings.architecture_learning_rate, settings.architecture_steps
        betas = dict(zip(("beta_1", "beta_2"), settings.architecture_betas, strict=True))
        decays = bool(self.architecture_weight_decay)
        return dataclasses.replace(
            self,
            weight_learning_rate=settings.weight_learning_rate,
            weight_momentum=settings.weight_momentum,
            weight_decay=settings.weight_decay,
            clip_norm=settings.clip_norm,
            unrolled_clip_norm=settings.unrolled_clip_norm,
            architecture_learning_rate=PaperRate(rate, steps=steps),
            architecture_weight_decay=settings.architecture_weight_decay if decays else 0.0,
            optimizer_options={"architecture": betas},
        )

    def supernet_options(self) -> dict:
        """The arguments that a `Supernet` needs for this method, besides its relaxation."""
        of_cells = kinds.controls(relaxations.get(self.relaxation).cell)
        return {
            "controls": tuple(name for name in self.controls if name in of_cells),
            "decisions": False,
            **{k: v for kind in orders(self.rule) for k, v in kind.supernet_options.items()},
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
            space, input_shape, num_classes, channels, cells: as for `Supernet`; the cells of a
                method with stages are by default those of the first.
            **options: more of its arguments; they win over the method's.

        Raises:
            UserError: an argument is out of its range, or the method has no supernet.

        Example:
            >>> method = methods.get("sgas")
            >>> supernet = method.make_supernet("darts_cnn", (32, 32, 3), num_classes=10)
            >>> search = ArchitectureSearch(supernet, method)
        """
        if not self.has_supernet:
            raise UserError(
                f"the method {self.name!r} has no supernet: it proposes cells whose networks are "
                "trained by themselves; see darts_tf.baselines.run"
            )
        own = self.supernet_options()
        # An argument that says False of a control leaves it out.
        own["controls"] = [name for name in own["controls"] if options.get(name, True)]
        options = {"relaxation": self.relaxation, **own, **options}
        if hasattr(self.rule, "first_space"):
            space = self.rule.first_space(spaces.get(space))
        if cells is None and self.stages:
            cells = self.stages[0].cells
        return Supernet(space, input_shape, num_classes, channels, cells, **options)

    def check(self) -> None:
        """Refuses a combination of parts that has no meaning.

        Raises:
            UserError: there is no part of some name, or two parts do not fit; says why.
        """
        fitting.check(self)

    def make_gradient(self) -> Gradient:
        """The estimator of the hypergradient, without variables as long as it is not built."""
        # Of an object of a user's own a copy, because every search builds a state of its own.
        return copy.copy(gradients.get(self.gradient, **self.gradient_options))

    def make_levels(self) -> list[FurtherLevel]:
        """The levels beside the architecture and the weights, not yet built."""
        return [copy.copy(level) for level in self.levels]

    def of_two_levels(self) -> "Method":
        """The method without the levels beside the architecture and the weights."""
        order = tuple(name for name in self.order if name in ("architecture", "weights"))
        return dataclasses.replace(self, levels=(), order=order)

    def make_weight_optimizer(self, total_steps: int) -> optimizers.SGD:
        """SGD whose learning rate falls along a cosine for `total_steps` steps."""
        first, last = self.weight_learning_rate
        schedule = keras.optimizers.schedules.CosineDecay(first, total_steps, alpha=last / first)
        own = self.optimizer_options.get("weights", {})
        return optimizers.SGD(schedule, self.weight_momentum, l2=self.weight_decay, **own)

    def make_architecture_optimizer(self) -> optimizers.Adam:
        """Adam for the architecture variables."""
        options = {**_BETAS, "epsilon": 1e-8, "l2": self.architecture_weight_decay}
        options.update(self.optimizer_options.get("architecture", {}))
        return optimizers.Adam(float(self.architecture_learning_rate), **options)
