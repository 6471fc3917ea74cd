import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import Supernet
from darts_tf.common.errors import UserError
from darts_tf.spaces import Space
from darts_tf.spaces.two_input_rnn import chain
from darts_tf.supernets.growth.changes import AddNode, Duplicate, Prune
from darts_tf.supernets.growth.grow import grown
from darts_tf.verification.supernets import TypedSupernet

# Each supernet runs once or twice, which is sooner done than traced.
pytestmark = pytest.mark.usefixtures("eagerly")

TOKENS = np.random.default_rng(0).integers(0, 7, (3, 5))
IMAGES = np.random.default_rng(1).normal(size=(4, 8, 8, 1)).astype("float32")


def words(nodes=2, operations=("tanh", "sigmoid", "relu", "identity", "hadamard", "gated")):
    keras.utils.set_random_seed(0)
    return moved(Supernet(chain(nodes, operations), (None,), num_classes=7, channels=4))


def pictures(nodes=2, cells=3, kind=Supernet, **options):
    space = Space("grows", ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3"), nodes=nodes)
    keras.utils.set_random_seed(0)
    found = kind(space, (8, 8, 1), 3, channels=4, cells=cells, batched=False, **options)
    return moved(found)


def moved(supernet):
    """Random alphas and weights, so that nothing is zero by chance."""
    # Of its own in each call, so that what a test draws does not depend on those before it.
    draw = np.random.default_rng(2)
    for variable in supernet.variables:
        if variable.dtype in ("float32", "float64") and "moving_variance" not in variable.path:
            variable.assign(variable + 0.3 * draw.normal(size=variable.shape))
    return supernet


def outputs(supernet, inputs, training=False):
    run = tf.function(lambda x: supernet(x, training=training))
    found = run(inputs)
    return (found[0] if supernet.carries_state else found).numpy()


CHANGES = [
    AddNode(noise=0),
    Duplicate("recurrent", 1, "tanh", noise=0),
    Duplicate("recurrent", 0, "gated", noise=0),
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_chain_computes_what_it_did(change, tmp_path):
    supernet = words()
    before = outputs(supernet, TOKENS)
    after = grown(supernet, change)
    np.testing.assert_allclose(outputs(after, TOKENS), before, atol=1e-6)
    assert after.count_params() > supernet.count_params()
    after.save(tmp_path / "grown.keras")
    again = keras.models.load_model(tmp_path / "grown.keras")
    np.testing.assert_allclose(outputs(again, TOKENS), before, atol=1e-6)
    assert again.space == after.space


def test_changes_follow_each_other():
    supernet = words(1)
    before = outputs(supernet, TOKENS)
    changes = [*CHANGES[2:], CHANGES[0], CHANGES[1], Duplicate("recurrent", 0, "gated", noise=0)]
    for number, change in enumerate(changes):
        supernet = grown(supernet, change, number)
        np.testing.assert_allclose(outputs(supernet, TOKENS), before, atol=1e-6)
    assert supernet.space.operations[6:] == ("gated:2", "tanh:2", "gated:3")
    assert [len(names) for names in supernet.space.operations_on("recurrent")] == [8, 7]
    weights = supernet.operation_weights()["recurrent"].numpy()
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("cells", [3, 5])
def test_a_convolutional_network_computes_what_it_did(cells, training):
    # In float32 the cells' sums are rounded differently, and normalisations make that larger.
    supernet = pictures(cells=cells, kind=TypedSupernet, dtype="float64")
    after = grown(supernet, AddNode(noise=0))
    assert after.space.nodes == 3
    images = IMAGES.astype("float64")
    expected = outputs(supernet, images, training)
    assert expected.dtype == "float64" and np.abs(expected).max() > 0.1
    np.testing.assert_allclose(outputs(after, images, training), expected, rtol=0, atol=1e-12)


def gradients(supernet, inputs, targets):
    """Of all that is trained, and of the alphas."""
    variables = [*supernet.weight_variables, *supernet.architecture_variables]
    with tf.GradientTape() as tape:
        tape.watch([v.value for v in supernet.architecture_variables])
        found = supernet(inputs, training=True)
        found = found[0] if supernet.carries_state else found
        losses = keras.losses.sparse_categorical_crossentropy(targets, found, from_logits=True)
        loss = tf.reduce_mean(losses)
    return dict(
        zip(
            [v.path for v in variables],
            tape.gradient(loss, [v.value for v in variables], unconnected_gradients="zero"),
            strict=True,
        )
    )


@pytest.mark.parametrize("kind", ["words", "pictures"])
def test_with_noise_everything_new_has_a_gradient(kind):
    make, inputs, targets = {
        "words": (words, TOKENS, TOKENS[:, ::-1]),
        "pictures": (pictures, IMAGES, np.array([0, 1, 2, 0])),
    }[kind]
    old = make()
    without, found = (
        gradients(grown(old, AddNode(noise=noise)), inputs, targets) for noise in (0, 1e-2)
    )
    assert all(np.abs(tf.convert_to_tensor(g)).max() > 0 for g in found.values())
    assert any(np.abs(tf.convert_to_tensor(g)).max() == 0 for g in without.values())


def test_copies_part_with_noise():
    after = grown(words(), Duplicate("recurrent", 1, "tanh", noise=1e-2))
    found = gradients(after, TOKENS, TOKENS[:, ::-1])
    (first,) = (v for k, v in found.items() if k.endswith("node_2_0_tanh_state_kernel"))
    (second,) = (v for k, v in found.items() if k.endswith("node_2_6_tanh_2_state_kernel"))
    assert np.abs(first - second).max() > 1e-6 and np.abs(second).max() > 1e-4


def test_offsets_move_the_copies_apart():
    supernet = words()
    cell = supernet.cells[0].recurrent.cell
    shapes = [tuple(v.shape) for v in cell.parameters[1][0]]
    draw = np.random.default_rng(3)
    offsets = [[draw.normal(size=shape) for shape in shapes]]
    before = outputs(supernet, TOKENS)
    changes = []
    for eps in (1e-1, 1e-2):
        scaled = [[eps * o for o in offsets[0]]]
        change = Duplicate("recurrent", 1, "tanh", scaled, noise=0)
        changes.append(np.abs(outputs(grown(supernet, change), TOKENS) - before).max())
    # Of second order.
    assert changes[0] / changes[1] == pytest.approx(100, rel=0.3)


def test_a_removed_operation_s_weight_goes_to_the_rest():
    supernet = words()
    alpha = supernet.architecture_variables[0]
    alpha.assign(np.where(np.arange(6) == 2, -30.0, alpha))
    names = tuple(name for name in supernet.space.operations if name != "relu")
    change = Prune("recurrent", 1, names)
    after = grown(supernet, change)
    np.testing.assert_allclose(outputs(after, TOKENS), outputs(supernet, TOKENS), atol=1e-6)
    assert after.count_params() == supernet.count_params() - 2 * 16 - 4
    before = supernet.operation_weights()["recurrent"].numpy()[1]
    found = after.operation_weights()["recurrent"].numpy()[1]
    kept = np.arange(6) != 2
    np.testing.assert_allclose(found[kept], before[kept] / before[kept].sum(), rtol=1e-6)
    assert found[2] == 0


def test_equal_changes_give_equal_supernets():
    supernet = words()
    values = [[v.numpy() for v in grown(supernet, AddNode(), 3).variables] for _ in range(2)]
    for mine, its in zip(*values, strict=True):
        np.testing.assert_array_equal(mine, its)
    other = [v.numpy() for v in grown(supernet, AddNode(), 4).variables]
    assert any((a != b).any() for a, b in zip(values[0], other, strict=True))


def test_what_does_not_grow():
    keras.utils.set_random_seed(0)
    supernet = Supernet("darts_rnn", (None,), num_classes=7, channels=4)
    with pytest.raises(UserError, match="space 'darts_rnn' do not grow by nodes: .* 'mean'"):
        grown(supernet, AddNode())
    sigmoid = Supernet(chain(1), (None,), num_classes=7, channels=4, relaxation="sigmoid")
    with pytest.raises(UserError, match="a softmax of their logits, .* is Sigmoid"):
        grown(sigmoid, AddNode())
