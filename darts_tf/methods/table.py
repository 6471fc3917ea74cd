"""The table of methods: each row is one part of every axis, with its defaults and its paper."""

from darts_tf.baselines import BASELINES, Baseline
from darts_tf.common.registry import Registry
from darts_tf.levels import Transferability
from darts_tf.methods.method import DARTS_STEPS, Method
from darts_tf.methods.paper_rate import PaperRate
from darts_tf.schedules import (
    AdaptiveDecay,
    EigenvalueStop,
    GreedyDecisions,
    Growing,
    Linear,
    SkipStop,
    Stage,
    WarmUp,
)
from darts_tf.selections import Proposals

_DARTS = "Liu, Simonyan, Yang. DARTS: Differentiable Architecture Search. ICLR 2019"
_I_DARTS = (
    "Jiang et al. Improved Differentiable Architecture Search for Language Modeling and Named "
    "Entity Recognition. EMNLP-IJCNLP 2019"
)
_P_DARTS = (
    "Chen, Xie, Wu, Tian. Progressive Differentiable Architecture Search: Bridging the Depth Gap "
    "Between Search and Evaluation. ICCV 2019"
)
_PC_DARTS = (
    "Xu et al. PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search. "
    "ICLR 2020"
)
_GDAS = "Dong, Yang. Searching for a Robust Neural Architecture in Four GPU Hours. CVPR 2019"
_SNAS = "Xie, Zheng, Liu, Lin. SNAS: Stochastic Neural Architecture Search. ICLR 2019"
_DRNAS = "Chen, Wang, Cheng, Tang, Hsieh. DrNAS: Dirichlet Neural Architecture Search. ICLR 2021"
_FAIR_DARTS = (
    "Chu, Zhou, Zhang, Li. Fair DARTS: Eliminating Unfair Advantages in Differentiable "
    "Architecture Search. ECCV 2020"
)
_DARTS_PT = (
    "Wang, Cheng, Chen, Tang, Hsieh. Rethinking Architecture Selection in Differentiable NAS. "
    "ICLR 2021"
)
_OSTR_DARTS = (
    "Yang, Zheng, Han, Song, Huang, Li. OStr-DARTS: Differentiable Neural Architecture Search "
    "based on Operation Strength. arXiv 2409.14433"
)
_ROBUST_DARTS = (
    "Zela, Elsken, Saikia, Marrakchi, Brox, Hutter. Understanding and Robustifying Differentiable "
    "Architecture Search. ICLR 2020"
)
_DARTS_PLUS = (
    "Liang et al. DARTS+: Improved Differentiable Architecture Search with Early Stopping. "
    "arXiv 1909.06035"
)
_DARTS_MINUS = (
    "Chu, Wang, Zhang, Lu, Wei, Yan. DARTS-: Robustly Stepping out of Performance Collapse Without "
    "Indicators. ICLR 2021"
)
_GROWING = (
    "Jie, Gao. Differentiable Neural Architecture Search with Morphism-based Transformable "
    "Backbone Architectures. arXiv 2106.07211"
)
_TE_NAS = (
    "Chen, Gong, Wang. Neural Architecture Search on ImageNet in Four GPU Hours: A Theoretically "
    "Inspired Perspective. ICLR 2021"
)
_SGAS = (
    "Li, Qian, Delgadillo, Mueller, Thabet, Ghanem. SGAS: Sequential Greedy Architecture Search. "
    "CVPR 2020"
)
_SDARTS = (
    "Chen, Hsieh. Stabilizing Differentiable Architecture Search via Perturbation-based "
    "Regularization. ICML 2020"
)
_TETLO = (
    "Sheth, Xie. Improving Differentiable Neural Architecture Search by Encouraging "
    "Transferability. ICLR 2023"
)
_UNBIASED = (
    "Huang, Conche. Unbiased gradient estimators for differentiable architecture search. Slides, "
    "2019"
)
_SCORE_FUNCTION = "Williams. Machine Learning 8, 1992"
_RELAX = "Grathwohl, Choi, Wu, Roeder, Duvenaud. Backpropagation through the Void. ICLR 2018"
_RAM = "Tokui, Sato. Evaluating the Variance of Likelihood-Ratio Gradient Estimators. ICML 2017"
_RANDOM_WS = (
    "Li, Talwalkar. Random Search and Reproducibility for Neural Architecture Search. UAI 2019"
)

