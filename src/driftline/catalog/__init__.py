"""What is remembered: all the SQL, on SQLite and PostgreSQL, one module a noun."""

from driftline.catalog.database import Catalog

__all__ = ["Catalog"]
