"""Processes of pytest that end within a test say where."""

import faulthandler
import os


def pytest_configure():
    """Lets `os._exit` write the stack of every thread to standard error as it is at the start.

    While a test runs standard error is a file that is lost with the process. Of what kills the
    process, as a segmentation fault, pytest itself writes that.
    """
    errors, own, leave = os.dup(2), os.getpid(), os._exit

    def end(code):
        # A process that a test forks ends so as a matter of course.
        if os.getpid() == own:
            test = os.environ.get("PYTEST_CURRENT_TEST", "no test")
            os.write(errors, f"os._exit({code}) in {test}\n".encode())
            faulthandler.dump_traceback(errors)
        leave(code)

    os._exit = end
