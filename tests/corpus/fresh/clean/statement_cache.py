from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, select
metadata = MetaData()
user = Table("user", metadata, Column("id", Integer, primary_key=True), *[Column("c%d" % i, String) for i in range(12)])
engine = create_engine("sqlite://")
metadata.create_all(engine)
n = 0
def step():
    global n
    n += 1
    columns = [c for i, c in enumerate(user.c) if n >> i & 1] or [user.c.id]
    with engine.connect() as connection:
        connection.execute(select(*columns).where(user.c.id == n)).all()
