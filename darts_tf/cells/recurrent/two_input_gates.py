"""An LSTM and a GRU as cells of the two-input backbone, equal to Keras' own.

A chain has one state, so that what has to be remembered stands in it side by side: an LSTM of d
units is a chain of 3 d units with the state [h, c, 0], a GRU one of 2 d units with [h, 0]. In a
node every operation fills the blocks that it is for; in the others it is 0 with zero weights, but
for `gated`, which is s / 2 there and with `identity` gives s, or 0. LSTM, each node a list of its
blocks:

    1: [g, c, h]            g = tanh(W_g x + U_g h + b_g); identity moves h
    2: [i * g, f * c, h]    gated by i and f
    3: [tanh(c'), c', h]    c' = i * g + f * c
    4: [o * tanh(c'), c', 0]

and a GRU that multiplies by r before its matrix (Cho et al., EMNLP 2014; Keras' reset_after=False):

    1: [r * h, h]
    2: [n, h]               n = tanh(W_n x + U_n (r * h) + b_n)
    3: [(1 - z) * n, z * h]
    4: [(1 - z) * n + z * h, 0]

With reset_after=True, Keras' default, U_n h + b' needs a node of its own before the first one.

**What the backbone cannot express without `gated`.** For a fixed x_t each of tanh, sigmoid, relu,
identity and hadamard (linear in s) has a Lipschitz constant in s that holds everywhere, and so have
their sums and any chain of them. An LSTM has none: dc'/dh = c * f (1 - f) U_f grows with c without
bound, and neither has a GRU of two units or more: d(z_1 h_1)/dh_2 = h_1 z_1 (1 - z_1) U_z. So no
chain of those five, however long or wide, is an LSTM or a GRU, or differs from one by a bounded
amount.
"""

import keras
import numpy as np

from darts_tf.cells.recurrent.two_input_cell import Parameters, TwoInputCell
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.spaces.two_input_rnn import chain


def _genotype(*nodes: str) -> Genotype:
    """A chain whose nodes are written as `operation + operation`."""
    cell = CellGenotype(
        tuple(
            tuple(Edge(name, number) for name in node.split(" + "))
            for number, node in enumerate(nodes)
        ),
        (len(nodes),),
    )
    return Genotype(chain(len(nodes)), {"recurrent": cell})


#: An LSTM of d units is this cell with 3 d units.
LSTM = _genotype("tanh + identity", "gated + identity", "tanh + identity", "gated + identity")
#: A GRU of d units is this cell with 2 d units.
GRU = _genotype("gated + identity", "tanh + identity", "gated", "identity")
#: The same with the reset gate behind the matrix.
GRU_RESET_AFTER = _genotype("identity", "gated + identity", "tanh + identity", "gated", "identity")


def from_keras(cell: keras.layers.LSTMCell | keras.layers.GRUCell) -> TwoInputCell:
    """The chain that computes what a cell of Keras computes, with its weights.

    Args:
        cell: an LSTM or a GRU with Keras' default activations, built, with a bias.

    Returns:
        A built cell whose state is [h, c, 0] or [h, 0] and whose output begins with h.

    Raises:
        UserError: it is another cell, has other activations, or is not built.

    Example:
        >>> chain = from_keras(lstm)
        >>> state = tf.concat([h, c, tf.zeros_like(h)], -1)
    """
    _check(cell)
    units, features = cell.units, cell.kernel.shape[0]
    if isinstance(cell, keras.layers.LSTMCell):
        genotype, blocks, write = LSTM, 3, _write_lstm
    else:
        genotype = GRU_RESET_AFTER if cell.reset_after else GRU
        blocks, write = 2, _write_gru
    found = TwoInputCell(genotype["recurrent"], blocks * units, dtype=cell.dtype_policy)
    found.build((None, features))
    for parameters in (one for node in found.parameters for one in node):
        for variable in parameters:
            variable.assign(np.zeros(variable.shape, "float32"))
    write(found, cell)
    return found


