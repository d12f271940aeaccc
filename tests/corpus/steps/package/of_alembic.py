"""Ordinary steps over a package: alembic."""

import itertools

import alembic.migration
import alembic.operations
import sqlalchemy as sa
import sqlalchemy.orm as orm

N = itertools.count(1).__next__

metadata = sa.MetaData()

engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)


class Base(orm.DeclarativeBase):
    pass


metadata.create_all(engine)

Base.metadata.create_all(engine)


def _migrate():
    with engine.connect() as connection:
        context = alembic.migration.MigrationContext.configure(connection)
        return alembic.operations.Operations(context).get_context().get_current_revision()


STEPS = """
alembic_revision: _migrate()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
