"""Costs of an architecture: counted, expected in a supernet, measured on a device."""
