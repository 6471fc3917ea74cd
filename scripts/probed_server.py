"""train.serve that writes every four seconds what memory its process has, to $MEMORY_PROBE.

A line has the resident memory; of malloc the number of arenas, what it has in use, and what is
freed but kept; the blocks of Python's own allocator. Every eighth line says what is left when
malloc gives back what it can. Started by scripts.load_server --memory_probe; for glibc.
"""

import ctypes
import gc
import os
import pathlib
import re
import sys
import threading
import time

_SECONDS, _TRIM_EVERY = 4, 8


def resident_mb() -> float:
    """The resident memory of this process."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def malloc_state(text: str) -> tuple[int, float, float]:
    """The arenas, and the megabytes in use and kept, of what glibc's `malloc_info` writes."""
    everything = text[text.rindex("</heap>") :]
    kept = re.findall(r'<total type="(?:fast|rest)" count="\d+" size="(\d+)"', everything)
    system = re.search(r'<system type="current" size="(\d+)"', everything)
    free = sum(map(int, kept))
    return text.count("<heap "), (int(system[1]) - free) / 1e6, free / 1e6


def _malloc_info(library, path: str) -> str:
    file = library.fopen(path.encode(), b"w")
    library.malloc_info(0, file)
    library.fclose(file)
    return pathlib.Path(path).read_text()


def _probe(path: str) -> None:
    library = ctypes.CDLL("libc.so.6")
    library.fopen.restype = ctypes.c_void_p
    library.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
    library.fclose.argtypes = [ctypes.c_void_p]
    started, number = time.monotonic(), 0
    with open(path, "w") as file:
        while True:
            time.sleep(_SECONDS)
            number += 1
            arenas, used, kept = malloc_state(_malloc_info(library, f"{path}.xml"))
            line = (
                f"{time.monotonic() - started:.0f} s: resident {resident_mb():.0f} MB; malloc, "
                f"{arenas} arenas, in use {used:.0f} MB, kept {kept:.0f} MB; "
                f"{sys.getallocatedblocks():,} Python blocks"
            )
            if number % _TRIM_EVERY == 0:
                gc.collect()
                library.malloc_trim(0)
                line += f"; resident after malloc_trim {resident_mb():.0f} MB"
            print(line, file=file, flush=True)


# The server's own processes import this file too.
if __name__ == "__main__":
    path = os.environ["MEMORY_PROBE"]
    threading.Thread(target=_probe, args=(path,), daemon=True).start()
    from train import program, serve

    program.run(serve.main)
