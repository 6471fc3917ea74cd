"""The search: the loop, its one step, what is recorded, what stops it."""

from darts_tf.search.architecture_search import ArchitectureSearch, NonFiniteError

__all__ = ["ArchitectureSearch", "NonFiniteError"]
