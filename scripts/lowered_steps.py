"""A folder of `train.benchmark --lower`, its steps and its numbers: the half of `run_lowered.py`.

Needs numpy and JAX only.
"""

import json
import pathlib
import sys
import time

#: When this program began.
STARTED = time.perf_counter()
MANIFEST, ARRAYS = "manifest.json", "arrays.npz"
FORMAT = 2
# Roundings of the last bit of a variable, beside those of its steps.
_ROUNDINGS = 8
# A part of its way by which roundings alone send a variable elsewhere: there is nothing to compare,
# such as with the mean of what is normalised already.
_CHANCE = 0.1


def fail(text: str):
    """Ends the program with a line that says why it cannot run."""
    print(f"error: {text}", file=sys.stderr)
    sys.exit(2)


try:
    import jax
    import numpy as np
    from jax import export
except ModuleNotFoundError as missing:
    fail(
        f"the package {missing.name} is missing in {sys.executable}; install numpy and JAX: "
        "pip install jax (CPU), or for NVIDIA GPUs: pip install 'jax[cuda12]'"
    )

# Optimizers count in int64.
jax.config.update("jax_enable_x64", True)


class Folder:
    """What `--lower` has written.

    Args:
        path: of the folder.
    """

    def __init__(self, path: str):
        self.path = pathlib.Path(path)
        try:
            self.manifest = json.loads((self.path / MANIFEST).read_text())
            if self.manifest["format"] != FORMAT:
                fail(
                    f"{path} has format {self.manifest['format']}, this program reads {FORMAT}; "
                    "write it again with: python -m train.benchmark --lower"
                )
            with np.load(self.path / ARRAYS) as arrays:
                self._arrays = dict(arrays)
            self.names = [one["name"] for one in self.manifest["arguments"]["state"]]
            self.before = self._numbered("before", len(self.names))
            self.after = self._numbered("after", len(self.names))
            count = len(self.manifest["arguments"]["batch"])
            by_argument = self._numbered("batch", count)
            self.rounded = self._numbered("rounded", len(self.names))
            self.nudged = self._numbered("nudged", len(self.names))
        except (OSError, ValueError, KeyError) as error:
            fail(
                f"{path} is no folder that train.benchmark --lower has written "
                f"({type(error).__name__}: {error})"
            )
        self.batches = list(zip(*by_argument, strict=True))
        self.results = [one["name"] for one in self.manifest["results"]]
        self.expected = {
            one["name"]: self._arrays[f"result/{one['name']}"]
            for one in self.manifest["results"]
            if one["compared"]
        }
        self.rounded_results = {k: self._arrays[f"rounded_result/{k}"] for k in self.expected}
        self.nudged_results = {k: self._arrays[f"nudged_result/{k}"] for k in self.expected}

    def _numbered(self, kind, count):
        return [self._arrays[f"{kind}/{i}"] for i in range(count)]

    def program(self, name: str) -> bytes:
        """A serialized program."""
        try:
            return (self.path / self.manifest["programs"][name]).read_bytes()
        except OSError as error:
            fail(f"the program cannot be read ({error}); copy the whole folder")

    def title(self) -> str:
        """What the step is of, in a line."""
        workload = self.manifest["workload"]
        what = f"training of {workload['network']}" if workload["network"] else workload["method"]
        sizes = ("space", "channels", "cells", "batch_size", "image_size", "vocabulary", "bptt")
        said = ", ".join(f"{k} {workload[k]}" for k in sizes if workload.get(k) is not None)
        return f"{what} ({said}), {self.manifest['precision']}"


class Steps:
    """Steps of a program that follow each other.

    Args:
        folder: the `Folder`.
        program: the name of one of its programs.
        device: that it runs on.

    Attributes:
        compile_seconds: of reading the program and compiling it.
        memory: bytes of arguments, results and temporaries that XLA has planned; None if untold.
    """

    def __init__(self, folder: Folder, program: str, device):
        self._device = device
        self._count = len(folder.results)
        self._batches = [jax.device_put(list(batch), device) for batch in folder.batches]
        self._before = folder.before
        self.restart()
        content = folder.program(program)
        try:
            exported = export.deserialize(bytearray(content))
        except Exception as error:
            fail(
                f"JAX {jax.__version__} cannot read a program that {folder.manifest['versions']} "
                f"wrote ({type(error).__name__}: {error}); use the same version of JAX"
            )

        def step(state, batch):
            results = exported.call(*batch, *state)
            return results[: self._count], results[self._count :]

        start = time.perf_counter()
        # The state before a step is not needed after it: its memory is used again.
        self._step = jax.jit(step, donate_argnums=0).lower(self._state, self._batches[0]).compile()
        self.compile_seconds = time.perf_counter() - start
        self.memory = planned_memory(self._step)

    def restart(self) -> None:
        """Goes back to the initial values."""
        self._state = jax.device_put(list(self._before), self._device)
        self._done = 0

    def __call__(self) -> list:
        """A step on the next batch, after the last one the first again; its results are there."""
        batch = self._batches[self._done % len(self._batches)]
        results, self._state = self._step(self._state, batch)
        jax.block_until_ready((results, self._state))
        self._done += 1
        return results

    def state(self) -> list:
        """The variables now."""
        return [np.asarray(array) for array in self._state]


def planned_memory(compiled) -> dict | None:
    """What XLA says of the memory of a compiled step."""
    try:
        found = compiled.memory_analysis()
        names = ("argument", "output", "temp", "alias")
        return {name: int(getattr(found, f"{name}_size_in_bytes")) for name in names}
    except (AttributeError, NotImplementedError, RuntimeError):
        return None


