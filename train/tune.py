"""Tunes searches, or cells, with Keras Tuner.

    python -m train.tune --tuner=architecture --dataset=digits --trials=10 --output_dir=RUN

writes to RUN: genotype.json, the cell of the best trial, and its pictures; model.keras, the best
trial's trained network, which `python -m train.export --run_dir=RUN` exports; result.json with its
accuracy on the test images; trials.json, all trials, best first; tuner, the folder of Keras Tuner;
TensorBoard logs with its HParams (`tensorboard --logdir=RUN/tensorboard`). Started again with the
same settings it goes on where it stopped, within a search from its last epoch; a trial of another
tuner than architecture begins anew. The trials end as those of a run that was not stopped.

Several processes or machines share the trials if each is started with the same flags, the same
folder and Keras Tuner's environment variables: KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT,
where the chief listens, and KERASTUNER_TUNER_ID, which is chief in one process and tuner0, tuner1,
... in the others. The chief trains nothing and writes the results at the end.

With --task=language_model or --task=forecasting a trial searches a recurrent cell, and trains and
scores the network of train.evaluate around it.
"""

import os
import pathlib

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
import keras_tuner

from darts_tf import tuner as tuners
from darts_tf.common import seeds
from darts_tf.common.errors import UserError
from darts_tf.networks import training
from darts_tf.runs.settings import Changeable
from train import data_flags, program, results, runs, stops, tune_flags
from train import trials as trial_data
from train.trials import Trials
from train.tune_flags import TuneConfig

# More of them are another tuning, not a longer one.
_REASONS = dict.fromkeys(
    ("epochs", "search_epochs"), "and trials of different lengths cannot be compared"
)


def main(config: TuneConfig) -> None:
    """Runs the trials."""
    config = config.of_task()
    tune_flags.check(config)
    table = results.load_table(config, config.space)
    worker = _is_worker()
    config, data = data_flags.load(runs.keep_augmentation(config, config.output_dir))
    # Refuses a batch that is larger than the data.
    trials = trial_data.get(config, data)
    trials.check()
    folder = runs.open_folder(
        config,
        config.decisive(),
        data,
        Changeable(raised=("trials",), reasons=_REASONS),
        writes=not worker,
    )
    if folder.finished:
        print(f"this tuner is finished; see {config.output_dir}")
        return
    keras.utils.set_random_seed(config.seed)
    tuner = _tuner(config, data, trials)
    # Keras Tuner would take an error for a failed trial, and write that down.
    with stops.at_once():
        _search(config, tuner, trials)
    if worker:
        print("there are no more trials; the chief writes the results")
        return
    _write_results(config, tuner, data, trials, folder, table)


def _is_worker() -> bool:
    """Whether a chief in another process proposes the trials."""
    names = [f"KERASTUNER_{name}" for name in ("ORACLE_IP", "ORACLE_PORT", "TUNER_ID")]
    missing = [name for name in names if name not in os.environ]
    if 0 < len(missing) < len(names):
        raise UserError(
            f"the environment variable {missing[0]} is not set; tuning in several processes needs "
            f"{', '.join(names)}"
        )
    return not missing and "chief" not in os.environ[names[-1]]


def _tuner(config: TuneConfig, data, trials: Trials):
    """The tuner; one that was stopped goes on."""
    kind, seed = config.tuner, config.seed
    problem = (config.space, data.input_shape, data.num_classes)
    folder = {"directory": config.output_dir, "project_name": "tuner"}
    channels, cells = map(config.counts, ("channels", "cells"))
    if kind == "architecture":
        return tuners.ArchitectureTuner(
            *problem,
            method=config.method,
            search_epochs=config.counts("search_epochs"),
            channels=config.counts("search_channels"),
            cells=config.counts("search_cells"),
            weight_learning_rate=config.rates("weight_learning_rate"),
            architecture_learning_rate=config.rates("architecture_learning_rate"),
            network_channels=channels and channels[0],
            network_cells=cells and cells[0],
            max_trials=config.trials,
            seed=seed,
            task=trials.task,
            macro=data.macro(config.space),
            networks=trials.networks(),
            **folder,
        )
    hypermodel = tuners.CellHyperModel(
        *problem,
        channels=channels,
        cells=cells,
        learning_rate=config.rates("learning_rate"),
        stem=data.stem,
    )
    options = {
        "objective": keras_tuner.Objective("val_accuracy", "max"),
        "seed": seeds.of_oracle(seed),
    }
    if kind == "hyperband":
        oracle = keras_tuner.oracles.HyperbandOracle(max_epochs=config.epochs, **options)
        return tuners.ResumableHyperband(oracle, hypermodel, **folder)
    kinds = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": tuners.BayesianOptimizationOracle,
        "grid": tuners.GridSearchOracle,
    }
    oracle = kinds[kind](max_trials=config.trials, **options)
    return tuners.ResumableTuner(oracle, hypermodel, **folder)


