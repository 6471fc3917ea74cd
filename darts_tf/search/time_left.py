"""How far a search or a training is, on the terminal and in a log file."""

import sys
import time

import keras
import numpy as np

from darts_tf.common.progress import Progress, duration


class TimeLeft(keras.callbacks.Callback):
    """Prints how far the epochs are, what the metrics are, and how long the rest will take.

    A line when it begins, with the numbers of epochs and steps, and one after every epoch. Within
    long epochs also, how long a step takes and what is left of the epoch and in all: on a terminal
    in one line that is overwritten, elsewhere in lines that become rarer.

    Args:
        metrics: the names of the metrics to print.
        what: what is trained, where there are several, for the beginning of each line.
        seconds: before the first line within an epoch; on a terminal between two of them.
    """

    def __init__(self, metrics, what: str = "", seconds: float = 10.0):
        super().__init__()
        self._metrics = metrics
        self._what = f"{what}: " if what else ""
        self._seconds = seconds
        self._times = []
        self._first_step = None
        self._steps = 0
        self._line = _Line(sys.stdout)

    def on_train_begin(self, logs=None):
        self._times, self._first_step, self._steps = [], None, 0
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        size = f" ({epochs} epochs of {steps} steps)" if steps and epochs else ""
        print(f"{self._what}building the graph; the first step takes longest{size}", flush=True)

    def on_epoch_begin(self, epoch, logs=None):
        now = time.perf_counter()
        self._times.append(now)
        self._epoch, self._begun, self._said = epoch, now, now
        # The first step of an epoch may trace the graph, and waits for the data.
        self._measured = None
        self._said_any = False

    def on_train_batch_end(self, batch, logs=None):
        self._steps += 1
        now = time.perf_counter()
        if self._first_step is None:
            self._first_step = now
        if self._measured is None:
            self._measured = now, batch
        if now - self._said < self._interval(now):
            return
        self._said, self._said_any = now, True
        steps = max(self.params.get("steps") or 0, batch + 1)
        pace = self._pace(now, batch, steps)
        self._line.show(f"{self._place()}, step {batch + 1}/{steps}: {pace}")

    def _interval(self, now) -> float:
        """Seconds between two lines: outside of a terminal they become rarer."""
        if self._line.overwrites:
            return 1.0 if self._said_any else self._seconds
        return max(self._seconds, (now - self._begun) / 5)

    def _place(self) -> str:
        return f"{self._what}epoch {self._epoch + 1}/{self.params['epochs']}"

    def _pace(self, now, batch, steps) -> str:
        """The time of a step, and of the rest."""
        started, first = self._measured
        if batch == first:
            return f"this step took {duration(now - self._begun)}, the next ones take less"
        step = (now - started) / (batch - first)
        if batch + 1 == steps:
            return f"{step:.3g} s a step; now the validation"
        in_epoch = step * (steps - batch - 1)
        epochs = np.diff(self._times)[1:]
        epoch = float(np.median(epochs)) if len(epochs) else step * steps
        in_all = in_epoch + epoch * (self.params["epochs"] - self._epoch - 1)
        return (
            f"{step:.3g} s a step, about {duration(in_epoch)} left of this epoch, "
            f"{duration(in_all)} in all"
        )

    def on_epoch_end(self, epoch, logs=None):
        now = time.perf_counter()
        durations = np.diff([*self._times, now])
        # The first step also traces the graph; with it the estimate would be too dark.
        if len(durations) > 1:
            pace = float(np.median(durations[1:]))
        elif self._steps > 1:
            pace = (now - self._first_step) / (self._steps - 1) * self.params["steps"]
        else:
            pace = durations[0]
        left = pace * (self.params["epochs"] - epoch - 1)
        values = "  ".join(f"{name} {logs[name]:.4f}" for name in self._metrics if name in logs)
        remaining = f", about {duration(left)} left" if left else ""
        self._line.clear()
        print(f"{self._place()}  {values}  {durations[-1]:.1f} s{remaining}", flush=True)

    def on_train_end(self, logs=None):
        self._line.clear()


class StepsLeft(keras.callbacks.Callback):
    """Logs from time to time how many steps of a training are left, where it is one of many.

    Args:
        what: the training, such as "candidate 3".
    """

    def __init__(self, what: str):
        super().__init__()
        self._what = what

    def on_train_begin(self, logs=None):
        total = self.params["epochs"] * self.params["steps"]
        self._progress = Progress(f"steps of {self._what}", total)

    def on_train_batch_end(self, batch, logs=None):
        self._progress.advance()


class _Line:
    """A line that is overwritten on a terminal, and one of many elsewhere."""

    def __init__(self, stream):
        self.overwrites = stream.isatty()
        self._length = 0

    def show(self, text: str) -> None:
        """Shows a text in place of the one before."""
        if self.overwrites:
            print(f"\r{text.ljust(self._length)}", end="", flush=True)
            self._length = len(text)
        else:
            print(text, flush=True)

    def clear(self) -> None:
        """Removes what is shown, so that others can write."""
        if self._length:
            print(f"\r{' ' * self._length}\r", end="", flush=True)
            self._length = 0
