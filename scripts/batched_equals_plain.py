"""Searches digits with batched and with plain cells, from the same weights on the same batches.

    python -m scripts.batched_equals_plain --epochs=5

prints the losses and how far the alphas are apart after each epoch. Sums are taken in another
order and so rounded differently. In float64 that is too little to matter; in float32
(`--precision=float32`) training multiplies it, as it does any change of the last bit, until a
close choice may fall the other way.
"""

import functools

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
import numpy as np
from absl import flags

from darts_tf import datasets
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.conversion import convert
from darts_tf.supernets.supernet import Supernet
from train import program

_EPOCHS = flags.DEFINE_integer("epochs", 5, "Epochs to search.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of weights and batches.", lower_bound=0)
_METHOD = flags.DEFINE_string("method", "darts-v1", "The search method.")

_PRECISION = flags.DEFINE_enum(
    "precision", "float64", ["float32", "float64"], "What weights and images are computed in."
)


def main() -> None:
    """Searches twice and compares."""
    keras.config.set_dtype_policy(_PRECISION.value)
    data, seed = datasets.load("digits"), _SEED.value
    parts = datasets.split(data.train_images, data.train_labels, 0.5, seed)

    def stream(part, epoch):
        return datasets.batches(
            *parts[part],
            64,
            mean=data.mean,
            std=data.std,
            augmentation=datasets.Augmentation.suited_to(data),
            shuffle=True,
            seed=seed + part,
            epoch=epoch,
            drop_remainder=True,
        )

    keras.utils.set_random_seed(seed)
    batched = Supernet(
        "darts_cnn", data.image_shape, data.num_classes, channels=4, cells=3, seed=seed
    )
    found = {}
    for name, supernet in (("plain", convert(batched, batched=False)), ("batched", batched)):
        search = ArchitectureSearch(
            supernet, _METHOD.value, architecture_optimizer=keras.optimizers.Adam(0.01, 0.5)
        )
        alphas = []
        history = search.fit(
            functools.partial(stream, 0),
            functools.partial(stream, 1),
            _EPOCHS.value,
            verbose=0,
            callbacks=[
                keras.callbacks.LambdaCallback(
                    on_epoch_end=lambda epoch, logs, s=supernet, a=alphas: a.append(
                        np.concatenate([np.ravel(v) for v in s.architecture_variables])
                    )
                )
            ],
        )
        found[name] = alphas, search.genotype()
        losses = ", ".join(f"{loss:.5f}" for loss in history.history["loss"])
        print(f"{name}: loss by epoch {losses}", flush=True)
    pairs = zip(found["plain"][0], found["batched"][0], strict=True)
    for epoch, (one, other) in enumerate(pairs, start=1):
        moved, apart = np.abs(one).max(), np.abs(one - other).max()
        print(f"epoch {epoch}: alphas up to {moved:.4f}, apart by up to {apart:.2g}")
    same = found["plain"][1] == found["batched"][1]
    print("the same genotype" if same else "different genotypes")


if __name__ == "__main__":
    program.run(main)
