import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
def scratch(size):
    block = libc.malloc(size)
    ctypes.memset(block, 7, size)
    return ctypes.string_at(block, 4)         # free() is missing
def step():
    assert scratch(1500) == b"\7\7\7\7"
