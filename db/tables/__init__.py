"""All tables; importing this package knows them all. Each file says who writes them.

`...Row`: the table of a value that has the plain name elsewhere (`core.Cycle`, `db.journal.JournalEntry`).
"""

from __future__ import annotations

from db.tables.doubts import OrderAnswerRow, OrderInquiryRow
from db.tables.keys import (
    AccountKeyRow,
    AccountStatusRow,
    AuditFindingRow,
    ExchangeBanRow,
    ExchangeProofRow,
)
from db.tables.market import (
    CandleChunkRow,
    CandleRequestRow,
    CandleRow,
    MarketRow,
    PriceRequestRow,
    SymbolRow,
    TickerRow,
)
from db.tables.model import Model
from db.tables.notifications import NotificationTargetRow, OutboxRow
from db.tables.people import (
    LoginAttempt,
    LoginSession,
    LoginTicket,
    OneTimeCode,
    RequestKey,
    User,
)
from db.tables.personal import (
    DraftRow,
    InvitationRow,
    PreferencesRow,
    RecoveryCodeRow,
    SecondFactorRow,
)
from db.tables.records import AuditEntry, JournalRow, LogRecord
from db.tables.strategies import (
    ExchangeAccount,
    Strategy,
    StrategyParameters,
    StrategyStatusRow,
)
from db.tables.trading import NO_LEVEL, CycleRow, FillRow, OrderRow
from db.tables.venue import VenueAccountRow, VenueBalanceRow, VenueOrderRow, VenueTradeRow
from db.tables.workers import (
    HaltAcknowledgement,
    Installation,
    LeaseRow,
    Setting,
    WorkerRow,
)

__all__ = [
    "NO_LEVEL",
    "AccountKeyRow",
    "AccountStatusRow",
    "AuditEntry",
    "AuditFindingRow",
    "CandleChunkRow",
    "CandleRequestRow",
    "CandleRow",
    "CycleRow",
    "DraftRow",
    "ExchangeAccount",
    "ExchangeBanRow",
    "ExchangeProofRow",
    "FillRow",
    "HaltAcknowledgement",
    "Installation",
    "InvitationRow",
    "JournalRow",
    "LeaseRow",
    "LogRecord",
    "LoginAttempt",
    "LoginSession",
    "LoginTicket",
    "MarketRow",
    "Model",
    "NotificationTargetRow",
    "OneTimeCode",
    "OrderAnswerRow",
    "OrderInquiryRow",
    "OrderRow",
    "OutboxRow",
    "PreferencesRow",
    "PriceRequestRow",
    "RecoveryCodeRow",
    "RequestKey",
    "SecondFactorRow",
    "Setting",
    "Strategy",
    "StrategyParameters",
    "StrategyStatusRow",
    "SymbolRow",
    "TickerRow",
    "User",
    "VenueAccountRow",
    "VenueBalanceRow",
    "VenueOrderRow",
    "VenueTradeRow",
    "WorkerRow",
]
