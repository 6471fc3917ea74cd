"""The table of methods: each is one part of every axis, with its defaults and its paper."""

import dataclasses
from collections.abc import Callable, Mapping

import keras

from darts_tf import gradients, optimizers, relaxations, selections
from darts_tf.errors import UserError
from darts_tf.lookup import lookup
from darts_tf.schedules import (
    AdaptiveDecay,
    EigenvalueStop,
    GreedyDecisions,
    Linear,
    SkipDropout,
    SkipStop,
    Stage,
    WarmUp,
)


@dataclasses.dataclass(frozen=True)
class Method:
    """A method of the literature.

    Attributes:
        name: on the command line.
        gradient: a name in `darts_tf.gradients`.
        paper: where it is defined.
        gradient_options: options of the gradient, by name; see `darts_tf.gradients.get`.
        relaxation: a name in `darts_tf.relaxations`.
        selection: a name in `darts_tf.selections`.
        weight_learning_rate: (first, last) of the weights' SGD, decayed by a cosine.
        weight_momentum: of the weights' SGD.
        nesterov: whether that is Nesterov's momentum.
        weight_decay: L2 of the weights, added to the gradient after clipping.
        clip_norm: largest global norm of the weights' gradient.
        architecture_learning_rate: of the alphas' Adam.
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
    """

    name: str
    gradient: str
    paper: str
    relaxation: str = "softmax"
    selection: str = "magnitude"
    weight_learning_rate: tuple[float, float] = (0.025, 0.001)
    weight_momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 3e-4
    clip_norm: float = 5.0
    architecture_learning_rate: float = 3e-4
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

    def of_stage(self, stage: Stage) -> "Method":
        """The method of one of its stages, with the stage's dropout behind skip connections."""
        if not stage.skip_dropout:
            return self
        return dataclasses.replace(self, skip_dropout=SkipDropout(stage.skip_dropout))

    def supernet_options(self) -> dict:
        """The arguments that a `Supernet` needs for this method, besides its relaxation."""
        return {
            "skip_dropout": self.skip_dropout is not None,
            "auxiliary_skip": self.auxiliary_skip is not None,
            "decisions": isinstance(self.rule, GreedyDecisions),
        }

    def check(self) -> None:
        """Refuses a combination of parts that has no meaning.

        Raises:
            UserError: there is no part of some name, or two parts do not fit; says why.
        """
        relaxation = relaxations.get(self.relaxation)
        gradients.get(self.gradient, **self.gradient_options)
        selections.get(self.selection)
        if relaxation.hard and gradients.second_order(self.gradient):
            raise UserError(
                f"the hypergradient {self.gradient!r} differentiates a training gradient in the "
                f"architecture, but the relaxation {self.relaxation!r} computes one sampled "
                "operation of each edge and only estimates how the loss changes with the others; "
                "its estimate has no derivative. Use first_order or one_level"
            )
        if relaxation.categorical and not gradients.samples_architectures(self.gradient):
            raise UserError(
                f"the hypergradient {self.gradient!r} differentiates the operation weights, but "
                f"there is no gradient through the draws of the relaxation {self.relaxation!r}; "
                "use score_function, relax, rebar or ram"
            )
        if not relaxation.categorical and gradients.samples_architectures(self.gradient):
            raise UserError(
                f"the hypergradient {self.gradient!r} is of an expectation over sampled "
                f"architectures, but the relaxation {self.relaxation!r} has another distribution "
                "or none; use the relaxation categorical, or first_order"
            )
        if self.temperature is not None and relaxation.temperature is None:
            raise UserError(
                f"the relaxation {self.relaxation!r} has no temperature, but the method "
                f"{self.name!r} has a schedule for one; leave it out, or use another relaxation"
            )
        if relaxation.weights_only and gradients.is_one_level(self.gradient):
            raise UserError(
                f"the relaxation {self.relaxation!r} disturbs the steps of the weights only, but "
                f"the hypergradient {self.gradient!r} takes both steps from one loss; use "
                "first_order"
            )
        if self.weights_first and gradients.is_one_level(self.gradient):
            raise UserError(
                f"the hypergradient {self.gradient!r} gives the weights and the architecture their "
                f"gradients at once, but the method {self.name!r} steps the weights first; use "
                "first_order"
            )
        if self.nesterov and gradients.second_order(self.gradient):
            raise UserError(
                f"the hypergradient {self.gradient!r} knows the weights' step with plain momentum "
                f"only, but the method {self.name!r} has Nesterov's; use first_order"
            )

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
            self.architecture_learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=1e-8,
            l2=self.architecture_weight_decay,
        )


