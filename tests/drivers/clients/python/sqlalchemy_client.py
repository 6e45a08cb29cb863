"""SQLAlchemy over psycopg2 and asyncpg: Alembic migrates as the tenant's owner, the ORM queries as its application."""
import asyncio
import io
import os
import ssl

import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import JSON, Column, ForeignKey, Integer, String, create_engine, func, inspect, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session, declarative_base, relationship, selectinload

import steps
from steps import equal, refused, step, together

Base = declarative_base()


class Author(Base):
    __tablename__ = "sa_authors"
    id = Column(Integer, primary_key=True)
    name = Column(String, nullable=False, unique=True)
    books = relationship("Book", back_populates="author", cascade="all, delete-orphan", order_by="Book.title")


class Book(Base):
    __tablename__ = "sa_books"
    id = Column(Integer, primary_key=True)
    title = Column(String, nullable=False)
    tags = Column(JSON)
    author_id = Column(ForeignKey("sa_authors.id"), nullable=False)
    author = relationship("Author", back_populates="books")


def url(driver, user):
    return sqlalchemy.engine.URL.create(f"postgresql+{driver}", user, steps.PASSWORD, steps.HOST, steps.PORT, steps.DATABASE)


owner = create_engine(url("psycopg2", "owner"))
engine = create_engine(url("psycopg2", "app"), pool_size=steps.WORKERS, pool_pre_ping=True)


@step("Alembic: upgrade, downgrade, upgrade, check against the models")
def _():
    with owner.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS sa_books, sa_authors, alembic_version"))
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", os.path.join(os.path.dirname(os.path.abspath(__file__)), "alembic_app"))
    config.attributes["engine"] = owner
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    command.upgrade(config, "head")
    columns = {column["name"] for column in inspect(owner).get_columns("sa_books")}
    equal({"id", "title", "tags", "author_id"}, columns)


@step("ORM: insert with relations, load, update, delete")
def _():
    with Session(engine) as session:
        session.add(Author(name="Ada", books=[Book(title="Notes", tags={"a": [1]}), Book(title="Engine")]))
        session.commit()
        author = session.execute(select(Author).options(selectinload(Author.books)).where(Author.name == "Ada")).scalar_one()
        equal(["Engine", "Notes"], [book.title for book in author.books])
        author.books[0].title = "Analytical engine"
        session.commit()
        equal("Analytical engine", session.scalar(select(func.min(Book.title))))
        session.add(Author(name="Ada"))
        refused(IntegrityError, session.commit)
        session.rollback()
        equal({"a": [1]}, session.scalar(select(Book.tags).where(Book.title == "Notes")))


@step("queries on more connections than servers")
def _():
    def work(worker):
        for number in range(20):
            with engine.connect() as connection:
                equal(worker * 100 + number, connection.scalar(text("SELECT :a + :b"), {"a": worker * 100, "b": number}))
    together(work)


@step("bulk inserts, stream_results, isolation levels")
def _():
    with Session(engine) as session:
        ada = session.scalar(select(Author.id).where(Author.name == "Ada"))
        session.bulk_save_objects([Book(title=f"t{number}", author_id=ada) for number in range(500)])
        session.commit()
    with engine.connect().execution_options(stream_results=True, max_row_buffer=20) as connection:
        equal(500500, sum(row[0] for row in connection.execute(text("SELECT g FROM generate_series(1, 1000) g"))))
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
        equal("serializable", connection.scalar(text("SHOW transaction_isolation")))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        equal("read committed", connection.scalar(text("SHOW transaction_isolation")))


@step("savepoints (begin_nested)")
def _():
    with Session(engine) as session, session.begin():
        session.add(Author(name="kept"))

        def inner():
            with session.begin_nested():
                session.execute(text("SELECT 1/0"))
        refused(DataError, inner)
    with Session(engine) as session:
        equal(1, session.scalar(select(func.count()).where(Author.name == "kept")))


@step("asyncpg dialect: pool, prepared, transactions")
def _():
    async def run():
        tls = ssl.create_default_context(cafile=steps.CA)
        pool = create_async_engine(url("asyncpg", "app"), pool_size=steps.WORKERS, connect_args={"ssl": tls})

        async def work(worker):
            for number in range(10):
                async with pool.begin() as connection:
                    equal(worker + number, (await connection.execute(text("SELECT CAST(:a AS int) + CAST(:b AS int)"), {"a": worker, "b": number})).scalar())
        await asyncio.gather(*(work(worker) for worker in range(12)))
        async with pool.connect() as connection:
            rows = await connection.stream(text("SELECT g FROM generate_series(1, 1000) g"))
            equal(500500, sum([row[0] async for row in rows]))
        await pool.dispose()
    asyncio.run(run())


@step("reflection of tables, indexes, keys")
def _():
    metadata = sqlalchemy.MetaData()
    metadata.reflect(engine, only=["sa_books", "sa_authors"])
    equal(["sa_authors.id"], [key.target_fullname for key in metadata.tables["sa_books"].foreign_keys])
    engine.dispose()
    owner.dispose()


steps.main(f"SQLAlchemy {sqlalchemy.__version__} (psycopg2, asyncpg, Alembic {__import__('alembic').__version__})")
