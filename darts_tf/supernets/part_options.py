"""Call arguments of a supernet's parts besides their inputs and operation weights."""

import keras

from darts_tf.common import seeds


def draws(part) -> bool:
    """Whether a part draws random numbers on its own account, as dropout does; it takes `seed`."""
    return getattr(part, "draws", False)


def options_of(supernet, part, seed) -> dict:
    """The seed of a part that draws, and the controls of a cell, by the names of the arguments.

    The draws of a pass have numbers, by which its seed becomes theirs: the relaxation's cell types
    those from 0 on, then the controls of cells, and parts of their own those from -1 downwards.

    Args:
        supernet: whose part it is.
        part: one of `supernet.parts`.
        seed: `[2]` int32, of the pass; None for no draws.
    """
    options = {}
    if draws(part):
        own = None if seed is None else seeds.of_part(seed, -1 - supernet.parts.index(part))
        options["seed"] = own
    if part in supernet.cells:
        options |= _controls(supernet, part, seed)
    return options


def _controls(supernet, cell, seed) -> dict:
    options, drawn = {}, 0
    # Between stem and head.
    parts = supernet.parts[1:-1]
    for control in cell.controls:
        if (variable := supernet.architecture.controls.get(control.name)) is None:
            continue
        value = keras.ops.convert_to_tensor(variable)
        if not control.draws:
            options[control.name] = value
        elif seed is not None:
            number = parts.index(cell) + len(supernet.space.cell_types) + drawn * len(parts)
            options[control.name] = value, seeds.of_part(seed, number)
            drawn += 1
    return options
