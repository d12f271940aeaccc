from sqlalchemy import Column, Integer, MetaData, String, Table
metadata = MetaData()
n = 0
def tenant_table(tenant):
    return Table("events_" + tenant, metadata, Column("id", Integer, primary_key=True), Column("what", String(80)))
def step():
    global n
    n += 1
    table = tenant_table("t%d" % n)
    assert str(table.select().where(table.c.id == 5))
