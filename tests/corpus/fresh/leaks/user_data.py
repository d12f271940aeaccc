import ctypes
pythonapi = ctypes.pythonapi
pythonapi.Py_IncRef.argtypes = [ctypes.py_object]
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
class Request:
    def __init__(self): self.headers = {"accept": "*/*", "n": [1, 2, 3]}
def as_user_data(thing):
    pythonapi.Py_IncRef(thing)                # a C library keeps it; nobody gives it back
    return ctypes.c_void_p(id(thing))
def step():
    assert as_user_data(Request()).value
