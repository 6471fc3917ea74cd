"""Which settings of a search may be others when it goes on."""

from darts_tf import selections
from darts_tf.datasets import fingerprint
from darts_tf.runs.settings import Changeable
from train.search_flags import SearchConfig


def changeable(config: SearchConfig, method) -> Changeable:
    """The settings that may change when a search goes on, besides where its data are.

    Args:
        config: the search.
        method: how to search.
    """
    samples = getattr(selections.get(method.selection), "samples", 20)
    unwritten = {"candidates": samples}
    if config.latency_table is not None:
        unwritten["latency_table_sha256"] = fingerprint.hash_file(config.latency_table)
    if method.stages:
        reason = "but stages that have ended cannot become longer"
        return Changeable(unwritten=unwritten, reasons={"epochs": reason})
    reason = "and candidates that were trained for different times cannot be compared"
    return Changeable((), ("epochs", "candidates"), unwritten, {"candidate_epochs": reason})
