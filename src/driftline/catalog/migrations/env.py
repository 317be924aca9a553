"""Alembic's entry: it runs on the connection that `Catalog.migrate` opened."""

from alembic import context

from driftline.catalog.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
