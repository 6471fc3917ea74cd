"""The level of a search by transferability: its model, what it refuses, a search by it."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients, levels, methods
from darts_tf.common.errors import UserError
from darts_tf.gradients import InnerStep
from darts_tf.levels import LevelChain, Transferability, auxiliary_model, residual_network
from darts_tf.methods import written
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet


def batches(epoch):
    draw = np.random.default_rng(epoch)
    images = draw.normal(size=(16, 4, 4, 1)).astype("float32")
    return tf.data.Dataset.from_tensor_slices((images, np.arange(16) % 2)).batch(8)


def features(shape):
    return keras.Sequential([keras.Input(shape), keras.layers.Conv2D(3, 3, padding="same")])


TINY = Transferability(auxiliary=features)


def make(space, level=TINY, **options):
    keras.utils.set_random_seed(0)
    method = dataclasses.replace(methods.get("tetlo"), levels=(level,))
    return ArchitectureSearch(Supernet(space, (4, 4, 1), 2, channels=2, cells=1), method, **options)


def values(search):
    return {
        name: [keras.ops.convert_to_numpy(v) for v in group]
        for name, group in search.checkpointed().items()
    }


@pytest.mark.parametrize(
    "level",
    [
        pytest.param(TINY, id="model"),
        pytest.param(Transferability(auxiliary="supernet"), id="supernet", marks=pytest.mark.slow),
    ],
)
def test_a_search_steps_the_auxiliary_and_goes_on_from_its_checkpoint(
    level, eagerly, one_stage_space, tmp_path
):
    whole = make(one_stage_space, level)
    history = whole.fit(batches, batches, 1, verbose=0).history
    assert np.isfinite(history["auxiliary_loss"]).all() and len(history["auxiliary_loss"]) == 1
    own = ["auxiliary_architecture"] if level.auxiliary == "supernet" else []
    assert list(whole.checkpointed()) == [
        *("auxiliary", *own, "supernet", "weight_optimizer", "architecture_optimizer"),
        *("auxiliary_optimizer", *(f"{name}_optimizer" for name in own), "metrics"),
    ]
    # Adam moves each by about its rate, so far from the 1e-3 that they are drawn with.
    for name in own:
        for alpha in whole.checkpointed()[name]:
            assert np.abs(keras.ops.convert_to_numpy(alpha)).max() > 0.02

    parts = make(one_stage_space, level)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            parts.stop()

    parts.fit(batches, batches, 1, verbose=0, checkpoint_dir=tmp_path, callbacks=[Stop()])
    resumed = make(one_stage_space, level)
    resumed.fit(batches, batches, 1, verbose=0, checkpoint_dir=tmp_path)
    for name, group in values(whole).items():
        for mine, its in zip(group, values(resumed)[name], strict=True):
            np.testing.assert_array_equal(mine, its, err_msg=name)


def hypergradient(space, level=TINY, dtype="float32", **options):
    """The exact hypergradient of a search's first step, and the loss of the auxiliary."""
    keras.utils.set_random_seed(0)
    supernet = Supernet(space, (4, 4, 1), 2, channels=2, cells=1, dtype=dtype)
    problem = SupernetProblem(supernet, None, **options)
    level = dataclasses.replace(level)
    level.build(problem)
    variables = {
        "architecture": [*supernet.architecture_variables, *level.architecture_variables],
        "weights": supernet.weight_variables,
        "auxiliary": level.variables,
    }
    point = {name: [tf.convert_to_tensor(v) for v in group] for name, group in variables.items()}
    first, second = (next(iter(batches(part))) for part in (0, 1))
    seed = tf.constant([1, 2])
    problem = LevelChain(problem, [level]).levels(seed)
    problem = problem.with_steps(weights=InnerStep(0.5), auxiliary=InnerStep(0.5))
    found = gradients.unrolled(
        problem, point, {"architecture": second, "weights": first, "auxiliary": first}
    )
    loss = problem.levels[2].loss(point, first)
    return np.concatenate([np.ravel(x) for x in found.architecture]), float(loss)


