"""The database: one URL, transactions, migrations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from driftline.catalog.audit import auditing, listen
from driftline.catalog.confines import OPTION, Confines, confine, refused
from driftline.catalog.tables import VERSION
from driftline.errors import Invalid, Unavailable

Begin = Callable[[], AbstractContextManager[Connection]]
"""Begins a transaction, as `Catalog.begin`; it may refuse to."""

MIGRATIONS = Path(__file__).resolve().parent / "migrations"


class Catalog:
    """A database of this URL, SQLite or PostgreSQL; safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet; raises `Invalid` for a URL of another database."""
        self.url = make_url(url)
        self._turn, self._confines = threading.Lock(), Confines()
        if self.url.get_backend_name() == "postgresql":
            self.url = self.url.set(drivername="postgresql+psycopg")
            self._engine = create_engine(self.url, pool_pre_ping=True, pool_size=10, max_overflow=20)
        elif self.url.get_backend_name() == "sqlite":
            self._engine = _sqlite(self.url)
        else:
            expected = "sqlite:///FILE or postgresql://USER@HOST/NAME"
            raise Invalid(what="database URL", got=self.url.get_backend_name(), expected=expected)
        listen(self._engine)
        event.listen(self._engine, "before_execute", confine, retval=True)

    def confined(self, confines: Confines) -> Catalog:
        """The same database, of which only some spaces are seen and changed."""
        if not confines:
            return self
        found = copy(self)
        found._confines = confines
        return found

    @property
    def on_postgres(self) -> bool:
        """Whether rows can be locked one by one."""
        return self.url.get_backend_name() == "postgresql"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed at the end, undone by any error. Raises `Unavailable` if there is no database.

        What somebody who acts changes in it stands in the audit log, too.
        """
        try:
            # SQLite has one writer: threads that wait their turn here need not sleep and look again
            turn = nullcontext() if self.on_postgres else self._turn
            with turn, self._options().begin() as connection, auditing(connection):
                yield connection
        except (OperationalError, InterfaceError) as error:
            raise CatalogUnavailable(reason=str(error.orig)) from error
        except PoolTimeout as error:
            raise CatalogUnavailable(reason="all connections are in use") from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As `begin`, for reading only: on SQLite it waits for nobody."""
        try:
            with self._options(reads=True).begin() as connection:
                yield connection
        except (OperationalError, InterfaceError) as error:
            raise CatalogUnavailable(reason=str(error.orig)) from error
        except PoolTimeout as error:
            raise CatalogUnavailable(reason="all connections are in use") from error

    @property
    def is_confined(self) -> bool:
        """Whether some spaces are not seen, or may not be changed."""
        return bool(self._confines)

    def sees(self, space: str) -> bool:
        """Whether what is in this space is seen."""
        return self._confines.seen is None or space in self._confines.seen

    def refuse_change(self, space: str) -> None:
        """Raise `Denied` where what is in this space may not be changed: before what lies elsewhere is."""
        if self._confines.changed is not None and space not in self._confines.changed:
            raise refused()

    def _options(self, **more: Any) -> Engine:
        told = {OPTION: self._confines, **more} if self._confines else more
        return self._engine.execution_options(**told) if told else self._engine

    def clock(self) -> datetime:
        """The time that all workers agree on: the server's of PostgreSQL, this machine's with SQLite."""
        if not self.on_postgres:
            return datetime.now(UTC)
        with self.read() as tx:
            found: datetime = tx.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return found.astimezone(UTC)

    def migrate(self) -> None:
        """Bring the tables up to date; safe to call by several processes at once."""
        if self._is_current():
            return
        from alembic import command
        from alembic.config import Config

        if self.url.get_backend_name() == "sqlite" and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.begin() as connection:
            if self.on_postgres:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4711_0815)")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _is_current(self) -> bool:
        """Whether nothing is to be done, known without loading Alembic, which takes half a second."""
        try:
            with self.read() as tx:
                return tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == VERSION
        except (CatalogUnavailable, ProgrammingError):
            return False

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


class CatalogUnavailable(Unavailable):
    """The database cannot be reached or refuses work: {reason}. It is tried again."""


def _sqlite(url: Any) -> Engine:
    """SQLite that waits for other writers, and takes the write lock at the start of a transaction."""
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})

    def opened(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    def begun(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", opened)
    event.listen(engine, "begin", begun)
    return engine
