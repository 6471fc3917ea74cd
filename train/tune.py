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
"""

import os
import pathlib

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf.common.errors import UserError
from darts_tf.runs.settings import Changeable
from train import data_flags, found, program, runs, stops, tune_flags

flags.adopt_module_key_flags(tune_flags)
flags.adopt_module_key_flags(data_flags)
flags.adopt_module_key_flags(found)
# More of them are another tuning, not a longer one.
_REASONS = dict.fromkeys(
    ("epochs", "search_epochs"), "and trials of different lengths cannot be compared"
)


def main() -> None:
    """Runs the trials that the flags describe."""
    tune_flags.check()
    table = found.load_table(tune_flags.SPACE.value)
    worker = _is_worker()

    import keras

    runs.keep_augmentation(tune_flags.OUTPUT_DIR.value)
    data = data_flags.load()
    # Refuses a batch that is larger than the data.
    _stream(data, _parts(data)[0], 0)(0)
    folder = runs.open_folder(
        tune_flags.OUTPUT_DIR.value,
        tune_flags.config(),
        data,
        data_flags.augmentation(data),
        Changeable(raised=("trials",), reasons=_REASONS),
        writes=not worker,
    )
    if folder.finished:
        print(f"this tuner is finished; see {tune_flags.OUTPUT_DIR.value}")
        return
    keras.utils.set_random_seed(data_flags.SEED.value)
    tuner = _tuner(data)
    # Keras Tuner would take an error for a failed trial, and write that down.
    with stops.at_once():
        _search(tuner, data)
    if worker:
        print("there are no more trials; the chief writes the results")
        return
    _write_results(tuner, data, folder, table)


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


def _tuner(data):
    """The tuner that the flags describe; one that was stopped goes on."""
    import keras_tuner

    from darts_tf import tuner

    kind, seed = tune_flags.TUNER.value, data_flags.SEED.value
    problem = (tune_flags.SPACE.value, data.image_shape, data.num_classes)
    folder = {"directory": tune_flags.OUTPUT_DIR.value, "project_name": "tuner"}
    channels, cells = (tune_flags.counts(f) for f in (tune_flags.CHANNELS, tune_flags.CELLS))
    if kind == "architecture":
        return tuner.ArchitectureTuner(
            *problem,
            method=tune_flags.METHOD.value,
            search_epochs=tune_flags.counts(tune_flags.SEARCH_EPOCHS),
            channels=tune_flags.counts(tune_flags.SEARCH_CHANNELS),
            cells=tune_flags.counts(tune_flags.SEARCH_CELLS),
            weight_learning_rate=tune_flags.rates(tune_flags.WEIGHT_LEARNING_RATE),
            architecture_learning_rate=tune_flags.rates(tune_flags.ARCHITECTURE_LEARNING_RATE),
            network_channels=channels and channels[0],
            network_cells=cells and cells[0],
            max_trials=tune_flags.TRIALS.value,
            seed=seed,
            **folder,
        )
    hypermodel = tuner.CellHyperModel(
        *problem,
        channels=channels,
        cells=cells,
        learning_rate=tune_flags.rates(tune_flags.LEARNING_RATE),
    )
    options = {
        "objective": keras_tuner.Objective("val_accuracy", "max"),
        # Keras Tuner counts its seed up with every draw, so near seeds would share their draws.
        "seed": 10_000 * (seed + 1) % 2**32,
    }
    if kind == "hyperband":
        oracle = keras_tuner.oracles.HyperbandOracle(max_epochs=tune_flags.EPOCHS.value, **options)
        return tuner.ResumableHyperband(oracle, hypermodel, **folder)
    kinds = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": tuner.BayesianOptimizationOracle,
        "grid": tuner.GridSearchOracle,
    }
    oracle = kinds[kind](max_trials=tune_flags.TRIALS.value, **options)
    return tuner.ResumableTuner(oracle, hypermodel, **folder)


def _search(tuner, data) -> None:
    """Runs the trials that are left."""
    import keras

    from darts_tf.networks import training
    from darts_tf.tuner import SearchData

    training_part, halves, validation = _parts(data)
    logs = pathlib.Path(tune_flags.OUTPUT_DIR.value, "tensorboard")
    options = {
        "epochs": tune_flags.EPOCHS.value,
        "callbacks": [keras.callbacks.TensorBoard(str(logs))],
    }
    batches = _stream(data, training_part, 0)
    try:
        if tune_flags.TUNER.value == "architecture":
            streams = tuple(_stream(data, half, i + 1) for i, half in enumerate(halves))
            tuner.search(SearchData(streams, batches, validation), **options)
        else:
            tuner.search(
                training.all_epochs(batches, range(tune_flags.EPOCHS.value)),
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


def _parts(data):
    """The images that train, their halves, and the batches that score."""
    from darts_tf import datasets

    seed = data_flags.SEED.value
    images, labels = data.train_images, data.train_labels
    share = 1 - tune_flags.VALIDATION_PORTION.value
    training_part, scoring = datasets.split(images, labels, share, seed)
    halves = datasets.split(*training_part, 0.5, seed)
    return training_part, halves, _in_order(data, *scoring)


def _stream(data, part, number: int):
    from darts_tf import datasets

    return lambda epoch: datasets.batches(
        *part,
        tune_flags.BATCH_SIZE.value,
        mean=data.mean,
        std=data.std,
        augmentation=data_flags.augmentation(data),
        shuffle=True,
        seed=3 * data_flags.SEED.value + number,
        epoch=epoch,
        drop_remainder=True,
    )


def _in_order(data, images, labels):
    from darts_tf import datasets

    size = min(256, len(labels))
    return datasets.batches(images, labels, size, mean=data.mean, std=data.std)


def _write_results(tuner, data, folder, table) -> None:
    """Writes what the best trial found; result.json last, which marks the tuner as finished."""
    from darts_tf.networks import training
    from darts_tf.networks.network import without_training

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
                "val_accuracy": trial.score,
                "hyperparameters": trial.hyperparameters.values,
            }
            for trial in (*trials, *failed)
        ],
    )
    best = trials[0]
    channels, cells = tune_flags.size()
    if tune_flags.TUNER.value == "architecture":
        genotype = tuner.get_best_genotypes()[0]
    else:
        genotype = tuner.hypermodel.genotype(best.hyperparameters)
        sizes = tuner.hypermodel.size(best.hyperparameters)
        channels, cells = sizes[0] or channels, sizes[1] or cells
    network = tuner.get_best_models()[0]
    tested = training.test_network(network, _in_order(data, data.test_images, data.test_labels))
    folder.write_model(without_training(network), "model.keras")
    result = (
        {
            "tuner": tune_flags.TUNER.value,
            "trials": len(trials) + len(failed),
            "failed_trials": len(failed),
            "best_trial": best.trial_id,
            "val_accuracy": best.score,
            "test_accuracy": tested["accuracy"],
            "test_loss": tested["loss"],
            "test_examples": len(data.test_labels),
        }
        | found.report(genotype, data, channels, cells, table)
        | runs.provenance(folder)
    )
    found.write(genotype, folder, result)
    # Hyperband counts by itself.
    if result["trials"] < tune_flags.TRIALS.value and result["tuner"] != "hyperband":
        print(
            f"the flags leave no more than {result['trials']} different trials, although "
            f"--trials={tune_flags.TRIALS.value}; give a flag several values, such as "
            "--method=darts-v1,gdas"
        )
    print(
        f"best of {result['trials']} trials: number {best.trial_id}, validation accuracy "
        f"{best.score:.4f}, test accuracy {tested['accuracy']:.4f}; see {folder.path}"
    )


if __name__ == "__main__":
    program.run(main)