def test_recomputation_changes_nothing(one_stage_space):
    level = Transferability(auxiliary="supernet")
    expected, loss = hypergradient(one_stage_space, level)
    assert np.abs(expected).max() > 1e-3
    found, again = hypergradient(one_stage_space, level, recompute=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    assert again == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("auxiliary", ["resnet", "supernet"])
def test_bfloat16(auxiliary, eagerly, one_stage_space):
    """What is computed in bfloat16, with 8 bits, is near what float32 gives; variables are not."""
    level = Transferability(auxiliary=auxiliary, temperature=1.0)
    _, loss = hypergradient(one_stage_space, level)
    found, rounded = hypergradient(one_stage_space, level, "mixed_bfloat16")
    assert rounded != loss and rounded == pytest.approx(loss, rel=0.02)
    assert found.dtype == "float32" and 0 < np.abs(found).max() < np.inf
    policy = "mixed_bfloat16"
    supernet = Supernet(one_stage_space, (4, 4, 1), 2, channels=2, cells=1, dtype=policy)
    level.build(SupernetProblem(supernet, None))
    assert {v.dtype for v in level.variables} == {"float32"}


def test_float16_is_refused(one_stage_space):
    supernet = Supernet(one_stage_space, (4, 4, 1), 2, channels=2, cells=1, dtype="mixed_float16")
    with pytest.raises(UserError, match="not scaled for float16; compute in bfloat16"):
        ArchitectureSearch(supernet, dataclasses.replace(methods.get("tetlo"), levels=(TINY,)))


def test_settings_of_a_run():
    assert "levels" not in written.settings(methods.get("darts-v2"))
    assert written.settings(methods.get("tetlo"))["levels"] == ["transferability"]
    method = dataclasses.replace(methods.get("tetlo"), levels=(TINY,))
    (found,) = written.settings(method)["levels"]
    assert found["class_name"] == "Transferability" and found["config"]["auxiliary"] == "features"
    assert method.of_two_levels().order == ("architecture", "weights")


@pytest.mark.parametrize(
    "options",
    [{"gamma": -1.0}, {"main_weight": "much"}, {"temperature": 0.0}, {"similarity": "l2"}]
    + [{"quadruples": 0}, {"hard": 1}],
)
def test_options_out_of_range(options):
    (name,) = options
    with pytest.raises(UserError, match=f"option {name}="):
        Transferability(**options)


def test_options_by_name():
    (level,) = levels.with_options((Transferability(),), {"gamma": 0.5})
    assert level == Transferability(gamma=0.5)
    with pytest.raises(UserError, match="unknown option 'gama' .* expected one of .*gamma"):
        levels.with_options((level,), {"gama": 1})


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"gradient": "first_order"}, "acts through the steps of inner levels"),
        ({"gradient": "neumann"}, "is for one; use finite_difference"),
        ({"order": ("architecture", "weights")}, "each of its levels once: .*, auxiliary"),
    ],
)
def test_methods_that_do_not_fit(options, reason):
    with pytest.raises(UserError, match=reason):
        dataclasses.replace(methods.get("tetlo"), **options).check()


def test_parts_of_batches_are_refused(one_stage_space):
    with pytest.raises(UserError, match="of its further levels .auxiliary. are of whole batches"):
        make(one_stage_space, accumulate_steps=2)


class TestAuxiliary:
    def test_residual_network(self):
        network = residual_network((32, 32, 3))
        assert network.output_shape == (None, 64)
        # 3x3 convolutions and two shortcuts, each with scale and offset.
        convolutions = 9 * (3 * 16 + 2 * 16**2 + 16 * 32 + 32**2 + 32 * 64 + 64**2)
        shortcuts = 16 * 32 + 32 * 64
        normalizations = 2 * (3 * 16 + 3 * 32 + 3 * 64)
        assert network.count_params() - 2 * normalizations // 2 == (
            convolutions + shortcuts + normalizations
        )
        with pytest.raises(UserError, match="takes images .* got inputs of the shape .7,."):
            residual_network((7,))

    def test_a_file(self, one_stage_space, tmp_path):
        supernet = Supernet(one_stage_space, (4, 4, 1), 2, channels=2, cells=1)
        network = residual_network((4, 4, 1), channels=2)
        network.save(tmp_path / "auxiliary.keras")
        model = auxiliary_model.make(str(tmp_path / "auxiliary.keras"), supernet)
        images = np.random.default_rng(0).normal(size=(3, 4, 4, 1)).astype("float32")
        found = model([tf.convert_to_tensor(v) for v in model.variables], images)
        np.testing.assert_allclose(found.features, network(images, training=True), rtol=1e-5)
        assert found.logits.shape == (3, 2)

    @pytest.mark.parametrize(
        "auxiliary, reason",
        [
            ("nowhere.keras", "no such file; expected resnet, supernet or a .keras file"),
            (lambda shape: features((5, 5, 1)), r"takes inputs of the shape \(None, 5, 5, 1\)"),
        ],
    )
    def test_refused(self, auxiliary, reason, one_stage_space):
        supernet = Supernet(one_stage_space, (4, 4, 1), 2, channels=2, cells=1)
        with pytest.raises(UserError, match=reason):
            auxiliary_model.make(auxiliary, supernet)
