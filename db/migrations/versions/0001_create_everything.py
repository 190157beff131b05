"""Create everything."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from db.tables.model import MYSQL_OPTIONS
from db.types import AsciiId, BigId, Bytes, Json, Money, UtcDateTime, Words

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_user_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_user_id", sa.BigInteger(), nullable=True),
        sa.Column("action", AsciiId(64), nullable=False),
        sa.Column("details", Json(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("prev_hash", AsciiId(64), nullable=True),
        sa.Column("hash", AsciiId(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sa.UniqueConstraint("position", name=op.f("uq_audit_position")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index(op.f("ix_audit_subject_user_id"), "audit", ["subject_user_id"], unique=False)
    op.create_table(
        "candle_chunks",
        sa.Column("venue", AsciiId(32), nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("month", AsciiId(7), nullable=False),
        sa.Column("data", Bytes(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("venue", "symbol", "month", name=op.f("pk_candle_chunks")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "candle_requests",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("venue", AsciiId(32), nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("state", AsciiId(24), nullable=False),
        sa.Column("taken_by", AsciiId(96), nullable=True),
        sa.Column("done_until", sa.BigInteger(), nullable=True),
        sa.Column("reason", Words(1000), nullable=True),
        sa.Column("asked_by", BigId, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candle_requests")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_candle_requests_state_id"), "candle_requests", ["state", "id"], unique=False
    )
    op.create_table(
        "candles",
        sa.Column("venue", AsciiId(32), nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("opened", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("open", Money(), nullable=False),
        sa.Column("high", Money(), nullable=False),
        sa.Column("low", Money(), nullable=False),
        sa.Column("close", Money(), nullable=False),
        sa.Column("volume", Money(), nullable=False),
        sa.PrimaryKeyConstraint("venue", "symbol", "opened", name=op.f("pk_candles")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "cycles",
        sa.Column("strategy_id", BigId, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("market", Json(), nullable=False),
        sa.Column("engine_version", sa.Integer(), nullable=False),
        sa.Column("size_factor", Money(), nullable=False),
        sa.Column("wanted", AsciiId(24), nullable=False),
        sa.Column("carried_quantity", Money(), nullable=False),
        sa.Column("carried_cost", Money(), nullable=False),
        sa.Column("peak", Money(), nullable=True),
        sa.Column("exit", AsciiId(24), nullable=True),
        sa.Column("exit_at", UtcDateTime(), nullable=True),
        sa.Column("released_at_price", Money(), nullable=True),
        sa.Column("last_ended_at", UtcDateTime(), nullable=True),
        sa.Column("cycles_done", sa.Integer(), nullable=False),
        sa.Column("stop_losses_in_row", sa.Integer(), nullable=False),
        sa.Column("reinvested", Money(), nullable=False),
        sa.Column("skipped", Json(), nullable=False),
        sa.Column("held", Json(), nullable=False),
        sa.Column("forgiven_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("realized_pnl", Money(), nullable=True),
        sa.Column("fees", Money(), nullable=True),
        sa.Column("bought_cost", Money(), nullable=True),
        sa.Column("sold_proceeds", Money(), nullable=True),
        sa.Column("dust_quantity", Money(), nullable=True),
        sa.Column("dust_cost", Money(), nullable=True),
        sa.Column("levels_filled", sa.Integer(), nullable=True),
        sa.Column("ended_by", AsciiId(24), nullable=True),
        sa.PrimaryKeyConstraint("strategy_id", "number", name=op.f("pk_cycles")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_cycles_account_id_closed_at"), "cycles", ["account_id", "closed_at"], unique=False
    )
    op.create_table(
        "fills",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("trade_id", AsciiId(64), nullable=False),
        sa.Column("client_order_id", AsciiId(32), nullable=False),
        sa.Column("strategy_id", BigId, nullable=False),
        sa.Column("cycle_number", sa.Integer(), nullable=False),
        sa.Column("side", AsciiId(24), nullable=False),
        sa.Column("role", AsciiId(24), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("price", Money(), nullable=False),
        sa.Column("quantity", Money(), nullable=False),
        sa.Column("fee", Money(), nullable=False),
        sa.Column("fee_asset", Words(32), nullable=False),
        sa.Column("fee_value", Money(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "symbol", "trade_id", name=op.f("pk_fills")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_fills_client_order_id"), "fills", ["client_order_id"], unique=False)
    op.create_index(op.f("ix_fills_strategy_id_at"), "fills", ["strategy_id", "at"], unique=False)
    op.create_index(
        op.f("ix_fills_strategy_id_cycle_number"),
        "fills",
        ["strategy_id", "cycle_number"],
        unique=False,
    )
    op.create_table(
        "halt_acknowledgements",
        sa.Column("worker", AsciiId(96), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_halt_acknowledgements")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", AsciiId(4), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("schema_epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "journal",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("strategy_id", sa.BigInteger(), nullable=True),
        sa.Column("cycle_number", sa.BigInteger(), nullable=True),
        sa.Column("client_order_id", AsciiId(32), nullable=True),
        sa.Column("level", AsciiId(24), nullable=False),
        sa.Column("code", AsciiId(48), nullable=False),
        sa.Column("sentence", Words(1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_journal_at"), "journal", ["at"], unique=False)
    op.create_index(
        op.f("ix_journal_strategy_id_id"), "journal", ["strategy_id", "id"], unique=False
    )
    op.create_index(op.f("ix_journal_user_id_id"), "journal", ["user_id", "id"], unique=False)
    op.create_table(
        "leases",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("owner", AsciiId(96), nullable=True),
        sa.Column("token", BigId, nullable=False),
        sa.Column("beat", BigId, nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_leases")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_leases_owner"), "leases", ["owner"], unique=False)
    op.create_table(
        "log_records",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("level", AsciiId(24), nullable=False),
        sa.Column("logger", AsciiId(100), nullable=False),
        sa.Column("process", AsciiId(100), nullable=False),
        sa.Column("sentence", Words(4000), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("strategy_id", sa.BigInteger(), nullable=True),
        sa.Column("client_order_id", AsciiId(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_records")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_log_records_at"), "log_records", ["at"], unique=False)
    op.create_index(
        op.f("ix_log_records_strategy_id"), "log_records", ["strategy_id"], unique=False
    )
    op.create_index(op.f("ix_log_records_user_id"), "log_records", ["user_id"], unique=False)
    op.create_table(
        "login_attempts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("username", Words(64), nullable=False),
        sa.Column("ip", AsciiId(64), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_login_attempts_at"), "login_attempts", ["at"], unique=False)
    op.create_index(op.f("ix_login_attempts_ip_at"), "login_attempts", ["ip", "at"], unique=False)
    op.create_index(
        op.f("ix_login_attempts_username_at"), "login_attempts", ["username", "at"], unique=False
    )
    op.create_table(
        "login_tickets",
        sa.Column("hash", AsciiId(64), nullable=False),
        sa.Column("jwt", AsciiId(2000), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_login_tickets")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_login_tickets_expires_at"), "login_tickets", ["expires_at"], unique=False
    )
    op.create_table(
        "markets",
        sa.Column("venue", AsciiId(32), nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("rules", Json(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("venue", "symbol", name=op.f("pk_markets")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "orders",
        sa.Column("client_order_id", AsciiId(32), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("strategy_id", BigId, nullable=False),
        sa.Column("cycle_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", AsciiId(24), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("side", AsciiId(24), nullable=False),
        sa.Column("kind", AsciiId(24), nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("price", Money(), nullable=True),
        sa.Column("planned_price", Money(), nullable=False),
        sa.Column("quantity", Money(), nullable=False),
        sa.Column("status", AsciiId(24), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("deadline", UtcDateTime(), nullable=False),
        sa.Column("venue_order_id", AsciiId(64), nullable=True),
        sa.Column("reported_filled", Money(), nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("expired", sa.Boolean(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("reason", AsciiId(64), nullable=True),
        sa.Column("token", BigId, nullable=False),
        sa.Column(
            "live",
            sa.SmallInteger(),
            sa.Computed(
                "CASE WHEN status IN ('cancelling', 'open', 'quarantined', 'sending') THEN 1 END",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("client_order_id", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "strategy_id",
            "cycle_number",
            "role",
            "level",
            "live",
            name=op.f("uq_orders_strategy_id_cycle_number_role_level_live"),
        ),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_orders_account_id_live"), "orders", ["account_id", "live"], unique=False
    )
    op.create_table(
        "request_keys",
        sa.Column("user_id", BigId, autoincrement=False, nullable=False),
        sa.Column("key", AsciiId(64), nullable=False),
        sa.Column("action", AsciiId(64), nullable=False),
        sa.Column("result", BigId, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_request_keys")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_request_keys_created_at"), "request_keys", ["created_at"], unique=False
    )
    op.create_table(
        "settings",
        sa.Column("name", AsciiId(64), nullable=False),
        sa.Column("value", Json(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "strategy_status",
        sa.Column("strategy_id", BigId, autoincrement=False, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("actual_state", AsciiId(24), nullable=False),
        sa.Column("observed_rev", sa.Integer(), nullable=False),
        sa.Column("reason", Words(1000), nullable=False),
        sa.Column("missing", Money(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("strategy_id", name=op.f("pk_strategy_status")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_strategy_status_account_id"), "strategy_status", ["account_id"], unique=False
    )
    op.create_table(
        "symbols",
        sa.Column("venue", AsciiId(32), nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("base", Words(32), nullable=False),
        sa.Column("quote", Words(32), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_practice", sa.Boolean(), nullable=False),
        sa.Column("note", Words(300), nullable=False),
        sa.PrimaryKeyConstraint("venue", "symbol", name=op.f("pk_symbols")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "tickers",
        sa.Column("venue", AsciiId(32), nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("bid", Money(), nullable=False),
        sa.Column("ask", Money(), nullable=False),
        sa.Column("last", Money(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("venue", "symbol", name=op.f("pk_tickers")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "users",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("username", AsciiId(32), nullable=False),
        sa.Column("display_name", Words(100), nullable=False),
        sa.Column("password_hash", AsciiId(255), nullable=False),
        sa.Column("role", AsciiId(24), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("auth_version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("time_zone", AsciiId(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "venue_accounts",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("next_order", sa.BigInteger(), nullable=False),
        sa.Column("next_trade", sa.BigInteger(), nullable=False),
        sa.Column("walked_until", UtcDateTime(), nullable=True),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_venue_accounts")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "venue_balances",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("asset", Words(32), nullable=False),
        sa.Column("free", Money(), nullable=False),
        sa.Column("used", Money(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "asset", name=op.f("pk_venue_balances")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "venue_orders",
        sa.Column("client_order_id", AsciiId(32), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("venue", AsciiId(32), nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("venue_order_id", AsciiId(64), nullable=False),
        sa.Column("side", AsciiId(24), nullable=False),
        sa.Column("kind", AsciiId(24), nullable=False),
        sa.Column("price", Money(), nullable=True),
        sa.Column("quantity", Money(), nullable=False),
        sa.Column("filled", Money(), nullable=False),
        sa.Column("status", AsciiId(24), nullable=False),
        sa.Column("locked", Money(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("walked_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("client_order_id", name=op.f("pk_venue_orders")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_venue_orders_account_id_status"),
        "venue_orders",
        ["account_id", "status"],
        unique=False,
    )
    op.create_table(
        "venue_trades",
        sa.Column("account_id", BigId, autoincrement=False, nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("trade_id", AsciiId(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("client_order_id", AsciiId(32), nullable=False),
        sa.Column("side", AsciiId(24), nullable=False),
        sa.Column("price", Money(), nullable=False),
        sa.Column("quantity", Money(), nullable=False),
        sa.Column("fee", Money(), nullable=False),
        sa.Column("fee_asset", Words(32), nullable=False),
        sa.Column("fee_value", Money(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "symbol", "trade_id", name=op.f("pk_venue_trades")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_venue_trades_account_id_seq"), "venue_trades", ["account_id", "seq"], unique=True
    )
    op.create_index(
        op.f("ix_venue_trades_client_order_id"), "venue_trades", ["client_order_id"], unique=False
    )
    op.create_table(
        "workers",
        sa.Column("name", AsciiId(96), nullable=False),
        sa.Column("host", AsciiId(64), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started", AsciiId(64), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False),
        sa.Column("state", AsciiId(24), nullable=False),
        sa.Column("build", AsciiId(64), nullable=False),
        sa.Column("lag_ms", sa.Float(), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("strategies", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "exchange_accounts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("name", Words(100), nullable=False),
        sa.Column("kind", AsciiId(24), nullable=False),
        sa.Column("exchange", AsciiId(32), nullable=False),
        sa.Column("quote_start", Json(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sealed_secret", Bytes(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_exchange_accounts_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_accounts")),
        **MYSQL_OPTIONS,
    )
    op.create_index(
        op.f("ix_exchange_accounts_user_id"), "exchange_accounts", ["user_id"], unique=False
    )
    op.create_table(
        "one_time_codes",
        sa.Column("hash", AsciiId(64), nullable=False),
        sa.Column("kind", AsciiId(24), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_one_time_codes_user_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_one_time_codes")),
        **MYSQL_OPTIONS,
    )
    op.create_table(
        "sessions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("sid_hash", AsciiId(64), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("auth_version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("ip", AsciiId(64), nullable=False),
        sa.Column("agent", Words(300), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("sid_hash", name=op.f("uq_sessions_sid_hash")),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "strategies",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("name", Words(100), nullable=False),
        sa.Column("symbol", Words(64), nullable=False),
        sa.Column("parameters_version", sa.Integer(), nullable=False),
        sa.Column("desired_state", AsciiId(24), nullable=False),
        sa.Column("desired_rev", sa.Integer(), nullable=False),
        sa.Column("desired_at", UtcDateTime(), nullable=False),
        sa.Column("passed_levels", AsciiId(24), nullable=False),
        sa.Column("release", sa.Boolean(), nullable=False),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column(
            "active_symbol",
            Words(64),
            sa.Computed("CASE WHEN archived_at IS NULL THEN symbol END", persisted=True),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["exchange_accounts.id"], name=op.f("fk_strategies_account_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_strategies_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strategies")),
        sa.UniqueConstraint(
            "account_id", "active_symbol", name=op.f("uq_strategies_account_id_active_symbol")
        ),
        **MYSQL_OPTIONS,
    )
    op.create_index(op.f("ix_strategies_changed_at"), "strategies", ["changed_at"], unique=False)
    op.create_index(op.f("ix_strategies_user_id"), "strategies", ["user_id"], unique=False)
    op.create_table(
        "strategy_parameters",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("strategy_id", BigId, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategies.id"], name=op.f("fk_strategy_parameters_strategy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strategy_parameters")),
        sa.UniqueConstraint(
            "strategy_id", "version", name=op.f("uq_strategy_parameters_strategy_id_version")
        ),
        **MYSQL_OPTIONS,
    )
