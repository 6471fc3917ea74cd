"""Names of a cell's nodes, everywhere: the one place that says what c_{k-2} is.

The nodes of a cell have one numbering, that of the genotypes of DARTS and of the strings of
NAS-Bench-201: its inputs come first, 0 and 1 where it has two, and then its intermediate nodes. The
numbers in genotype files, pictures, printed lines, messages and on the served page are these. The
inputs of cell k are the outputs of cells before it, c_{k-2} and c_{k-1}, or c_{k-1} alone; c_k is
its own output. The one input of a recurrent cell, node 0, is the state made of x_t, what the cell
reads at the step t, and h_{t-1}, its output at the step before; h_t is its output. Node 0 of a
two-input cell is h_{t-1}, and all of its operations read x_t too.

Wherever a function takes `kind`, it is that of the space, see `darts_tf.spaces.Space`.
"""

_BEFORE = {1: "the previous cell", 2: "the cell before the previous one"}

CONVOLUTIONAL = "convolutional"
#: What the input of a recurrent cell is made of.
STEP_INPUTS = ("x_t", "h_{t-1}")
_INPUTS = {"recurrent": ", ".join(STEP_INPUTS), "two_input": STEP_INPUTS[1]}
_OUTPUTS = {CONVOLUTIONAL: "c_k", "recurrent": "h_t", "two_input": "h_t"}


def input_name(node: int, inputs: int, kind: str = CONVOLUTIONAL) -> str:
    """Which cell's output an input is: `c_{k-2}`, `c_{k-1}`.

    Args:
        node: the number of the input, from 0.
        inputs: how many inputs the cell has.
        kind: of the cell; the input of a recurrent one is `x_t, h_{t-1}`, or `h_{t-1}` alone.
    """
    return _INPUTS.get(kind, f"c_{{k-{inputs - node}}}")


def output_name(kind: str = CONVOLUTIONAL) -> str:
    """The name of a cell's output: `c_k`, or `h_t` of a recurrent one."""
    return _OUTPUTS[kind]


def node_name(node: int, inputs: int, kind: str = CONVOLUTIONAL) -> str:
    """`node 0 (c_{k-2})` for an input, `node 2` for an intermediate node.

    Args:
        node: its number; the intermediate nodes go on from the inputs.
        inputs: how many inputs the cell has.
        kind: of the cell.
    """
    return f"node {node} ({input_name(node, inputs, kind)})" if node < inputs else f"node {node}"


def legend(inputs: int, kind: str = CONVOLUTIONAL) -> str:
    """The meaning of the inputs and the output of a cell, as one sentence.

    Args:
        inputs: how many inputs the cell has.
        kind: of the cell.
    """
    if kind == "recurrent":
        return (
            "node 0 is the state made of x_t, what the cell reads at the step t, and h_{t-1}, its "
            "output at the step before; h_t is the cell's output"
        )
    if kind == "two_input":
        return (
            "node 0 is h_{t-1}, the cell's output at the step before; all operations also read "
            "x_t, what the cell reads at the step t; h_t is the cell's output"
        )
    cells = [
        f"node {node} is {input_name(node, inputs)}, the output of "
        + _BEFORE.get(inputs - node, f"the cell {inputs - node} before")
        for node in range(inputs)
    ]
    return f"{'; '.join(cells)} (of the stem where there is none); c_k is the cell's own output"


def cell_text(nodes, concat, inputs: int, kind: str = CONVOLUTIONAL) -> str:
    """A cell on one line: `node 2 = skip_connect(0) + sep_conv_3x3(1), c_k = node 2`.

    Args:
        nodes: for every intermediate node its pairs (operation, the node that it comes from).
        concat: the nodes whose concatenation, or mean, is the output.
        inputs: how many inputs the cell has.
        kind: of the cell.
    """
    texts = [
        f"{node_name(inputs + i, inputs)} = "
        + " + ".join(f"{operation}({source})" for operation, source in node)
        for i, node in enumerate(nodes)
        if node
    ]
    return ", ".join([*texts, f"{output_name(kind)} = {output_text(concat, kind)}"])


def output_text(concat, kind: str = CONVOLUTIONAL) -> str:
    """A cell's output in words: `node 3`, `nodes 2, 3, concatenated`, `the mean of nodes 2, 3`."""
    first, *others = map(str, concat)
    if not others:
        return f"node {first}"
    nodes = f"nodes {', '.join([first, *others])}"
    return f"the mean of {nodes}" if kind == "recurrent" else f"{nodes}, concatenated"


def edge_text(node: int, source: int, inputs: int, kind: str = CONVOLUTIONAL) -> str:
    """An edge of a space: `the edge from node 0 (c_{k-2}) to node 3`.

    Args:
        node: the place of the node that it leads to among the intermediate ones, from 0, as in
            `darts_tf.spaces.EdgePlace`.
        source: the node that it comes from.
        inputs: how many inputs the cell has.
        kind: of the cell.
    """
    return f"the edge from {node_name(source, inputs, kind)} to {node_name(inputs + node, inputs)}"


def cell_name(cell_type: str) -> str:
    """The heading of a kind of cell."""
    return {
        "normal": "Normal cell",
        "reduce": "Reduction cell",
        "recurrent": "Recurrent cell",
    }.get(cell_type, f"Cell: {cell_type}")
