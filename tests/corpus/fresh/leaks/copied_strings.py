from cffi import FFI
ffi = FFI()
ffi.cdef("char *strdup(const char *text);")
C = ffi.dlopen(None)
def to_native(text):
    return C.strdup(text.encode())            # ffi.gc(..., C.free) is missing
def step():
    assert ffi.string(to_native("path/" * 60))
