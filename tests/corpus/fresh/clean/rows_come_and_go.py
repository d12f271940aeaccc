import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table event (id integer primary key, what text)")
n = 0
def step():
    global n
    n += 1
    cursor = db.cursor()
    cursor.execute("insert into event values (?, ?)", (n, "event %d" % n))
    db.execute("delete from event where id <= ?", (n - 500,))
    db.commit()
    list(db.execute("select count(*) from event where what like ?", ("%%%d" % n,)))
