"""The first tables: until the first release they are made as the modules have them; after it each change is a step."""

from alembic import op

from driftline.catalog import alerttables, tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    for each in (tables, alerttables):
        each.metadata.create_all(op.get_bind())
