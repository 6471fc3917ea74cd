"""JSON text that every reader takes."""

import json
import math


def dumps(value, indent: int | None = None) -> str:
    """A value as JSON. Numbers that are not finite become null: JSON has no NaN and no infinity.

    Args:
        value: JSON-ready, but for such numbers.
        indent: spaces a level is indented by; None for one line.
    """
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
