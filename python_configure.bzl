"""Makes a toolchain of the Python that has the requirements installed."""

_BUILD = """\
load("@bazel_tools//tools/python:toolchain.bzl", "py_runtime_pair")

py_runtime(
    name = "python3",
    interpreter_path = "{interpreter}",
    python_version = "PY3",
)

py_runtime_pair(
    name = "pair",
    py3_runtime = ":python3",
)

toolchain(
    name = "toolchain",
    toolchain = ":pair",
    toolchain_type = "@bazel_tools//tools/python:toolchain_type",
)
"""

def _interpreter(repository_ctx):
    chosen = repository_ctx.os.environ.get("PYTHON_BIN_PATH")
    if chosen:
        return chosen
    workspace = repository_ctx.path(Label("//:WORKSPACE")).dirname

    # Not resolved: only by the path inside .venv does Python find what is installed there.
    if workspace.get_child(".venv").get_child("bin").get_child("python").exists:
        return "%s/.venv/bin/python" % workspace
    found = repository_ctx.which("python3")
    if not found:
        fail("no Python found: set PYTHON_BIN_PATH to the interpreter to use")
    return found

def _python_configure_impl(repository_ctx):
    repository_ctx.file("BUILD", _BUILD.format(interpreter = _interpreter(repository_ctx)))

python_configure = repository_rule(
    implementation = _python_configure_impl,
    environ = [
        "PATH",
        "PYTHON_BIN_PATH",
    ],
    local = True,
)
