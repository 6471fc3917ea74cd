"""The network of a genotype, and how it is trained from scratch."""

from darts_tf.networks.network import build_network, without_auxiliary

__all__ = ["build_network", "without_auxiliary"]
