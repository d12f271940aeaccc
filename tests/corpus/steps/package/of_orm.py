"""Ordinary steps over a package: orm."""

import itertools

import sqlalchemy as sa
import sqlalchemy.orm as orm
from sqlalchemy.ext import hybrid

N = itertools.count(1).__next__

metadata = sa.MetaData()

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


def _orm_add():
    with orm.Session(engine) as session:
        session.add(Book(title=f"t{N()}", pages=[Page(), Page()]))
        session.flush()
        session.rollback()


def _orm_turnover():
    with orm.Session(engine) as session:
        session.add(Book(title="t", pages=[Page()]))
        session.commit()
        for book in session.scalars(sa.select(Book)):
            session.delete(book)
        session.commit()


def _orm_query():
    with orm.Session(engine) as session:
        return session.scalars(
            sa.select(Book).options(orm.selectinload(Book.pages)).where(Book.id == N())
        ).all()


STEPS = """
orm_add: _orm_add()
orm_turnover: _orm_turnover()
orm_query: _orm_query()
orm_instance: Book(title=f"t{N()}").pages.append(Page())
orm_hybrid: str(sa.select(Book.short).where(Book.short == str(N())))
orm_aliased: str(sa.select(orm.aliased(Book)).limit(N()))
orm_inspect: sa.inspect(Book(title=str(N()))).attrs.title.history
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
