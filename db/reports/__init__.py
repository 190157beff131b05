"""What screens show: plain selects in, frozen rows out, for one person unless it is in `administration`.

Each report takes the same number of statements for one strategy as for thousands.
"""

from db.reports.administration import (
    LogRow,
    PersonRow,
    QuoteExposure,
    WorkerHealth,
    all_journal,
    all_strategies,
    audit_actions,
    audit_log,
    exposure,
    log_records,
    people,
    worker_health,
)
from db.reports.cards import StrategyCard
from db.reports.histories import (
    ClosedCycle,
    FillRow,
    JournalRow,
    closed_cycles,
    person_journal,
    strategy_fills,
    strategy_journal,
)
from db.reports.live import (
    Ban,
    FindingRow,
    LiveAccount,
    account_journal,
    all_live_accounts,
    bans,
    findings,
    live_account,
    live_accounts,
)
from db.reports.past import Month, PastCycle, PastFill, Place, Which, cycles, fills, months
from db.reports.personal import (
    Balance,
    StrategyDetail,
    balances,
    home,
    strategy_detail,
)

__all__ = [
    "Balance",
    "Ban",
    "ClosedCycle",
    "FillRow",
    "FindingRow",
    "JournalRow",
    "LiveAccount",
    "LogRow",
    "Month",
    "PastCycle",
    "PastFill",
    "PersonRow",
    "Place",
    "QuoteExposure",
    "StrategyCard",
    "StrategyDetail",
    "Which",
    "WorkerHealth",
    "account_journal",
    "all_journal",
    "all_live_accounts",
    "all_strategies",
    "audit_actions",
    "audit_log",
    "balances",
    "bans",
    "closed_cycles",
    "cycles",
    "exposure",
    "fills",
    "findings",
    "home",
    "live_account",
    "live_accounts",
    "log_records",
    "months",
    "people",
    "person_journal",
    "strategy_detail",
    "strategy_fills",
    "strategy_journal",
    "worker_health",
]
