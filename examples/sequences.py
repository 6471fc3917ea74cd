"""A search space of one's own: 1-D convolutions on sequences.

    python examples/sequences.py

The sequences are scikit-learn's digits, read as 8 rows of 8 numbers. It searches a cell, trains its
network from scratch and prints the test accuracy; 20 epochs of each take a few minutes on one core.
"""

import argparse

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from darts_tf import (
    ArchitectureSearch,
    BatchNormalization,
    Space,
    Supernet,
    build_network,
    macros,
    operations,
    spaces,
)


# 1. Candidate operations: any Keras layer (channels, strides) -> Layer.
@operations.register("conv1d_3")
def conv1d_3(channels, strides, kernel_size=3):
    return keras.Sequential(
        [
            keras.layers.ReLU(),
            keras.layers.Conv1D(channels, kernel_size, strides=strides, padding="same"),
            BatchNormalization(center=False, scale=False),
        ]
    )


@operations.register("conv1d_5")
def conv1d_5(channels, strides):
    return conv1d_3(channels, strides, kernel_size=5)


# 2. The network around the cells: stem, what reduces between stages, and by default the mean over
# all positions and a dense layer as head.
macros.register(
    macros.Staged(
        "sequences",
        stem=lambda channels: keras.layers.Conv1D(channels, 3, padding="same"),
        reduction=lambda channels: keras.layers.Conv1D(channels, 2, strides=2, padding="same"),
        stages=2,
        channels=16,
        cells=2,
    )
)

# 3. The cell: one input, three nodes of which each keeps two edges; the last node is the output.
# The direct edge from the input to the last node may only skip or be left out.
EVERY = ("none", "skip_connect", "conv1d_3", "conv1d_5")
spaces.register(
    Space(
        "sequences",
        EVERY,
        nodes=3,
        inputs=1,
        cell_types=("normal",),
        edge_operations={"normal": [EVERY, EVERY, EVERY, EVERY[:2], EVERY, EVERY]},
        output="last",
        preprocess=None,
        macro="sequences",
    )
)


def main(epochs: int, examples: int | None = None, seed: int = 0) -> tuple:
    """Searches, trains and tests; returns the genotype and the test accuracy."""
    keras.utils.set_random_seed(seed)
    digits = load_digits()
    rows, labels = (digits.images / 8 - 1).astype("float32"), digits.target
    rows, test_rows, labels, test_labels = train_test_split(
        rows, labels, test_size=0.2, random_state=seed, stratify=labels
    )
    rows, labels = rows[:examples], labels[:examples]
    halves = [batches(rows[i::2], labels[i::2], seed) for i in range(2)]

    supernet = Supernet("sequences", input_shape=(8, 8), num_classes=10, seed=seed)
    search = ArchitectureSearch(supernet, "darts-v1")
    search.fit(*halves, epochs=epochs, verbose=2)
    genotype = search.genotype()
    print(genotype.to_json())

    network = build_network(genotype, input_shape=(8, 8), num_classes=10)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    network.fit(rows, labels, batch_size=32, epochs=epochs, verbose=2)
    _, accuracy = network.evaluate(test_rows, test_labels, verbose=0)
    print(f"test accuracy {accuracy:.4f} on {len(test_labels)} sequences")
    return genotype, accuracy


def batches(rows: np.ndarray, labels: np.ndarray, seed: int) -> tf.data.Dataset:
    """Shuffled batches of 32."""
    data = tf.data.Dataset.from_tensor_slices((rows, labels))
    return data.shuffle(len(rows), seed=seed).batch(32, drop_remainder=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    main(parser.parse_args().epochs)
