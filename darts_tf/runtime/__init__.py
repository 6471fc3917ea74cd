"""Where and how graphs are computed: replicas, precision, memory, optimizers, compilation."""

from darts_tf.runtime import ordered_sums

# Whatever is searched or trained here imports something of this room.
ordered_sums.use()
