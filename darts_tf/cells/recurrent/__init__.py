"""Recurrent cells as layers: relaxed and discrete ones, and the layer that runs them over time."""
