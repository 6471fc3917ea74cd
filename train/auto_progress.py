"""What train.auto says while it searches."""

from darts_tf.budget import clock
from darts_tf.common.progress import duration


def unit(config) -> str:
    """What is said after a duration of the budget; `config` is an `AutoConfig`."""
    return " of reference work" if config.budget_of == "reference" else ""


class Progress:
    """Prints what a step has shown; `Options.after` of a search.

    Args:
        config: an `AutoConfig`.
        name: of the search, where there are several.
    """

    def __init__(self, config, name: str = ""):
        self._budget, self._unit = clock.seconds(config.budget), unit(config)
        self._name = f"{name}: " if name else ""

    def __call__(self, record: dict, search) -> None:
        left = duration(max(0.0, self._budget - record["spent"])) + self._unit
        if line := self._line(record, search.best):
            seconds = record["seconds"]
            print(f"{self._name}{line[0]}  {seconds:.1f} s; {line[1]}{left} left", flush=True)

    def _line(self, record, best) -> tuple[str, str] | None:
        """What was done, and what is said before the time that is left."""
        if "supernet" in record:
            return (
                f"supernet {record['supernet']}, epoch {record['epoch']}  validation accuracy "
                f"{record['supernet_accuracy']:.4f}",
                "",
            )
        if "refused" in record:
            limit = record["refused"]
            return (
                f"candidate {record['candidate'] + 1} has {record['costs'][limit]:g} "
                f"{limit.replace('_', ' ')} and is not trained",
                "",
            )
        if "accuracy" in record:
            return (
                f"candidate {record['candidate'] + 1}, {record['steps']} steps  validation "
                f"accuracy {record['accuracy']:.4f}",
                f"the best is candidate {best.number + 1}, ",
            )
        return None
