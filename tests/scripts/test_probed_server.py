import ctypes

from scripts import probed_server

INFO = """<malloc version="1">
<heap nr="0"><system type="current" size="1000000"/><total type="rest" count="9" size="7"/></heap>
<heap nr="1"><system type="current" size="2000000"/><total type="fast" count="9" size="7"/></heap>
<total type="fast" count="2" size="100000"/>
<total type="rest" count="3" size="400000"/>
<total type="mmap" count="1" size="5000000"/>
<system type="current" size="3000000"/>
</malloc>
"""


def test_what_malloc_has():
    assert probed_server.malloc_state(INFO) == (2, 2.5, 0.5)


def test_of_this_process(tmp_path):
    library = ctypes.CDLL("libc.so.6")
    library.fopen.restype = ctypes.c_void_p
    library.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
    library.fclose.argtypes = [ctypes.c_void_p]
    text = probed_server._malloc_info(library, str(tmp_path / "info.xml"))
    arenas, used, kept = probed_server.malloc_state(text)
    assert arenas >= 1 and used > 1 and kept >= 0
    assert probed_server.resident_mb() > used