def _check(cell) -> None:
    known = isinstance(cell, keras.layers.LSTMCell | keras.layers.GRUCell) and cell.built
    if not known or not cell.use_bias:
        raise UserError(f"expected a built LSTMCell or GRUCell of Keras with a bias, got {cell!r}")
    names = cell.activation.__name__, cell.recurrent_activation.__name__
    if names != ("tanh", "sigmoid"):
        raise UserError(f"expected the activations tanh and sigmoid, got {names}")


class _Block:
    """The rows or columns of a block of the state."""

    def __init__(self, units: int):
        self._units = units

    def __call__(self, number: int) -> slice:
        return slice(number * self._units, (number + 1) * self._units)


def _write(to: Parameters, units: int, target: int, reads=(), kernel=None, bias=None) -> None:
    """Fills the columns of one block.

    Args:
        to: the parameters of an operation.
        units: of a block.
        target: the number of the block.
        reads: pairs of the number of a block of s and what it is multiplied by, `[units, units]`.
        kernel, bias: of x_t, `[features, units]` and `[units]`; None for 0.
    """
    block = _Block(units)
    values = [keras.ops.convert_to_numpy(variable).copy() for variable in to]
    for source, matrix in reads:
        values[1][block(source), block(target)] = matrix
    if kernel is not None:
        values[0][:, block(target)] = kernel
    if bias is not None:
        values[2][block(target)] = bias
    for variable, value in zip(to, values, strict=True):
        variable.assign(value)


def _gates(cell) -> list[list[np.ndarray]]:
    """For every gate of a cell of Keras its kernel, its recurrent kernel and its bias."""
    kernels = [
        keras.ops.convert_to_numpy(v) for v in (cell.kernel, cell.recurrent_kernel, cell.bias)
    ]
    count = kernels[0].shape[-1] // cell.units
    return list(zip(*(np.split(part, count, axis=-1) for part in kernels), strict=True))


def _write_lstm(chain: TwoInputCell, cell) -> None:
    d, one = cell.units, np.eye(cell.units)
    i, f, g, o = _gates(cell)
    (tanh, move), (gated, keep), (last_tanh, pass_on), (output, clean) = chain.parameters
    _write(tanh, d, 0, [(0, g[1])], g[0], g[2])
    _write(move, d, 1, [(1, one)])
    _write(move, d, 2, [(0, one)])
    _write(gated, d, 0, [(2, i[1])], i[0], i[2])
    _write(gated, d, 1, [(2, f[1])], f[0], f[2])
    _write(keep, d, 2, [(2, one / 2)])
    _write(last_tanh, d, 0, [(0, one), (1, one)])
    _write(pass_on, d, 1, [(0, one), (1, one)])
    _write(pass_on, d, 2, [(2, one)])
    _write(output, d, 0, [(2, o[1])], o[0], o[2])
    _write(clean, d, 1, [(1, one / 2)])
    _write(clean, d, 2, [(2, -one / 2)])


def _write_gru(chain: TwoInputCell, cell) -> None:
    d, one = cell.units, np.eye(cell.units)
    z, r, n = _gates(cell)
    nodes, recurrent = list(chain.parameters), n[1]
    biases = [gate[2] for gate in (z, r, n)]
    source = 0  # Where h stands when the reset gate is computed.
    if cell.reset_after:
        # The bias of the kernel, and that of the recurrent one.
        (first,) = nodes.pop(0)
        _write(first, d, 0, [(0, recurrent)], bias=biases[2][1])
        _write(first, d, 1, [(0, one)])
        biases = [biases[0].sum(0), biases[1].sum(0), biases[2][0]]
        recurrent, source = one, 1
    (reset, move), (tanh, keep), (mix,), (add,) = nodes
    _write(reset, d, 0, [(source, r[1])], r[0], biases[1])
    # Half of what stands in the block already comes through the gate.
    _write(move, d, 1, [(source, one / 2 if source else one)])
    _write(tanh, d, 0, [(0, recurrent)], n[0], biases[2])
    _write(keep, d, 1, [(1, one)])
    _write(mix, d, 0, [(1, -z[1])], -z[0], -biases[0])
    _write(mix, d, 1, [(1, z[1])], z[0], biases[0])
    _write(add, d, 0, [(0, one), (1, one)])
