"""Live accounts: caps and consents, sealed keys, what the worker says of them, bans, proofs, findings.

`exchange_accounts.sealed_secret` was never used; keys have versions and a table of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from db.tables.model import MYSQL_OPTIONS
from db.types import AsciiId, BigId, Json, UtcDateTime, Words

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _accounts()
    _keys()
    _account_status()
    _exchanges()
    _findings()


def _accounts() -> None:
    op.add_column("exchange_accounts", sa.Column("caps", Json(), nullable=True))
    added: tuple[tuple[str, sa.Boolean | sa.Integer], ...] = (
        ("accepts_no_address", sa.Boolean()),
        ("accepts_unverified", sa.Boolean()),
        ("self_test_rev", sa.Integer()),
        ("rev", sa.Integer()),
    )
    for name, kind in added:
        column: sa.Column[Any] = sa.Column(name, kind, server_default=sa.text("0"), nullable=False)
        op.add_column("exchange_accounts", column)
    op.drop_column("exchange_accounts", "sealed_secret")


def _keys() -> None:
    op.create_table(
        "account_keys",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pair_id", AsciiId(16), nullable=False),
        sa.Column("sealed", AsciiId(8000), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["exchange_accounts.id"], name=op.f("fk_account_keys_account_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_account_keys_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_keys")),
        sa.UniqueConstraint(
            "account_id", "version", name=op.f("uq_account_keys_account_id_version")
        ),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_account_keys_pair_id"), "account_keys", ["pair_id"], unique=False)


def _account_status() -> None:
    op.create_table(
        "account_status",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=True),
        sa.Column("key_state", AsciiId(24), nullable=False),
        sa.Column("sentence", Words(1000), nullable=False),
        sa.Column("permissions", Json(), nullable=True),
        sa.Column("fingerprint", AsciiId(64), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column("self_test_rev", sa.Integer(), nullable=False),
        sa.Column("self_test", AsciiId(24), nullable=False),
        sa.Column("self_test_sentence", Words(1000), nullable=False),
        sa.Column("foreign_orders", sa.Integer(), nullable=False),
        sa.Column("mismatch", Json(), nullable=True),
        sa.Column("reconciled_at", UtcDateTime(), nullable=True),
        sa.Column("address", AsciiId(64), nullable=True),
        sa.Column("hold", Words(1000), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_status")),
        **MYSQL_OPTIONS,
    )
    for name in ("user_id", "fingerprint"):
        op.create_index(op.f(f"ix_account_status_{name}"), "account_status", [name], unique=False)


def _exchanges() -> None:
    op.create_table(
        "exchange_bans",
        sa.Column("exchange", AsciiId(32), nullable=False),
        sa.Column("address", AsciiId(64), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "address", name=op.f("pk_exchange_bans")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "exchange_proofs",
        sa.Column("exchange", AsciiId(32), nullable=False),
        sa.Column("proven_at", UtcDateTime(), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.PrimaryKeyConstraint("exchange", name=op.f("pk_exchange_proofs")),
        **MYSQL_OPTIONS,
    )


def _findings() -> None:
    op.create_table(
        "audit_findings",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("check_id", AsciiId(24), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("strategy_id", BigId, nullable=True),
        sa.Column("sentence", Words(1000), nullable=False),
        sa.Column("first_seen", UtcDateTime(), nullable=False),
        sa.Column("last_seen", UtcDateTime(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_findings")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_audit_findings_account_id_resolved_at"),
        "audit_findings",
        ["account_id", "resolved_at"],
        unique=False,
    )
    op.create_index(op.f("ix_audit_findings_last_seen"), "audit_findings", ["last_seen"])
