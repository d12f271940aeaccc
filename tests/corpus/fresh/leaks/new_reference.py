import ctypes
sort_of_list = ctypes.pythonapi.PySequence_List
sort_of_list.argtypes, sort_of_list.restype = [ctypes.py_object], ctypes.c_void_p   # a new reference, as a number
def address_of_items(things):
    return sort_of_list(things)
def step():
    address_of_items(("one", "two", "three", 4.5))
