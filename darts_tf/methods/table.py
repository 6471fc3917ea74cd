"""The table of methods: each row is one part of every axis, with its defaults and its paper."""

from darts_tf.baselines import BASELINES, Baseline
from darts_tf.common.registry import Registry
from darts_tf.levels import Transferability
from darts_tf.methods import papers
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

# The source of the unbiased searches names neither the optimizers nor the data of the alphas'
# losses: those are DARTS', but without L2, which is no part of the objective.
_OVER_A_DISTRIBUTION = {
    "relaxation": "categorical",
    "selection": "every_edge",
    "architecture_weight_decay": 0.0,
}

_ROWS = (
    Method("darts-v1", "first_order", f"{papers.DARTS}, first order"),
    Method("darts-v2", "finite_difference", f"{papers.DARTS}, second order, equation 8"),
    Method("darts-v2-exact", "unrolled", f"{papers.DARTS}, second order, equation 7, exact"),
    Method("one-level", "one_level", f"{papers.DARTS}, section 3.1.1, compared there"),
    Method(
        "i-darts",
        "first_order",
        papers.I_DARTS,
        relaxation="node_softmax",
        selection="top_pairs",
    ),
    Method(
        "p-darts",
        "first_order",
        papers.P_DARTS,
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
        papers.PC_DARTS,
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
        papers.GDAS,
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
        papers.SNAS,
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
        papers.DRNAS,
        relaxation="dirichlet",
        # 100 epochs.
        architecture_learning_rate=PaperRate(3e-4, steps=2 * DARTS_STEPS),
        architecture_weight_decay=0.0,
    ),
    Method(
        "fair-darts",
        "first_order",
        papers.FAIR_DARTS,
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
        papers.DARTS_PT,
        selection="perturbation",
        fine_tune_epochs=5,
    ),
    # Our reading: see darts_tf.selections.criteria. Fine-tuning as in DARTS-PT.
    Method(
        "ostr",
        "first_order",
        papers.OSTR_DARTS,
        selection="operation_strength",
        fine_tune_epochs=5,
    ),
    # It trains nothing, says its selection.
    Method("te-nas", None, papers.TE_NAS, selection="training_free"),
    Method(
        "darts-es",
        "first_order",
        f"{papers.ROBUST_DARTS}, section 4.3: early stopping",
        rule=EigenvalueStop(),
    ),
    Method(
        "darts-ada",
        "first_order",
        f"{papers.ROBUST_DARTS}, section 5.2: adaptive regularization",
        rule=AdaptiveDecay(),
    ),
    Method("darts-plus", "first_order", papers.DARTS_PLUS, rule=SkipStop()),
    Method(
        "darts-minus",
        "first_order",
        papers.DARTS_MINUS,
        controls={"auxiliary_skip": Linear(1.0, 0.0, reaches_last=False)},
    ),
    # Our reading: see darts_tf.schedules.growing.
    Method("growing", "first_order", papers.GROWING, selection="grown", rule=Growing()),
    Method(
        "growing-copies",
        "first_order",
        papers.GROWING,
        selection="grown",
        rule=Growing(by=("duplicate", "node"), prune=True),
    ),
    Method(
        "growing-splits",
        "first_order",
        f"{papers.GROWING}; {papers.SPLITTING}",
        selection="grown",
        rule=Growing(by=("split", "node")),
    ),
    Method(
        "sgas", "first_order", f"{papers.SGAS}, criterion 1", rule=GreedyDecisions(stability=False)
    ),
    Method(
        "sgas-2", "first_order", f"{papers.SGAS}, criterion 2", rule=GreedyDecisions(stability=True)
    ),
    Method(
        "sdarts-rs",
        "first_order",
        f"{papers.SDARTS}, random smoothing",
        relaxation="perturbed",
        controls={"temperature": Linear(0.03, 0.3, reaches_last=False)},
    ),
    Method(
        "sdarts-adv",
        "first_order",
        f"{papers.SDARTS}, adversarial training",
        relaxation="adversarial",
        controls={"temperature": Linear(0.03, 0.3, reaches_last=False)},
    ),
    # Our reading: see darts_tf.levels.transferability. The settings of the methods that it is
    # combined with are those of their rows.
    Method("tetlo", "finite_difference", papers.TETLO, levels=(Transferability(),)),
    Method(
        "tetlo-pc",
        "finite_difference",
        f"{papers.TETLO}, with {papers.PC_DARTS}",
        relaxation="partial_channels",
        weight_learning_rate=(0.1, 0.0),
        architecture_learning_rate=PaperRate(6e-4, steps=35 * 97),
        controls={"warm_up": WarmUp(15, 50)},
        levels=(Transferability(),),
    ),
    Method(
        "tetlo-darts-minus",
        "finite_difference",
        f"{papers.TETLO}, with {papers.DARTS_MINUS}",
        controls={"auxiliary_skip": Linear(1.0, 0.0, reaches_last=False)},
        levels=(Transferability(),),
    ),
    Method(
        "tetlo-sdarts",
        "finite_difference",
        f"{papers.TETLO}, with {papers.SDARTS}, random smoothing",
        relaxation="perturbed",
        controls={"temperature": Linear(0.03, 0.3, reaches_last=False)},
        levels=(Transferability(),),
    ),
    Method(
        "sf",
        "score_function",
        f"{papers.UNBIASED}; {papers.SCORE_FUNCTION}",
        **_OVER_A_DISTRIBUTION,
    ),
    Method("relax", "relax", f"{papers.UNBIASED}; {papers.RELAX}", **_OVER_A_DISTRIBUTION),
    Method("ram", "ram", f"{papers.UNBIASED}; {papers.RAM}", **_OVER_A_DISTRIBUTION),
    # Random search with weight sharing.
    Method(
        "random-ws",
        None,
        f"{papers.RANDOM_WS}, section 3.3",
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
