"""Second factors, invitations, preferences, drafts, and notifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from db.tables.model import MYSQL_OPTIONS
from db.types import AsciiId, BigId, Json, UtcDateTime, Words

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _second_factors()
    _invitations()
    _preferences_and_drafts()
    _notifications()


def _second_factors() -> None:
    op.create_table(
        "second_factors",
        sa.Column("user_id", BigId, autoincrement=False, nullable=False),
        sa.Column("seed", AsciiId(400), nullable=False),
        sa.Column("salt", AsciiId(64), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("hash", AsciiId(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("user_id", "hash", name=op.f("uq_recovery_codes_user_id_hash")),
        **MYSQL_OPTIONS,
    )


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("token_hash", AsciiId(64), nullable=False),
        sa.Column("role", AsciiId(24), nullable=False),
        sa.Column("created_by", BigId, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("used_by", BigId, nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_invitations_created_by")
        ),
        sa.ForeignKeyConstraint(["used_by"], ["users.id"], name=op.f("fk_invitations_used_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_invitations_expires_at"), "invitations", ["expires_at"])


def _preferences_and_drafts() -> None:
    op.create_table(
        "user_preferences",
        sa.Column("user_id", BigId, autoincrement=False, nullable=False),
        sa.Column("theme", AsciiId(24), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_preferences_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_preferences")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "drafts",
        sa.Column("user_id", BigId, autoincrement=False, nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("content", Json(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_drafts_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_drafts")),
        **MYSQL_OPTIONS,
    )


def _notifications() -> None:
    op.create_table(
        "notification_targets",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("kind", AsciiId(24), nullable=False),
        sa.Column("name", Words(100), nullable=False),
        sa.Column("pair_id", AsciiId(16), nullable=False),
        sa.Column("sealed", AsciiId(8000), nullable=False),
        sa.Column("events", Json(), nullable=False),
        sa.Column("state", AsciiId(24), nullable=False),
        sa.Column("sentence", Words(1000), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_targets_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_targets")),
        **MYSQL_OPTIONS,
    )
    for column in ("user_id", "pair_id"):
        name = op.f(f"ix_notification_targets_{column}")
        op.create_index(name, "notification_targets", [column])
    op.create_table(
        "outbox",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("target_id", BigId, nullable=False),
        sa.Column("event", AsciiId(24), nullable=False),
        sa.Column("sentence", Words(1000), nullable=False),
        sa.Column("state", AsciiId(24), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("taken_by", AsciiId(96), nullable=True),
        sa.Column("taken_until", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        **MYSQL_OPTIONS,
    )
    for columns in (["state", "next_at"], ["target_id"], ["user_id"], ["created_at"]):
        op.create_index(op.f(f"ix_outbox_{'_'.join(columns)}"), "outbox", columns)