_UNBIASED = (
    "Huang, Conche. Unbiased gradient estimators for differentiable architecture search. Slides, "
    "2019"
)


def _unbiased(name: str, gradient: str, source: str) -> Method:
    """A search over the distribution of architectures itself.

    The source names neither the optimizers nor the data of the alphas' losses: those are DARTS',
    but without L2, which is no part of the objective. Every default here is ours.
    """
    return Method(
        name,
        gradient,
        f"{_UNBIASED}; {source}",
        relaxation="categorical",
        selection="every_edge",
        architecture_weight_decay=0.0,
    )


_DARTS = "Liu, Simonyan, Yang. DARTS: Differentiable Architecture Search. ICLR 2019"
_ROBUST = (
    "Zela, Elsken, Saikia, Marrakchi, Brox, Hutter. Understanding and Robustifying Differentiable "
    "Architecture Search. ICLR 2020"
)
_SDARTS = (
    "Chen, Hsieh. Stabilizing Differentiable Architecture Search via Perturbation-based "
    "Regularization. ICML 2020"
)
_SGAS = (
    "Li, Qian, Delgadillo, Mueller, Thabet, Ghanem. SGAS: Sequential Greedy Architecture Search. "
    "CVPR 2020"
)

METHODS = {
    method.name: method
    for method in (
        Method("darts-v1", "first_order", f"{_DARTS}, first order"),
        Method("darts-v2", "finite_difference", f"{_DARTS}, second order, equation 8"),
        Method("darts-v2-exact", "unrolled", f"{_DARTS}, second order, equation 7, exact"),
        Method("one-level", "one_level", f"{_DARTS}, section 3.1.1, compared there"),
        Method(
            "i-darts",
            "first_order",
            "Jiang et al. Improved Differentiable Architecture Search for Language Modeling and "
            "Named Entity Recognition. EMNLP-IJCNLP 2019",
            relaxation="node_softmax",
            selection="top_pairs",
        ),
        Method(
            "snas",
            "one_level_train",
            "Xie, Zheng, Liu, Lin. SNAS: Stochastic Neural Architecture Search. ICLR 2019",
            relaxation="gumbel_softmax",
            selection="every_edge",
            temperature=Linear(1.0, 0.03, reaches_last=False),
            architecture_clip_norm=10.0,
        ),
        # All channels and one stage, as the authors search NAS-Bench-201. Their distance to the
        # uniform distribution is the weight decay, which is in the relaxation here.
        Method(
            "drnas",
            "first_order",
            "Chen, Wang, Cheng, Tang, Hsieh. DrNAS: Dirichlet Neural Architecture Search. "
            "ICLR 2021",
            relaxation="dirichlet",
            architecture_weight_decay=0.0,
        ),
        Method(
            "fair-darts",
            "first_order",
            "Chu, Zhou, Zhang, Li. Fair DARTS: Eliminating Unfair Advantages in Differentiable "
            "Architecture Search. ECCV 2020",
            relaxation="sigmoid",
            selection="threshold",
            weight_learning_rate=(0.005, 0.001),
            architecture_learning_rate=3e-3,
            architecture_betas=(0.9, 0.999),
        ),
        Method(
            "darts-pt",
            "first_order",
            "Wang, Cheng, Chen, Tang, Hsieh. Rethinking Architecture Selection in Differentiable "
            "NAS. ICLR 2021",
            selection="perturbation",
            fine_tune_epochs=5,
        ),
        Method(
            "darts-es",
            "first_order",
            f"{_ROBUST}, section 4.3: early stopping",
            rule=EigenvalueStop(),
        ),
        Method(
            "darts-ada",
            "first_order",
            f"{_ROBUST}, section 5.2: adaptive regularization",
            rule=AdaptiveDecay(),
        ),
        Method(
            "darts-plus",
            "first_order",
            "Liang et al. DARTS+: Improved Differentiable Architecture Search with Early Stopping. "
            "arXiv 1909.06035",
            rule=SkipStop(),
        ),
        Method(
            "darts-minus",
            "first_order",
            "Chu, Wang, Zhang, Lu, Wei, Yan. DARTS-: Robustly Stepping out of Performance Collapse "
            "Without Indicators. ICLR 2021",
            auxiliary_skip=Linear(1.0, 0.0, reaches_last=False),
        ),
        *(
            Method(
                name,
                "first_order",
                f"{_SGAS}, criterion {criterion}",
                rule=GreedyDecisions(stability=criterion == 2),
            )
            for name, criterion in (("sgas", 1), ("sgas-2", 2))
        ),
        *(
            Method(
                name,
                "first_order",
                f"{_SDARTS}, {kind}",
                relaxation=relaxation,
                temperature=Linear(0.03, 0.3, reaches_last=False),
            )
            for name, kind, relaxation in (
                ("sdarts-rs", "random smoothing", "perturbed"),
                ("sdarts-adv", "adversarial training", "adversarial"),
            )
        ),
        # Our reading: see darts_tf.selections.criteria. Fine-tuning as in DARTS-PT.
        Method(
            "ostr",
            "first_order",
            "Yang, Zheng, Han, Song, Huang, Li. OStr-DARTS: Differentiable Neural Architecture "
            "Search based on Operation Strength. arXiv 2409.14433",
            selection="operation_strength",
            fine_tune_epochs=5,
        ),
        # The optimizers are those of the authors' code for this space.
        Method(
            "gdas",
            "first_order",
            "Dong, Yang. Searching for a Robust Neural Architecture in Four GPU Hours. CVPR 2019",
            relaxation="hard_gumbel",
            selection="top_pairs",
            nesterov=True,
            weight_decay=5e-4,
            temperature=Linear(10.0, 0.1),
            weights_first=True,
        ),
        _unbiased("sf", "score_function", "Williams. Machine Learning 8, 1992"),
        _unbiased(
            "relax",
            "relax",
            "Grathwohl, Choi, Wu, Roeder, Duvenaud. Backpropagation through the Void. ICLR 2018",
        ),
        _unbiased(
            "ram",
            "ram",
            "Tokui, Sato. Evaluating the Variance of Likelihood-Ratio Gradient Estimators. "
            "ICML 2017",
        ),
        Method(
            "pc-darts",
            "first_order",
            "Xu et al. PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture "
            "Search. ICLR 2020",
            relaxation="partial_channels",
            weight_learning_rate=(0.1, 0.0),
            architecture_learning_rate=6e-4,
            warm_up=WarmUp(15, 50),
        ),
        # Random search with weight sharing: the alphas, of which there are none, stay frozen.
        Method(
            "random-ws",
            "first_order",
            "Li, Talwalkar. Random Search and Reproducibility for Neural Architecture Search. "
            "UAI 2019, section 3.3",
            relaxation="uniform",
            selection="shared_weights",
            warm_up=WarmUp(1, 1),
        ),
        Method(
            "p-darts",
            "first_order",
            "Chen, Xie, Wu, Tian. Progressive Differentiable Architecture Search: Bridging the "
            "Depth Gap Between Search and Evaluation. ICCV 2019",
            selection="few_skips",
            weight_learning_rate=(0.025, 0.0),
            architecture_learning_rate=6e-4,
            architecture_clip_norm=5.0,
            warm_up=WarmUp(10, 25),
            stages=(Stage(5, keep=5), Stage(11, keep=3, skip_dropout=0.4), Stage(17, None, 0.7)),
        ),
    )
}


def get(name: str) -> Method:
    """The method of that name.

    Raises:
        UserError: no method has that name.
    """
    return lookup("method", METHODS, name)
