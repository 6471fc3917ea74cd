"""Genotypes that a tuner tries before its own proposals."""

from collections.abc import Sequence

import keras_tuner
from keras_tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle

from darts_tf.common.errors import UserError
from darts_tf.genotypes.genotype import Genotype
from darts_tf.tuner.cell_hyper_model import CellHyperModel


def start_with(tuner: keras_tuner.Tuner, genotypes: Sequence[Genotype]) -> None:
    """Makes the first trials of a stock tuner those of given genotypes, in their order.

    Published cells, or those that a supernet ranks best (`rank_by_supernet`). The hyperparameters
    that are not about cells are the tuner's own proposals. Call it before `search`, and again when
    a search goes on: a trial's number says which genotype it gets.

    Args:
        tuner: `keras_tuner.RandomSearch` or `BayesianOptimization` with a `CellHyperModel`, which
            learns from these trials as from its own. Hyperband and GridSearch decide by the order
            of their own proposals and cannot be given others.
        genotypes: of the hypermodel's space.

    Raises:
        UserError: the tuner is of another kind, or its hyperparameters cannot describe a genotype.
    """
    hypermodel = tuner.hypermodel
    if not isinstance(hypermodel, CellHyperModel):
        raise UserError(
            f"the tuner's hypermodel is a {type(hypermodel).__name__}; genotypes can be given to "
            "a tuner of a darts_tf.tuner.CellHyperModel"
        )
    oracle = tuner.oracle
    if type(oracle) not in (RandomSearchOracle, BayesianOptimizationOracle):
        raise UserError(
            f"the tuner's oracle is a {type(oracle).__name__}; genotypes can be given to those of "
            "keras_tuner.RandomSearch and BayesianOptimization, in the chief's process"
        )
    for genotype in genotypes:
        hypermodel.values(genotype)
    propose = oracle.populate_space

    def populate_space(trial_id):
        response, number = propose(trial_id), int(trial_id)
        if number < len(genotypes) and response["values"] is not None:
            response["values"] = replace_cells(
                response["values"], genotypes[number], hypermodel, oracle.hyperparameters
            )
        return response

    oracle.populate_space = populate_space


def replace_cells(
    proposed: dict,
    genotype: Genotype,
    hypermodel: CellHyperModel,
    hyperparameters: keras_tuner.HyperParameters,
) -> dict:
    """The proposed values with other cells: all that is about cells is that of a genotype.

    Args:
        proposed: name -> value.
        genotype: the cells.
        hypermodel: of the tuner.
        hyperparameters: those of the oracle, which give the names.
    """
    cells = hypermodel.values(genotype, [one.name for one in hyperparameters.space])
    prefixes = tuple(f"{cell_type}/" for cell_type in hypermodel.space.cell_types)
    others = {name: value for name, value in proposed.items() if not name.startswith(prefixes)}
    return cells | others
