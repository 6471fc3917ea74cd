"""Refuses settings of a search that have no meaning together, before anything is loaded."""

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.methods.method import Method
from train import baseline_search, costs, data_flags, search_parts, selection_flags
from train.search_flags import SearchConfig

_OF_GRADIENTS = (
    *("hypergradient", "epochs", "architecture_learning_rate", "accumulate_steps", "recompute"),
    *("cost", "cost_weight", "latency_table", "eigenvalue_every", *selection_flags.NAMES),
    *("level_options", "auxiliary", "rule_options"),
    *("gradient_options", "entropy_weight", "jit_compile", "keep_checkpoints"),
)
#: Settings of searches for images alone.
OF_IMAGES = (
    *("cells", "cost", "cost_weight", "latency_table", "benchmark_table"),
    *search_parts.NAMES,
)
_OF_TRAINING = (*_OF_GRADIENTS, "memory_limit", "weight_learning_rate", "precision")


def check(config: SearchConfig, method: Method) -> None:
    """Refuses what has no meaning for a method, or is out of its range.

    Args:
        config: the search.
        method: its method.

    Raises:
        UserError: names the flag.
    """
    _refuse_for_other_cells(config, method)
    if not method.has_supernet:
        config.refuse_given(_OF_GRADIENTS, "has no meaning for a method without a supernet")
        return
    if hasattr(method.rule, "first_space"):
        method.rule.first_space(spaces.get(config.space))
    baseline_search.refuse_flags(config, method)
    selection_flags.refuse_without_effect(config, [method.selection])
    if not method.trains:
        _refuse_training(config)
    costs.check(config)


def _refuse_for_other_cells(config: SearchConfig, method: Method) -> None:
    if not data_flags.check_space(config):
        return
    config.refuse_given(OF_IMAGES, f"has no meaning for the task {config.task}")
    if not (method.has_supernet and method.trains):
        raise UserError(
            f"--method={config.method} compares networks for images; for --task={config.task} give "
            "one with a supernet that is trained, such as darts-v1"
        )
    if config.batch_size == "auto":
        raise UserError(f"--batch_size=auto is for images; --task={config.task} needs a number")


def _refuse_training(config: SearchConfig) -> None:
    why = f"has no meaning for the method {config.method}, which trains nothing"
    config.refuse_given(_OF_TRAINING, why)
    data_flags.refuse_augmentation(config, f"the method {config.method}")
    if config.batch_size == "auto":
        raise UserError(f"--batch_size=auto is for a method that trains, got {config.method}")
