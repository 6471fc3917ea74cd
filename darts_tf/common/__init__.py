"""Utilities for every room: errors, look-up by name, files, progress, one flag."""
