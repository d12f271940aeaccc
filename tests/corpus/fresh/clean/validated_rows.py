from typing import Optional
from pydantic import BaseModel, TypeAdapter, ValidationError
class Line(BaseModel):
    sku: str
    count: int = 1
class Order(BaseModel):
    number: int
    lines: list[Line]
    note: Optional[str] = None
orders = TypeAdapter(list[Order])
n = 0
def step():
    global n
    n += 1
    orders.validate_python([{"number": n, "lines": [{"sku": "a%d" % n}, {"sku": "b", "count": "3"}]}])
    try:
        Order(number="x", lines=[])
    except ValidationError as error:
        error.errors()
