"""The time series of a forecast."""

import dataclasses

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import datasets, macros, spaces
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.datasets import series_data, series_loading
from darts_tf.networks.forecast_training import task_of
from darts_tf.networks.forecaster import build_forecaster
from train import fields
from train.config import Config
from train.task_data import TaskData

#: The series that needs no file.
EMBEDDED = series_loading.EMBEDDED
DROPOUTS = ("cell_dropout", "state_dropout")
_READ = ("window", "horizon", "columns", "time_column", "transform", "missing")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeriesConfig(Config):
    """How a series is read, and what of it is foretold."""

    window: int = fields.integer(24, "Rows that a forecast is made from.", lower_bound=1)
    horizon: int = fields.integer(
        1, "Which row after the last known one is foretold.", lower_bound=1
    )
    columns: tuple[str, ...] | None = fields.words(
        None, "The names of a series' columns that are used; all by default."
    )
    time_column: str | None = fields.text(
        None,
        "The column of a series that holds times; by default the first one if it holds dates or is "
        "named date, time, timestamp or year.",
    )
    transform: str = fields.choice(
        "levels",
        series_data.TRANSFORMS,
        "What the network sees of a series: the numbers, or the differences of their logarithms.",
    )
    portions: tuple[str, ...] = fields.words(
        [f"{x:g}" for x in series_loading.PORTIONS],
        "Shares of a series' training, validation and test part, which follow each other in time.",
    )
    missing: str = fields.choice(
        "error",
        series_loading.MISSING,
        "What becomes of missing values of a series; ffill: that of the row before.",
    )


class Series(TaskData):
    """A series in memory, whose batches are `(windows, targets)`; a part is a range of targets.

    Args:
        config: as `load` returns it.
        data: the series.
    """

    flags = (*_READ, "portions", *DROPOUTS)
    reading = (*_READ, "portions")
    kinds = spaces.OVER_TIME
    examples = "rows"
    search_settings = macros.ForecastingNetwork.search_settings

    def __init__(self, config, data: datasets.SeriesData):
        self._config = config
        self.series = data
        self.name = data.name
        self.input_shape, self.num_classes = (data.window, len(data.columns)), len(data.columns)
        # A search divides it again: what comes last trains the architecture.
        self.training = range(data.first, data.bounds[1])
        self.test = data.test

    @classmethod
    def load(cls, config):
        for name in DROPOUTS:
            if not 0 <= getattr(config, name) < 1:
                raise UserError(
                    f"--{name}={getattr(config, name)}: expected a number from 0 to below 1"
                )
        options = config.values(_READ)
        options["columns"] = options["columns"] or ()
        portions = _numbers(config.portions)
        data = datasets.load_series(config.dataset, portions=portions, **options)
        print(
            f"data: {data.name}, {len(data.columns)} columns, {len(data.train):,} training, "
            f"{len(data.validation):,} validation and {len(data.test):,} test rows, each foretold "
            f"from the {data.window} rows that end {data.horizon} before it",
            flush=True,
        )
        return config, cls(config, data)

    def task(self, name):
        return task_of(self.series)

    def macro(self, space):
        space = spaces.get(space)
        spaces.check_kind(space, spaces.OVER_TIME, "a network of forecasts")
        rates = {name: getattr(self._config, name) for name in DROPOUTS}
        return macros.ForecastingNetwork(self.series.scaling, **rates)

    def network_costs(self, genotype, channels, cells):
        network = build_forecaster(genotype, self.series, channels, cells)
        costs = {"parameters": counted.parameters(network)}
        return costs, f"{channels} units: {costs['parameters']:,} parameters"

    def split(self, part, share, seed):
        # In order: nothing is foretold from what comes after it.
        border = round(share * part.stop)
        if not part.start < border < part.stop:
            raise UserError(
                f"a share of {share:g} of {part.stop:,} rows leaves one part of {self.name} "
                "without any; choose another --train_portion"
            )
        return range(part.start, border), range(border, part.stop)

    def size(self, part):
        return len(part)

    def stream(self, part, batch_size, seed):
        def batches(epoch):
            return datasets.series_batches(self.series, part, batch_size, seed=seed, epoch=epoch)

        return batches

    def in_order(self, part, batch_size=None):
        return datasets.series_windows(self.series, part, batch_size)

    def description(self, trains):
        return self.series.description()

    def difference(self, before, now):
        return series_data.difference(before, now)

    def read_description(self, path):
        return series_data.load_description(path)

    def digest(self, description):
        return series_data.digest(description)

    def training_line(self):
        return None


def _numbers(words) -> tuple[float, ...]:
    try:
        return tuple(map(float, words))
    except ValueError as error:
        raise UserError(f"--portions={','.join(words)}: expected three numbers") from error
