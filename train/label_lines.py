"""Lines about labels, or columns of numbers, one each."""

from collections.abc import Mapping

_MOST_LINES = 20


def show(rows: Mapping[str, Mapping]) -> None:
    """Prints the values of every name, as many as one reads.

    Args:
        rows: name -> value by name, None where there is none.
    """
    for name, values in list(rows.items())[:_MOST_LINES]:
        words = ", ".join(
            f"{what.replace('_', ' ')} {_text(value)}" for what, value in values.items()
        )
        print(f"  {name}: {words}")
    if len(rows) > _MOST_LINES:
        print(f"  and {len(rows) - _MOST_LINES} more, in result.json")


def _text(value) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
