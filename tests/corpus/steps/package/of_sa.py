"""Ordinary steps over a package: sa."""

import itertools

import sqlalchemy as sa
import sqlalchemy.orm as orm
from sqlalchemy.ext import hybrid

N = itertools.count(1).__next__

metadata = sa.MetaData()

person = sa.Table(
    "person", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String)
)

engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)


class Base(orm.DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "book"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    title: orm.Mapped[str]
    pages: orm.Mapped[list["Page"]] = orm.relationship(
        back_populates="book", cascade="all, delete-orphan"
    )

    @hybrid.hybrid_property
    def short(self):
        return self.title


class Page(Base):
    __tablename__ = "page"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    book_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("book.id"))
    book: orm.Mapped[Book] = orm.relationship(back_populates="pages")


metadata.create_all(engine)

Base.metadata.create_all(engine)


def _core_insert():
    with engine.begin() as connection:
        connection.execute(person.insert(), [{"name": f"n{N()}"}, {"name": "b"}])
        connection.execute(person.delete())


def _core_rollback():
    with engine.connect() as connection:
        transaction = connection.begin()
        connection.execute(person.insert().values(name=str(N())))
        transaction.rollback()


def _text():
    with engine.connect() as connection:
        return connection.execute(sa.text("select :n"), {"n": N()}).scalar()


def _wrong_sql():
    with engine.connect() as connection:
        return _expect(lambda: connection.execute(sa.text(f"select nothing{N() % 50}")))


def _reflect():
    return sa.inspect(engine).get_columns("person")


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
sa_select: str(sa.select(person).where(person.c.id == N()))
sa_many_shapes: str(sa.select(person).where(sa.or_(*[person.c.id == i for i in range(N() % 40 + 1)])))
sa_join: str(sa.select(Book.title).join(Page).group_by(Book.id).having(sa.func.count() > N()))
sa_cte: str(sa.select(sa.select(person.c.id).cte(f"c{N()}")))
sa_alias: str(sa.select(person.alias(f"p{N()}").c.id))
sa_case: str(sa.case((person.c.id > N(), "a"), else_="b"))
sa_new_table: sa.Table(f"t{N()}", sa.MetaData(), sa.Column("a", sa.Integer)).c.a
sa_new_engine: sa.create_engine("sqlite://").dispose()
sa_core_insert: _core_insert()
sa_rollback: _core_rollback()
sa_text: _text()
sa_wrong: _wrong_sql()
sa_reflect: _reflect()
sa_url: sa.make_url(f"postgresql://u:p@h{N()}/d").render_as_string()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
