"""The stages of a search, such as those of P-DARTS."""

import dataclasses

from darts_tf.common import files, reading
from darts_tf.common.errors import UserError
from darts_tf.methods.method import Method
from darts_tf.schedules import Stage, keep_largest
from train import fields, limits
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class StageConfig(Config):
    """The sizes of a search in stages."""

    stage_cells: tuple[str, ...] | None = fields.words(
        None,
        "For p-darts: cells of the supernet in its three stages. Default: 5,11,17; with --cells as "
        "many more or fewer in every stage as in the first.",
    )


def with_cells(config: StageConfig, method: Method, cells: int | None) -> Method:
    """The method whose stages have the cells that the flags say.

    Args:
        config: the flags.
        method: a method, with stages or without.
        cells: the value of --cells, None if it is not given.

    Raises:
        UserError: --stage_cells is no list of so many numbers, or the method has no stages.
    """
    given = config.stage_cells
    if not method.stages:
        if given is not None:
            raise UserError(
                f"--stage_cells has no meaning for {method.name}, which has a single stage"
            )
        return method
    if given is None:
        more = 0 if cells is None else cells - method.stages[0].cells
        numbers = [stage.cells + more for stage in method.stages]
    else:
        numbers = _parse(given, len(method.stages))
    stages = zip(method.stages, numbers, strict=True)
    return dataclasses.replace(
        method, stages=tuple(dataclasses.replace(stage, cells=n) for stage, n in stages)
    )


def _parse(given, count) -> list[int]:
    if len(given) != count or not all(text.isdigit() and int(text) >= 3 for text in given):
        raise UserError(
            f"--stage_cells={','.join(given)}: expected {count} numbers of cells, each at least 3"
        )
    numbers = [int(text) for text in given]
    for number in numbers:
        limits.check("stage_cells", number)
    return numbers


def run(method: Method, folder, search_stage):
    """Searches stage after stage; goes on with the stage that is not finished.

    The last stage writes to the folder itself, stage 1 to its folder stage_1 and so on, where
    operations.json holds the candidates that the stage has kept.

    Args:
        method: a method with stages.
        folder: the run's folder.
        search_stage: `(method, stage, number, edge_operations, prefix) -> (search, history)`, which
            searches one stage: the method of that stage, the stage, its number from 0, the
            candidates (None for all), and what its files' names start with.

    Returns:
        What the last stage's `search_stage` returned.
    """
    kept = None
    for number, stage in enumerate(method.stages):
        last = number == len(method.stages) - 1
        prefix = "" if last else f"stage_{number + 1}/"
        file = f"{prefix}operations.json"
        # All workers read what the chief wrote, where the checkpoints are too.
        finished = folder.checkpoints.parent / file
        if not last and finished.exists():
            kept = reading.read_json(finished)
            continue
        files.make_folder(folder.file(prefix))
        print(_heading(number, stage, method), flush=True)
        result = search_stage(method.of_stage(stage), stage, number, kept, prefix)
        if last:
            return result
        search, _ = result
        kept = keep_largest(search.supernet.space, search.operation_weights(), stage.keep)
        folder.write_json(file, kept)


def _heading(number: int, stage: Stage, method: Method) -> str:
    rest = f"; the next stage gets {stage.keep} operations of every edge" if stage.keep else ""
    return f"stage {number + 1} of {len(method.stages)}: {stage.cells} cells{rest}"
