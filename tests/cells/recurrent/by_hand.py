"""One step of a recurrent cell in numpy, float64, from the formulas alone."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FUNCTIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "identity": lambda x: x,
}


def first(x, h, kernel, x_mask=1.0, h_mask=1.0):
    """Node 0."""
    c, new = np.split(np.concatenate([x * x_mask, h * h_mask], 1) @ kernel, 2, axis=1)
    return h + sigmoid(c) * (np.tanh(new) - h)


def edge(state, kernel, operation, h_mask=1.0):
    """The contribution of an edge."""
    if operation == "none":
        return np.zeros_like(state)
    c, h = np.split((state * h_mask) @ kernel, 2, axis=1)
    return state + sigmoid(c) * (FUNCTIONS[operation](h) - state)


def normalized(state):
    """A state normalised by its batch."""
    return (state - state.mean(0)) / np.sqrt(state.var(0) + 1e-5)


def relaxed_step(x, h, kernels, rows, operations, masks=(1.0, 1.0), normalize=normalized):
    """One step of a relaxed cell with all edges; the mean of all nodes but the first.

    Args:
        kernels: W_0, then W_i of every node.
        rows: `[edges, operations]`, ordered by node and predecessor.
    """
    states = [normalize(first(x, h, kernels[0], *masks))]
    rows = iter(rows)
    for kernel in kernels[1:]:
        value = sum(
            weight * edge(state, kernel, name, masks[1])
            for state in states
            for name, weight in zip(operations, next(rows), strict=True)
        )
        states.append(normalize(value))
    return np.mean(states[1:], axis=0)
