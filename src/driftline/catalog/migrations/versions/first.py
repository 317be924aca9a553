"""The first tables: until the first release they are made as `tables.py` has them; after it each change is a step."""

from alembic import op

from driftline.catalog.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    metadata.create_all(op.get_bind())
