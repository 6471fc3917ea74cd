"""The stages of a search, such as those of P-DARTS."""

import dataclasses

from darts_tf.common import files
from darts_tf.common.errors import UserError
from darts_tf.methods.method import Method
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


def prefix(number: int, method: Method) -> str:
    """The prefix of a stage's files in the run's folder: stage_1/ or so.

    Args:
        number: of the stage, from 0.
        method: of the search. Its last or only stage writes to the folder itself.
    """
    return "" if number >= len(method.stages) - 1 else f"stage_{number + 1}/"


def begin(folder, search) -> None:
    """Says which stage of a search begins, and writes down the candidates that it got.

    Those that stage 1 has kept are in stage_1/operations.json.

    Args:
        folder: the run's folder.
        search: of a method with stages.
    """
    method, number = search.method, search.stage
    keep = method.stages[number].keep
    rest = f"; the next stage gets {keep} operations of every edge" if keep else ""
    config = search.supernet.get_config()
    print(f"stage {number + 1} of {len(method.stages)}: {config['cells']} cells{rest}", flush=True)
    if number:
        name = f"{prefix(number - 1, method)}operations.json"
        files.make_folder(folder.file(name).parent)
        folder.write_json(name, config["edge_operations"])
    files.make_folder(folder.file(prefix(number, method)))
