"""Tuners of Keras Tuner that end, once stopped and started again, as if they had not been stopped.

Keras Tuner 1.4 by itself does not: a network's initial weights depend on how many trials its
process has run, trials come back in the order that the file system lists them in, which decides
between equal scores, the oracle of a grid search has lost its place and raises a KeyError, and that
of Bayesian optimization draws the same random numbers again.
"""

import contextlib
import functools

import keras
import keras_tuner
from keras_tuner.errors import FailedTrialError, FatalError

from darts_tf.common import files
from darts_tf.common.errors import UserError
from darts_tf.common.seeds import consecutive


class CannotWrite(FatalError, UserError):
    """The disk is full: no fault of a trial, so that Keras Tuner must not go on with the next."""


@contextlib.contextmanager
def ended_by_a_full_disk():
    """Lets a full disk end the tuning; the trial that it broke off is run again later.

    Raises:
        CannotWrite: instead of any error that says so.
    """
    try:
        yield
    except Exception as error:
        if (said := files.cannot_write(error)) is None:
            raise
        ours = isinstance(error, UserError | FailedTrialError)
        raise CannotWrite(str(error) if ours else said) from error


class ResumableTuner(keras_tuner.Tuner):
    """A tuner whose trials depend on their number and the oracle's seed alone.

    Args:
        oracle: proposes the hyperparameters; of Keras Tuner's oracles `RandomSearchOracle` and
            `HyperbandOracle` can be resumed as they are, for the others take
            `darts_tf.tuner.GridSearchOracle` and `darts_tf.tuner.BayesianOptimizationOracle`.
        hypermodel, **kwargs: see `keras_tuner.Tuner`.

    Example:
        >>> oracle = GridSearchOracle(objective="val_accuracy", max_trials=50, seed=1)
        >>> tuner = ResumableTuner(oracle, hypermodel, directory="tuning")
    """

    def __init__(self, oracle, hypermodel=None, **kwargs):
        # A worker's oracle is a client without a seed.
        self._seed = oracle.seed
        keras_tuner.Tuner.__init__(self, oracle=oracle, hypermodel=hypermodel, **kwargs)

    def run_trial(self, trial, *args, **kwargs):
        """Trains and scores a trial; see `keras_tuner.Tuner`.

        Raises:
            CannotWrite: the disk is full.
        """
        keras.utils.set_random_seed(consecutive(self._seed, int(trial.trial_id)))
        with ended_by_a_full_disk():
            return super().run_trial(trial, *args, **kwargs)

    def reload(self):
        """Reads the state of the tuner that was stopped; see `keras_tuner.Tuner`."""
        super().reload()
        oracle = self.oracle
        # A trial is written before the oracle's state: one that the state does not know is proposed
        # anew, and one that the state calls ended is not run again.
        known = sorted(oracle.start_order, key=int)
        oracle.trials = {number: oracle.trials[number] for number in known}
        ended = set(oracle.end_order)
        oracle._retry_queue = [n for n in oracle._retry_queue if n not in ended]


class ResumableHyperband(ResumableTuner, keras_tuner.Hyperband):
    """Hyperband (Li et al., JMLR 18, 2018) that can be resumed.

    Args:
        oracle: a `keras_tuner.oracles.HyperbandOracle`.
        hypermodel, **kwargs: see `keras_tuner.Tuner`.
    """


class GridSearchOracle(keras_tuner.oracles.GridSearchOracle):
    """`keras_tuner.oracles.GridSearchOracle` whose place in the grid is saved with its state.

    Args:
        **kwargs: those of Keras Tuner's oracle.
    """

    def get_state(self):
        return super().get_state() | {"populate_next": self._populate_next}

    def set_state(self, state):
        super().set_state(state)
        self._populate_next = list(state.get("populate_next", self.start_order))
        # A trial is put there after the state was saved at its end; twice does no harm.
        self._populate_next += self.end_order[-1:]
        values = {number: self.trials[number].hyperparameters.values for number in self.start_order}
        by_values = functools.cmp_to_key(lambda a, b: self._compare(values[a], values[b]))
        for number in sorted(values, key=by_values):
            self._ordered_ids.insert(number)
