"""Stands in for rules_python, with the rules that are built into Bazel."""

py_binary = native.py_binary
py_library = native.py_library
py_test = native.py_test
