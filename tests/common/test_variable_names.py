import keras
import tensorflow as tf

from darts_tf.common.variable_names import short_variable_names


def make(name):
    layer = keras.layers.Dense(1, name=name)
    layer.build((None, 2))
    return layer.kernel


def test_variables_of_one_kind_have_one_name():
    long = make("long")
    with short_variable_names():
        one, other = make("one"), make("other")
    assert one.value.name == other.value.name == "kernel:0" != long.value.name
    assert one.path == "one/kernel" and make("again").value.name == "again/kernel:0"
    one.assign([[1.0], [2.0]])
    assert not (one.numpy() == other.numpy()).any()


def test_one_name_is_no_obstacle_to_a_graph(tmp_path):
    module = tf.Module()
    with short_variable_names():
        module.kernels = [tf.Variable(float(i), name="kernel") for i in range(3)]
    module.sum = tf.function(lambda: tf.add_n(module.kernels), input_signature=[])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert [v.numpy() for v in loaded.kernels] == [0, 1, 2] and loaded.sum().numpy() == 3
