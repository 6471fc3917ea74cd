"""Where and how graphs are computed: replicas, precision, memory, optimizers, compilation."""
