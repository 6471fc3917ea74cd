"""Cells as layers: relaxed ones of a supernet, discrete ones of a network."""