# The source of the unbiased searches names neither the optimizers nor the data of the alphas'
# losses: those are DARTS', but without L2, which is no part of the objective.
_OVER_A_DISTRIBUTION = {
    "relaxation": "categorical",
    "selection": "every_edge",
    "architecture_weight_decay": 0.0,
}

_ROWS = (
    Method("darts-v1", "first_order", f"{_DARTS}, first order"),
    Method("darts-v2", "finite_difference", f"{_DARTS}, second order, equation 8"),
    Method("darts-v2-exact", "unrolled", f"{_DARTS}, second order, equation 7, exact"),
    Method("one-level", "one_level", f"{_DARTS}, section 3.1.1, compared there"),
    Method(
        "i-darts",
        "first_order",
        _I_DARTS,
        relaxation="node_softmax",
        selection="top_pairs",
    ),
    Method(
        "p-darts",
        "first_order",
        _P_DARTS,
        selection="few_skips",
        weight_learning_rate=(0.025, 0.0),
        # Of each stage: batches of 96, 15 of 25 epochs.
        architecture_learning_rate=PaperRate(6e-4, steps=15 * 260),
        architecture_clip_norm=5.0,
        controls={"warm_up": WarmUp(10, 25)},
        stages=(Stage(5, keep=5), Stage(11, keep=3, skip_dropout=0.4), Stage(17, None, 0.7)),
    ),
    Method(
        "pc-darts",
        "first_order",
        _PC_DARTS,
        relaxation="partial_channels",
        weight_learning_rate=(0.1, 0.0),
        # Batches of 256, 35 of 50 epochs.
        architecture_learning_rate=PaperRate(6e-4, steps=35 * 97),
        controls={"warm_up": WarmUp(15, 50)},
    ),
    # The optimizers are those of the authors' code for this space.
    Method(
        "gdas",
        "first_order",
        _GDAS,
        relaxation="hard_gumbel",
        selection="top_pairs",
        optimizer_options={"weights": {"nesterov": True}},
        weight_decay=5e-4,
        # Batches of 256, 250 epochs.
        architecture_learning_rate=PaperRate(3e-4, steps=250 * 97),
        controls={"temperature": Linear(10.0, 0.1)},
        order=("weights", "architecture"),
    ),
    Method(
        "snas",
        "one_level_train",
        _SNAS,
        relaxation="gumbel_softmax",
        selection="every_edge",
        controls={"temperature": Linear(1.0, 0.03, reaches_last=False)},
        # 150 epochs.
        architecture_learning_rate=PaperRate(3e-4, steps=3 * DARTS_STEPS),
        architecture_clip_norm=10.0,
    ),
    # All channels and one stage, as the authors search NAS-Bench-201. Their distance to the uniform
    # distribution is the weight decay, which is in the relaxation here.
    Method(
        "drnas",
        "first_order",
        _DRNAS,
        relaxation="dirichlet",
        # 100 epochs.
        architecture_learning_rate=PaperRate(3e-4, steps=2 * DARTS_STEPS),
        architecture_weight_decay=0.0,
    ),
    Method(
        "fair-darts",
        "first_order",
        _FAIR_DARTS,
        relaxation="sigmoid",
        selection="threshold",
        weight_learning_rate=(0.005, 0.001),
        # Batches of 128, 50 epochs.
        architecture_learning_rate=PaperRate(3e-3, steps=50 * 195),
        optimizer_options={"architecture": {"beta_1": 0.9}},
    ),
    Method(
        "darts-pt",
        "first_order",
        _DARTS_PT,
        selection="perturbation",
        fine_tune_epochs=5,
    ),
    # Our reading: see darts_tf.selections.criteria. Fine-tuning as in DARTS-PT.
    Method(
        "ostr",
        "first_order",
        _OSTR_DARTS,
        selection="operation_strength",
        fine_tune_epochs=5,
    ),
    # It trains nothing, says its selection.
    Method("te-nas", None, _TE_NAS, selection="training_free"),
    Method(
        "darts-es",
        "first_order",
        f"{_ROBUST_DARTS}, section 4.3: early stopping",
        rule=EigenvalueStop(),
    ),
    Method(
        "darts-ada",
        "first_order",
        f"{_ROBUST_DARTS}, section 5.2: adaptive regularization",
        rule=AdaptiveDecay(),
    ),
    Method("darts-plus", "first_order", _DARTS_PLUS, rule=SkipStop()),
    Method(
        "darts-minus",
        "first_order",
        _DARTS_MINUS,
        controls={"auxiliary_skip": Linear(1.0, 0.0, reaches_last=False)},
    ),
    # Our reading: see darts_tf.schedules.growing.
    Method("growing", "first_order", _GROWING, selection="grown", rule=Growing()),
    Method(
        "growing-copies",
        "first_order",
        _GROWING,
        selection="grown",
        rule=Growing(by=("duplicate", "node"), prune=True),
    ),
    Method("sgas", "first_order", f"{_SGAS}, criterion 1", rule=GreedyDecisions(stability=False)),
    Method("sgas-2", "first_order", f"{_SGAS}, criterion 2", rule=GreedyDecisions(stability=True)),
    Method(
        "sdarts-rs",
        "first_order",
        f"{_SDARTS}, random smoothing",
        relaxation="perturbed",
        controls={"temperature": Linear(0.03, 0.3, reaches_last=False)},
    ),
    Method(
        "sdarts-adv",
        "first_order",
        f"{_SDARTS}, adversarial training",
        relaxation="adversarial",
        controls={"temperature": Linear(0.03, 0.3, reaches_last=False)},
    ),
    # Our reading: see darts_tf.levels.transferability. The settings of the methods that it is
    # combined with are those of their rows.
    Method("tetlo", "finite_difference", _TETLO, levels=(Transferability(),)),
    Method(
        "tetlo-pc",
        "finite_difference",
        f"{_TETLO}, with {_PC_DARTS}",
        relaxation="partial_channels",
        weight_learning_rate=(0.1, 0.0),
        architecture_learning_rate=PaperRate(6e-4, steps=35 * 97),
        controls={"warm_up": WarmUp(15, 50)},
        levels=(Transferability(),),
    ),
    Method(
        "tetlo-darts-minus",
        "finite_difference",
        f"{_TETLO}, with {_DARTS_MINUS}",
        controls={"auxiliary_skip": Linear(1.0, 0.0, reaches_last=False)},
        levels=(Transferability(),),
    ),
    Method(
        "tetlo-sdarts",
        "finite_difference",
        f"{_TETLO}, with {_SDARTS}, random smoothing",
        relaxation="perturbed",
        controls={"temperature": Linear(0.03, 0.3, reaches_last=False)},
        levels=(Transferability(),),
    ),
    Method("sf", "score_function", f"{_UNBIASED}; {_SCORE_FUNCTION}", **_OVER_A_DISTRIBUTION),
    Method("relax", "relax", f"{_UNBIASED}; {_RELAX}", **_OVER_A_DISTRIBUTION),
    Method("ram", "ram", f"{_UNBIASED}; {_RAM}", **_OVER_A_DISTRIBUTION),
    # Random search with weight sharing.
    Method(
        "random-ws",
        None,
        f"{_RANDOM_WS}, section 3.3",
        relaxation="uniform",
        selection="shared_weights",
    ),
)


