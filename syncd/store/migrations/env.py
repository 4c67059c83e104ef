"""Run by alembic, inside the transaction that `syncd.store.revisions` hands over."""

from alembic import context
from sqlalchemy import Connection

from syncd.store.revisions import VERSION_TABLE
from syncd.store.tables import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
