"""An object of every class that Keras may meet in a saved file, for tests."""

import importlib

import keras
import numpy as np
import tensorflow as tf

from darts_tf.cells.recurrent.cell import RecurrentCell
from darts_tf.common import saved_classes
from darts_tf.operations import Identity

IMAGES = (2, 6, 6, 4)
EDGE = {"nodes": [[("sep_conv_3x3", 0)]], "concat": [1], "inputs": 1, "preprocess": None}
CHAIN = {"nodes": [[("tanh", 0)], [("relu", 1)]], "concat": [1, 2]}
CELL = {"space": "one_edge", "channels": 4}
# The arguments of one object of each class; where a layer takes more than images, a call too.
ARGUMENTS = {
    "ActivationRegularization": {"factor": 0.5},
    "Adam": {"l2": 0.1},
    "AuxiliaryHead": {"num_classes": 3},
    "AveragedSGD": {"learning_rate": 0.1, "l2": 0.1},
    "AvgPool3x3": {"channels": 4, "strides": 2},
    "BatchNormalization": {"center": False},
    "BatchedMixedCell": CELL,
    "BatchedPartialCell": {**CELL, "portion": 2},
    "Cell": {**EDGE, "channels": 4, "drop_path": True},
    "ClassAccuracy": {"name": "right"},
    "Classifier": {"num_classes": 3},
    "DepthwiseConv2D": {"kernel_size": 3, "padding": "same"},
    "DilatedConvolution": {"channels": 4, "kernel_size": 5},
    "DropPath": {"rate": 0.5, "seed": 1},
    "EverySecondPixel": {"strides": 2},
    "FactorizedConvolution": {"channels": 4, "kernel_size": 7},
    "FactorizedReduce": {"channels": 5},
    "GlobalMean": {},
    "Identity": {"channels": 4},
    "ImageNetStem": {"channels": 4, "first": True},
    "ImageNetStems": {"channels": 4},
    "LanguageModel": {"cell": keras.layers.SimpleRNNCell(3), "vocabulary_size": 4},
    "MaxPool3x3": {"channels": 4, "strides": 2},
    "MixedCell": {**CELL, "auxiliary_skip": False},
    "MixedOp": {"operations": ["none", "avg_pool_3x3", "nor_conv_1x1"], "channels": 4},
    "Noise": {"channels": 4, "strides": 2, "seed": 3},
    "Normalized": {"layer": Identity(4)},
    "NormalizedClassifier": {"num_classes": 3},
    "PartialMixedCell": {**CELL, "portion": 2},
    "ForecastHead": {"transform": "levels", "change": [1.0, 2.0]},
    "ScaledWindow": {
        **{"units": 3, "transform": "log_returns", "center": [0.0, 1.0], "deviation": [1.0, 2.0]},
    },
    "RecurrentCell": {"cell": CHAIN, "units": 3},
    "RecurrentLayer": {"cell": RecurrentCell(CHAIN, 3), "dropout": 0.2, "return_sequences": True},
    "RecurrentMixedCell": {"space": "darts_rnn", "units": 3, "stacked": False},
    "ReLUConvBN": {"channels": 6, "kernel_size": 3},
    "ResidualReduction": {"channels": 8},
    "SGD": {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 9), "l2": 0.1},
    "SampledCell": CELL,
    "SeparableConvolution": {"channels": 6, "strides": 2},
    "Slowness": {"factor": 0.5},
    "SmoothedCrossentropy": {"smoothing": 0.1},
    "TaskLoss": {"label_smoothing": 0.1},
    "SpaceToDepth": {"block": 4},
    "SpaceToDepthStem": {"channels": 6},
    "Stem": {"channels": 6},
    "Supernet": {
        "space": "one_edge",
        "input_shape": IMAGES[1:],
        "num_classes": 3,
        "channels": 2,
        "cells": 3,
    },
    "TiedEmbedding": {"vocabulary_size": 4, "units": 3},
    "TwoInputCell": {"cell": {**CHAIN, "concat": [2]}, "units": 3},
    "TwoInputMixedCell": {"space": "two_input_rnn", "units": 3},
    "Zero": {"channels": 4, "strides": 2},
}
WEIGHTS = {
    "MixedOp": [0.2, 0.3, 0.5],
    **dict.fromkeys(("BatchedMixedCell", "MixedCell", "SampledCell"), [[0.1, 0.3, 0.6]]),
    **dict.fromkeys(("BatchedPartialCell", "PartialMixedCell"), ([[0.1, 0.3, 0.6]], [0.7])),
}
# Cells with these arguments take a list of one input.
CELLS = ("Cell", "BatchedMixedCell", "BatchedPartialCell", "MixedCell", "PartialMixedCell")
CELLS += ("SampledCell",)
# What takes no images: texts, series and their networks have tests of their own.
OF_TEXTS = {"ForecastHead", "LanguageModel", "ScaledWindow", "TiedEmbedding"}
OF_TEXTS |= {"RecurrentCell", "RecurrentLayer", "RecurrentMixedCell"}
OF_TEXTS |= {"TwoInputCell", "TwoInputMixedCell"}
OTHERS = {"Adam", "AveragedSGD", "ClassAccuracy", "SGD", "SmoothedCrossentropy", "TaskLoss"}
# It gives two outputs, as tests/macros/test_stems.py knows.
PAIRS = {"ImageNetStems"}
LAYERS = sorted(set(ARGUMENTS) - OF_TEXTS - OTHERS - PAIRS)


def cls(name):
    (module,) = (module for module, names in saved_classes._CLASSES.items() if name in names)
    return getattr(importlib.import_module(f"darts_tf.{module}"), name)


def images(name):
    found = np.random.default_rng(0).normal(size=IMAGES).astype("float32")
    return [found] if name in CELLS else found


def call(name, layer):
    weights = WEIGHTS.get(name, ())
    if isinstance(weights, list):
        return layer(images(name), tf.constant(weights)).numpy()
    # A pair, of a cell with two kinds of weights.
    weights = [tuple(tf.constant(part) for part in weights)] if weights else []
    return layer(images(name), *weights).numpy()


def shape(name):
    return [IMAGES] if name in CELLS else IMAGES
