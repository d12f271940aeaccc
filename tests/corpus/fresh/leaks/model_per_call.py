from pydantic import create_model
def validate(columns, row):
    Row = create_model("Row", **{name: (kind, ...) for name, kind in columns.items()})
    return Row(**row)
def step():
    assert validate({"id": int, "name": str}, {"id": "5", "name": "Ann"}).id == 5
