"""A method as the settings of a run have it, in the words of the runs that there are."""

import dataclasses

from darts_tf import gradients, levels, relaxations, selections
from darts_tf.methods import earlier_fields
from darts_tf.methods.method import Method


def settings(method: Method) -> dict:
    """All of a method that decides what a search finds, by the names that checkpoints have.

    Parts have their names, or the configurations of those that have none.
    """
    found = dataclasses.asdict(_with_names(method))
    found["levels"] = [_setting_of_level(level) for level in method.levels]
    controls, options = found.pop("controls"), found.pop("optimizer_options")
    order = found.pop("order")
    if not found["levels"]:
        del found["levels"]
    for name, schedule in {**dict.fromkeys(earlier_fields.CONTROLS), **controls}.items():
        found[name] = schedule
    for name in ("nesterov", "architecture_betas", "weights_first", "trains"):
        found[name] = getattr(method, name)
    if method.gradient is None:
        # As it was written when it was a search whose alphas stay frozen from the first epoch on.
        found |= {"gradient": "first_order", "warm_up": {"frozen": 1, "of": 1}}
    known = {"nesterov", "beta_1", "beta_2"}
    others = {
        level: {k: v for k, v in own.items() if k not in known} for level, own in options.items()
    }
    if any(others.values()):
        found["optimizer_options"] = others
    if found["unrolled_clip_norm"] is None:
        del found["unrolled_clip_norm"]
    if set(order) != {"architecture", "weights"}:
        found["order"] = order
    return found


def _with_names(method: Method) -> Method:
    """The method with the names of its parts, the configurations of those that have none."""
    selection = selections.serialize(method.selection)
    if not isinstance(selection, str | dict):
        selection = selections.label(selection)
    return dataclasses.replace(
        method,
        gradient=_setting_of(method.gradient),
        relaxation=relaxations.serialize(method.relaxation),
        selection=selection,
        levels=(),
    )


def _setting_of(gradient):
    """A hypergradient's name or configuration; of a user's own its type and what tells it apart."""
    found = gradients.serialize(gradient)
    if isinstance(found, str | dict):
        return found
    options = {} if isinstance(gradient, type) else getattr(gradient, "__dict__", {})
    plain = (str, int, float, type(None))
    return {
        "type": gradients.label(gradient),
        **{k: v if isinstance(v, plain) else type(v).__name__ for k, v in options.items()},
    }


def _setting_of_level(level):
    """A level's name or configuration; what is neither, by the names of its type and functions."""
    found = levels.serialize(level)
    if isinstance(found, dict):
        config = {k: getattr(v, "__qualname__", v) for k, v in found["config"].items()}
        return {**found, "config": config}
    return found if isinstance(found, str) else levels.label(level)
