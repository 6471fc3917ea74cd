import keras
import pytest
import tensorflow as tf

from darts_tf import levels, methods
from darts_tf.cells import recomputed_convolutions
from darts_tf.common.errors import UserError
from darts_tf.costs import memory
from darts_tf.costs.memory import MemoryEstimate
from darts_tf.supernets.supernet import Supernet


@pytest.fixture(scope="module")
def estimates(tiny_space):
    """Supernets of two widths: an estimate for each."""

    def make(channels):
        return Supernet(tiny_space, (8, 8, 3), 10, channels=channels, cells=3)

    return {
        channels: memory.estimate(make(channels), "first_order", held_bytes=0)
        for channels in (4, 8)
    }


class TestMemoryEstimate:
    ESTIMATE = MemoryEstimate(fixed_bytes=1000, image_bytes=10)

    def test_peak(self):
        assert self.ESTIMATE.peak(16) == 1160
        assert self.ESTIMATE.peak(16, accumulate_steps=4) == 1040
        assert self.ESTIMATE.peak(17, accumulate_steps=4) == 1050

    def test_largest_batch_fits_and_one_more_does_not(self):
        for parts in (1, 4):
            batch = self.ESTIMATE.largest_batch(1234, parts)
            assert batch == 23 * parts
            assert self.ESTIMATE.peak(batch, parts) <= 1234 < self.ESTIMATE.peak(batch + 1, parts)

    def test_nothing_fits(self):
        with pytest.raises(UserError, match="limit of 0.00 GB is too small"):
            self.ESTIMATE.largest_batch(1009)


def test_estimate_grows_with_the_batch_and_with_the_channels(estimates):
    peaks = [estimates[4].peak(batch) for batch in (1, 2, 8, 64)]
    assert peaks == sorted(set(peaks))
    assert estimates[8].image_bytes == pytest.approx(2 * estimates[4].image_bytes, rel=0.1)
    assert estimates[8].peak(8) > estimates[4].peak(8)


def test_cells_that_are_computed_edge_by_edge_need_more_for_each_operation(tiny_space):
    """As those of DARTS- are: 129,000 bytes, where batched ones need 79,000."""
    supernet = methods.get("darts-minus").make_supernet(tiny_space, (8, 8, 3), 10, 2, 3)
    function = tf.function(lambda images: supernet(images, training=True), autograph=False)
    images = tf.TensorSpec((memory._TRACED, 8, 8, 3), tf.float32)
    count = len(function.get_concrete_function(images).graph.get_operations())
    weights = 3 * 4 * sum(int(v.numpy().size) for v in supernet.weight_variables)
    found = memory.estimate(supernet, "first_order", held_bytes=0).fixed_bytes
    graph = found - weights - memory._RUNTIME_BYTES
    assert graph / count == pytest.approx(129_000, rel=5e-3)


def test_activations_of_a_known_graph():
    """Convolution, ReLU, pooling: the gradients read x, the ReLU's output and the pool's output."""
    kernel = tf.zeros([3, 3, 2, 5])

    def run(x):
        return tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME")), 2, 2, "VALID")

    images = tf.TensorSpec((memory._TRACED, 8, 8, 2), tf.float32)
    graph = tf.function(run).get_concrete_function(images).graph
    values = 8 * 8 * 2 + 8 * 8 * 5 + 4 * 4 * 5
    assert memory.activation_bytes(graph.get_operations()) == 4 * values


def test_activations_are_what_the_tape_keeps(tiny_space, monkeypatch):
    """Against the tensors that the backward graph takes from the forward one, within a tenth."""
    kept, forward = _kept(tiny_space)
    assert memory.activation_bytes(forward) == pytest.approx(kept, rel=0.1)
    again = memory.activation_bytes(forward, computed_again=True)
    monkeypatch.setattr(recomputed_convolutions, "_keeps", lambda *_, **__: True)
    everything, _ = _kept(tiny_space)
    assert again == pytest.approx(everything - kept, rel=0.1) and again > 0.3 * everything


def _kept(space):
    """Bytes that a backward graph takes from the forward one, and the operations of that."""
    supernet = Supernet(space, (8, 8, 3), 10, channels=4, cells=3)
    weights = [v.value for v in supernet.weight_variables]

    @tf.function(autograph=False)
    def gradients(images):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(supernet(images, training=True))
        operations.append(set(tf.compat.v1.get_default_graph().get_operations()))
        return tape.gradient(loss, weights)

    operations = []
    spec = tf.TensorSpec((memory._TRACED, 8, 8, 3), tf.float32)
    graph = gradients.get_concrete_function(spec).graph
    (forward,) = operations
    kept = {
        tensor.name: tensor
        for operation in set(graph.get_operations()) - forward
        for tensor in operation.inputs
        if tensor.op in forward
        and tensor.shape.rank == 4
        and tensor.shape[0]
        and tensor.shape[0] % memory._TRACED == 0
    }
    sizes = [t.shape.num_elements() // memory._TRACED * t.dtype.size for t in kept.values()]
    return sum(sizes), forward


def test_a_level_adds_its_passes_and_its_model(tiny_space):
    """A third level has passes of the supernet and of its own network, counted by hand."""
    supernet = methods.get("tetlo").make_supernet(tiny_space, (8, 8, 3), 10, 2, 3)
    gradient = "finite_difference"
    two, three = (
        memory.estimate(supernet, gradient, 0, further)
        for further in ((), [levels.Transferability(auxiliary=_linear)])
    )
    network = 8 * 8 * 3 * 5 + 5
    weights = network + 5 * 10 + 10
    # Its gradients read the flattened images, the ReLU's output and, for the logits, the features.
    added = three.image_bytes - two.image_bytes
    assert added == pytest.approx(1.3 * 4 * (8 * 8 * 3 + 5 + 5), abs=1)
    graph = two.fixed_bytes - 8 * 4 * sum(v.numpy().size for v in supernet.weight_variables)
    graph -= memory._RUNTIME_BYTES
    added = three.fixed_bytes - two.fixed_bytes - 8 * 4 * weights - memory._LEVEL_BYTES
    # 5 passes in a step are 8 now, and 5 of a small network.
    assert 0 < added / graph - memory._FURTHER_PASS * 3 / 5 < 0.05


def _linear(shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, keras.layers.Dense(5, "relu")(keras.layers.Flatten()(inputs)))


def test_no_estimate_without_measured_factors(tiny_space):
    supernet = Supernet(tiny_space, (8, 8, 3), 10, channels=2, cells=3)
    with pytest.raises(UserError, match="'unrolled' cannot be estimated"):
        memory.estimate(supernet, "unrolled")
    assert memory.resident_memory() > 1e8
    assert memory.free_memory() > memory.resident_memory()
