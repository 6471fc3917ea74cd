"""Given architectures, the best first, as the trials of a tuner."""

from collections.abc import Sequence

from keras_tuner.oracles import RandomSearchOracle

from darts_tf.common import seeds
from darts_tf.common.errors import UserError
from darts_tf.genotypes import Genotype
from darts_tf.tuner import checks
from darts_tf.tuner.cell_hyper_model import CellHyperModel
from darts_tf.tuner.proposals import replace_cells


class RankedOracle(RandomSearchOracle):
    """Proposes given architectures in their order, until they are exhausted.

    Such as those of a search within a budget, `darts_tf.budget.Found.ranking`, whose small networks
    and short trainings a tuner replaces by full ones. Hyperparameters that are not about cells are
    drawn at random. For a tuner that learns from its trials give the genotypes to `start_with`
    instead.

    Args:
        hypermodel: a `CellHyperModel` of the genotypes' space.
        genotypes: different ones, the best first.
        objective: what the trials maximise or minimise, see `keras_tuner.Oracle`. Default: the
            task's objective on the validation data, such as `val_accuracy`.
        max_trials: greatest number of trials.
        seed: of all draws.
        task: see `darts_tf.tasks`; default: the classification of images.
        **kwargs: more arguments of `RandomSearchOracle`.

    Raises:
        UserError: there is no genotype, one is of another space, or the hypermodel cannot describe
            one.

    Example:
        >>> found = darts_tf.budget.search_for(data, "15m")
        >>> oracle = RankedOracle(hypermodel, found.ranking, max_trials=5)
        >>> tuner = keras_tuner.Tuner(oracle, hypermodel)
        >>> tuner.search(images, labels, validation_split=0.2, epochs=10)
    """

    def __init__(
        self,
        hypermodel: CellHyperModel,
        genotypes: Sequence[Genotype],
        *,
        objective=None,
        max_trials: int = 10,
        seed: int = 0,
        task=None,
        **kwargs,
    ):
        if not genotypes:
            raise UserError("there are no genotypes; give at least one")
        for genotype in genotypes:
            if genotype.space != hypermodel.space.name:
                raise UserError(
                    f"a genotype is of the space {genotype.space!r}, the hypermodel of "
                    f"{hypermodel.space.name!r}; they must be of the same"
                )
            # Refuses a cell that the hyperparameters cannot describe now, not in its trial.
            hypermodel.values(genotype)
        super().__init__(
            objective=objective or checks.trial_objective(task),
            max_trials=max_trials,
            seed=seeds.of_oracle(seed),
            hyperparameters=hypermodel.hyperparameters(),
            **kwargs,
        )
        self._genotypes, self._hypermodel = list(genotypes), hypermodel

    def populate_space(self, trial_id):
        """The next of the genotypes; a trial's number is its place there."""
        number = int(trial_id)
        if number >= len(self._genotypes):
            return {"status": "STOPPED", "values": None}
        # A small space may hold no new values at random while some genotypes are left.
        proposed = super().populate_space(trial_id)["values"] or {}
        values = replace_cells(
            proposed, self._genotypes[number], self._hypermodel, self.hyperparameters
        )
        return {"status": "RUNNING", "values": values}