def difference(before, after, got) -> tuple[float, float]:
    """How far a variable is from where it should be, in units of how far it should have moved.

    Returns:
        (difference, what roundings of the variable itself explain of it); of integers 0 or
        infinity.
    """
    if after.shape != got.shape or after.dtype != got.dtype:
        return np.inf, 0.0
    if not np.issubdtype(after.dtype, np.floating):
        return (0.0 if np.array_equal(after, got) else np.inf), 0.0
    if not after.size or np.array_equal(after, got):
        return 0.0, 0.0
    exact = after.astype(np.float64)
    off = np.abs(got.astype(np.float64) - exact).max()
    moved = np.abs(exact - before.astype(np.float64)).max()
    rounding = _ROUNDINGS * np.finfo(after.dtype).eps * np.abs(exact).max()
    if not np.isfinite(off):
        return np.inf, 0.0
    if not moved:
        return (0.0 if off <= rounding else np.inf), 0.0
    return float(off / moved), float(rounding / moved)


class Differences:
    """How far a program's numbers are from TensorFlow's, and what is too far.

    Attributes:
        found: group of variables, or result -> its largest `difference`, what is `allowed`, and
            `where` that is.
        wrong: a line for each number that is too far away.
        left_out: variables that nothing moves but roundings.
        weak: groups of variables of which as much is allowed as they moved.
    """

    def __init__(self):
        self.found: dict[str, dict] = {}
        self.wrong: list[str] = []
        self.left_out: list[str] = []
        self.weak: list[str] = []

    def note(self, group: str, name: str, value: float, allowed: float) -> None:
        """Notes a difference."""
        value = value if np.isfinite(value) else np.inf
        if value > self.found.get(group, {"difference": -1.0})["difference"]:
            self.found[group] = {"difference": value, "allowed": allowed, "where": name}
        if not value <= allowed:
            self.wrong.append(f"{name}: {value:.2g} is more than {allowed:.2g}")


def check(folder: Folder, steps: Steps, program: str) -> Differences:
    """Runs the steps that TensorFlow has run, and compares."""
    tolerance = folder.manifest["tolerances"][program]
    steps.restart()
    seen = Differences()
    for number in range(folder.manifest["steps"]):
        values = dict(zip(folder.results, steps(), strict=True))
        for name, expected in folder.expected.items():
            want = np.asarray(expected[number], np.float64)
            off = np.abs(np.asarray(values[name], np.float64) - want).max()
            size = float(np.abs(want).max()) or 1.0
            allowed = tolerance.get("results")
            if allowed is None:
                rounded = folder.rounded_results[name].max()
                allowed = tolerance["times"] * rounded / size + tolerance["part"]
            else:
                allowed += tolerance["times"] * folder.nudged_results[name] / size
            seen.note(name, f"{name} of step {number + 1}", float(off) / size, float(allowed))
    state = steps.state()
    if "variables" in tolerance:
        _check_each(folder, state, tolerance, seen)
    else:
        _check_groups(folder, state, tolerance, seen)
    return seen


def _check_each(folder, state, tolerance, seen) -> None:
    """Each variable in units of its way; those that have none but roundings are left out."""
    groups = [name.partition("/")[0] for name in folder.names]
    amplified = dict.fromkeys(groups, 0.0)
    own = amplified_roundings(folder)
    for group, value in zip(groups, own, strict=True):
        if value < _CHANCE:
            amplified[group] = max(amplified[group], value)
    everything = zip(folder.names, folder.before, folder.after, state, strict=True)
    for i, (name, before, after, got) in enumerate(everything):
        value, free = difference(before, after, got)
        if own[i] >= _CHANCE and np.isfinite(value):
            seen.left_out.append(name)
            continue
        free += tolerance["times"] * amplified[groups[i]]
        seen.note(groups[i], name, value, tolerance["variables"] + free)


def amplified_roundings(folder: Folder) -> list[float]:
    """How far other roundings of the first weights send each variable, in units of its way.

    A number just above 0 that is rounded to one just below is the gradient's way through a ReLU or
    not, and of two pixels that are nearly equal the other one may be the largest: such steps of a
    deep network end parts of their way from each other though both are right.
    """
    found = []
    for before, after, nudged in zip(folder.before, folder.after, folder.nudged, strict=True):
        moved = 0.0
        if after.size and np.issubdtype(after.dtype, np.floating):
            moved = np.abs(after.astype(np.float64) - before).max()
        found.append(float(nudged) / moved if moved else 0.0)
    return found


def _check_groups(folder, state, tolerance, seen) -> None:
    """Root mean squares over the variables of a group; of each variable in units of its way."""
    parts = {}
    everything = zip(folder.names, folder.before, folder.after, state, folder.rounded, strict=True)
    for name, before, after, got, rounded in everything:
        group = name.partition("/")[0]
        moved = np.linalg.norm((after.astype(np.float64) - before).ravel())
        if not np.issubdtype(after.dtype, np.floating) or not moved:
            seen.note(group, name, difference(before, after, got)[0], 0.0)
            continue
        off = np.linalg.norm((got.astype(np.float64) - after).ravel())
        parts.setdefault(group, []).append((off / moved, float(rounded) / moved))
    for group, pairs in parts.items():
        value, rounded = np.sqrt(np.mean(np.square(pairs), 0))
        allowed = tolerance["times"] * rounded + tolerance["part"]
        if allowed >= 1:
            seen.weak.append(group)
        seen.note(group, f"all of {group}", float(value), float(allowed))
