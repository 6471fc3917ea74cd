import numpy as np

from darts_tf import selections, spaces
from darts_tf.spaces.two_input_rnn import chain


def test_copies_are_judged_together_and_stay():
    space = chain(2, ("tanh", "gated", "tanh:2"))
    space = space.restrict({"recurrent": [["tanh", "gated", "tanh:2"], ["tanh", "gated"]]})
    weights = {"recurrent": np.array([[0.3, 0.4, 0.3], [0.45, 0.55, 0.0]])}
    genotype = selections.get("grown")(space, weights)
    assert genotype["recurrent"].nodes == ((("tanh", 0), ("tanh", 0)), (("gated", 1),))
    assert genotype.search_space == chain(2, ("tanh", "gated"))


def test_of_other_spaces_it_is_the_magnitude():
    space = spaces.get("darts_cnn")
    weights = {t: np.random.default_rng(0).random((14, 8)) for t in space.cell_types}
    assert selections.grown(space, weights) == selections.magnitude(space, weights)
