"""Helpers for a loop that runs under any `tf.distribute` strategy."""

import contextlib
from collections.abc import Callable, Iterable

import tensorflow as tf

from darts_tf.common.errors import UserError


def workers(strategy: tf.distribute.Strategy) -> int:
    """The number of processes that share the work, each with its own devices."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 1
    tasks = strategy.cluster_resolver.cluster_spec().as_dict()
    return len(tasks.get("chief", ())) + len(tasks.get("worker", ()))


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes files: the only one, or the first of several workers."""
    if workers(strategy) == 1:
        return True
    resolver = strategy.cluster_resolver
    has_chief = bool(resolver.cluster_spec().as_dict().get("chief"))
    return resolver.task_type == ("chief" if has_chief else "worker") and resolver.task_id == 0


def share_batches(strategy: tf.distribute.Strategy, batches: tf.data.Dataset) -> Iterable:
    """Cuts every global batch into equal parts, one a replica.

    Replica r of R gets examples `r * B / R` to `(r + 1) * B / R` of each batch, so nothing is lost
    or repeated, on one machine or on several workers that all read the same batches.

    Args:
        strategy: of the loop.
        batches: nested tensors whose first dimension is the global batch B.

    Raises:
        UserError: B is unknown, as of a last batch that is shorter, or R does not divide it.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return strategy.experimental_distribute_dataset(batches)
    for spec in tf.nest.flatten(batches.element_spec):
        if spec.shape[0] is None:
            raise UserError(
                f"{replicas} replicas need batches that all have the same size; "
                "make them with drop_remainder=True"
            )
        if spec.shape[0] % replicas:
            raise UserError(
                f"a batch of {spec.shape[0]} examples cannot be shared equally by {replicas} "
                f"replicas; use a multiple of {replicas}"
            )

    def of_worker(context) -> tf.data.Dataset:
        local = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * local

        def cut(*batch):
            def of_replicas(x):
                # Other dimensions may differ from batch to batch, as the time of sequences does.
                own = [replicas, x.shape[0] // replicas]
                cut = tf.reshape(x, tf.concat([own, tf.shape(x)[1:]], 0))
                x = tf.ensure_shape(cut, [*own, *x.shape[1:]])
                return x[first : first + local]

            return tf.nest.map_structure(of_replicas, batch)

        return batches.map(cut).unbatch().prefetch(local)

    return strategy.distribute_datasets_from_function(of_worker)


def own_examples(draw: Callable, shape) -> tf.Tensor:
    """A replica's share of random numbers that belong to the examples of the global batch.

    Every replica draws for the global batch and takes the rows of its own examples, so that
    replicas have different numbers, and together those that a single device would have.

    Args:
        draw: from a shape to a tensor of that shape, the same on every replica.
        shape: what this replica needs; first the number of its examples.

    Returns:
        A tensor of that shape.
    """
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return draw(shape)
    everything = draw(tf.concat([[replica.num_replicas_in_sync * shape[0]], shape[1:]], 0))
    first = replica.replica_id_in_sync_group * shape[0]
    return everything[first : first + shape[0]]


def any_worker(strategy: tf.distribute.Strategy, *flags: bool) -> list[bool]:
    """For each flag, whether it is true on any worker; all workers must ask at the same time."""
    if workers(strategy) == 1:
        return list(flags)
    own = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(flags, tf.float32)
    )
    return list(strategy.reduce(tf.distribute.ReduceOp.SUM, own, axis=None).numpy() > 0)


@contextlib.contextmanager
def naming_lost_workers(strategy: tf.distribute.Strategy):
    """Turns the error that follows the loss of a worker into a line that says what to do.

    Raises:
        UserError: another worker can't be reached any more.
    """
    try:
        yield
    except _LOST as error:
        if workers(strategy) == 1:
            raise
        raise UserError(
            f"lost the connection to another worker ({type(error).__name__}): it was stopped or "
            "its machine cannot be reached. Start all workers again with the same command; they "
            "go on from the last checkpoint"
        ) from error


_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)
