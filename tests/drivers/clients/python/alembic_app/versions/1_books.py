import sqlalchemy as sa
from alembic import op

revision, down_revision = "1", None


def upgrade():
    op.create_table("sa_authors", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String, nullable=False, unique=True))
    op.create_table("sa_books", sa.Column("id", sa.Integer, primary_key=True), sa.Column("title", sa.String, nullable=False), sa.Column("tags", sa.JSON),
                    sa.Column("author_id", sa.Integer, sa.ForeignKey("sa_authors.id"), nullable=False))


def downgrade():
    op.drop_table("sa_books")
    op.drop_table("sa_authors")