def _search(config: TuneConfig, tuner, trials: Trials) -> None:
    """Runs the trials that are left."""
    logs = pathlib.Path(config.output_dir, "tensorboard")
    options = {
        "epochs": config.epochs,
        "callbacks": [keras.callbacks.TensorBoard(str(logs))],
    }
    try:
        if config.tuner == "architecture":
            tuner.search(trials.search_data(), **options)
        else:
            trained, _, validation = trials.parts()
            batches = trials.stream(trained, 0)
            tuner.search(
                training.all_epochs(batches, range(config.epochs)),
                steps_per_epoch=int(batches(0).cardinality()),
                validation_data=validation,
                verbose=2,
                **options,
            )
    except RuntimeError as error:
        # What Keras Tuner raises after so many failed trials holds the last one's traceback.
        if "consecutive failures" not in str(error):
            raise
        lines = str(error).strip().splitlines()
        raise UserError(f"three trials in a row failed, the last with {lines[-1]}") from error


def _write_results(config: TuneConfig, tuner, data, kind: Trials, folder, table) -> None:
    """Writes what the best trial found; result.json last, which marks the tuner as finished."""
    objective = kind.task.objective.name
    trials = tuner.oracle.get_best_trials(len(tuner.oracle.trials))
    if not trials:
        raise UserError(f"no trial has succeeded; see {folder.path / 'tuner'}")
    failed = [trial for trial in tuner.oracle.trials.values() if trial not in trials]
    folder.write_json(
        "trials.json",
        [
            {
                "trial": trial.trial_id,
                "status": trial.status,
                f"val_{objective}": trial.score,
                "hyperparameters": trial.hyperparameters.values,
            }
            for trial in (*trials, *failed)
        ],
    )
    best = trials[0]
    channels, cells = config.size()
    if config.tuner == "architecture":
        genotype = tuner.get_best_genotypes()[0]
    else:
        genotype = tuner.hypermodel.genotype(best.hyperparameters)
        sizes = tuner.hypermodel.size(best.hyperparameters)
        channels, cells = sizes[0] or channels, sizes[1] or cells
    network = tuner.get_best_models()[0]
    tested = kind.test(network)
    kind.write(network, folder)
    result = (
        {
            "tuner": config.tuner,
            "trials": len(trials) + len(failed),
            "failed_trials": len(failed),
            "best_trial": best.trial_id,
            f"val_{objective}": best.score,
            f"test_{objective}": tested[objective],
            "test_loss": tested["loss"],
            "test_examples": data.size(data.test),
        }
        | results.report(genotype, data, channels, cells, table)
        | runs.provenance(folder, data)
    )
    results.write(genotype, folder, result)
    words = objective.replace("_", " ")
    # Hyperband counts by itself.
    if result["trials"] < config.trials and result["tuner"] != "hyperband":
        print(
            f"the flags leave no more than {result['trials']} different trials, although "
            f"--trials={config.trials}; give a flag several values, such as "
            "--method=darts-v1,gdas"
        )
    print(
        f"best of {result['trials']} trials: number {best.trial_id}, validation {words} "
        f"{best.score:.4f}, test {words} {tested[objective]:.4f}; see {folder.path}"
    )


if __name__ == "__main__":
    program.run(main)