def of_baseline(baseline: Baseline) -> Method:
    """The method that proposes by a baseline and has no supernet."""
    selection = Proposals(baseline)
    return Method(baseline.name, None, baseline.paper, relaxation=None, selection=selection)


_ALL = (*_ROWS, *map(of_baseline, BASELINES.values()))

#: All methods by name, to be read; `register` adds to them.
METHODS = Registry("method", {method.name: method for method in _ALL}, Method)


def register(method: Method, *, replace: bool = False) -> Method:
    """Makes a method of your own known by its name; returns it.

    Args:
        method: the method.
        replace: whether it may take the place of another one of its name.

    Raises:
        UserError: another method has that name; an equal one may come again.
    """
    return METHODS.register(method.name, method, replace)


def get(method: str | Method, space=None) -> Method:
    """The method of that name, or the one that is given; that of a baseline, by its name.

    Args:
        method: a name or a `Method`.
        space: the search space, or its name, that a method which is given by its name is for, see
            `Method.for_space`; None for the row of the table.

    Raises:
        UserError: no method has that name; it is something else.
    """
    if isinstance(method, str) and method not in METHODS and method in BASELINES:
        return of_baseline(BASELINES[method])
    found = METHODS.resolve(method)
    return found.for_space(space) if isinstance(method, str) and space is not None else found
