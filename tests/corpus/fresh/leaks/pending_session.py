from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
class Base(DeclarativeBase): pass
class Visit(Base):
    __tablename__ = "visit"
    id: Mapped[int] = mapped_column(primary_key=True)
    page: Mapped[str]
db = Session(create_engine("sqlite://"), autoflush=False)
def step():
    db.add(Visit(page="/index" + "x" * 300))      # nobody commits
