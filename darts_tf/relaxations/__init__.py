"""Relaxations: how architecture variables become operation weights."""

from darts_tf.common.registry import Registry
from darts_tf.relaxations.ascent import Ascent
from darts_tf.relaxations.categorical import Categorical
from darts_tf.relaxations.dirichlet import Dirichlet
from darts_tf.relaxations.draws import NO_DRAWS, Draws
from darts_tf.relaxations.gumbel_softmax import GumbelSoftmax
from darts_tf.relaxations.hard_gumbel import HardGumbel
from darts_tf.relaxations.node_softmax import NodeSoftmax
from darts_tf.relaxations.partial_channels import PartialChannels
from darts_tf.relaxations.perturbed import Adversarial, Perturbed
from darts_tf.relaxations.relaxation import Relaxation, Start, masked
from darts_tf.relaxations.sigmoid import Sigmoid
from darts_tf.relaxations.softmax import Softmax
from darts_tf.relaxations.uniform import Uniform

__all__ = [
    "NO_DRAWS",
    "Adversarial",
    "Ascent",
    "Categorical",
    "Dirichlet",
    "Draws",
    "GumbelSoftmax",
    "HardGumbel",
    "NodeSoftmax",
    "PartialChannels",
    "Perturbed",
    "Relaxation",
    "Sigmoid",
    "Softmax",
    "Start",
    "Uniform",
    "get",
    "label",
    "masked",
    "names",
    "register",
    "serialize",
]

_BUILT_IN: dict[str, Relaxation] = {
    "softmax": Softmax(),
    "node_softmax": NodeSoftmax(),
    "gumbel_softmax": GumbelSoftmax(),
    "dirichlet": Dirichlet(),
    "sigmoid": Sigmoid(),
    "hard_gumbel": HardGumbel(),
    "categorical": Categorical(),
    "partial_channels": PartialChannels(),
    "uniform": Uniform(),
    "perturbed": Perturbed(),
    "adversarial": Adversarial(),
}
_RELAXATIONS = Registry("relaxation", _BUILT_IN, Relaxation)


def register(name: str, relaxation: Relaxation, *, replace: bool = False) -> Relaxation:
    """Makes a relaxation of your own known by a name; returns it.

    Args:
        name: what `Method.relaxation` and saved supernets refer to.
        relaxation: the relaxation, or its class.
        replace: whether it may take the place of another one of that name.

    Raises:
        UserError: another relaxation has that name; the same definition may come again.
    """
    return _RELAXATIONS.register(name, relaxation, replace)


def names() -> tuple[str, ...]:
    """The names of all relaxations."""
    return tuple(_RELAXATIONS)


def get(relaxation) -> Relaxation:
    """The relaxation that a name, a `Relaxation`, its class or a configuration stands for.

    Raises:
        UserError: no relaxation has that name; it is something else.

    Example:
        >>> get("dirichlet"), get(Dirichlet), get({"class_name": "Dirichlet", "config": {}})
    """
    return _RELAXATIONS.resolve(relaxation)


def serialize(relaxation):
    """A name or configuration that `get` makes it of again; itself if it has neither."""
    return relaxation if isinstance(relaxation, str) else _RELAXATIONS.serialize(get(relaxation))


def label(relaxation) -> str:
    """How messages call a relaxation: its name, or that of its class."""
    return _RELAXATIONS.label(relaxation)
