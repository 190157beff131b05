"""The faults that this project survives, by the ids of its fault catalogue, and which test shows it.

    @fault("E8")
    async def test_a_fill_during_the_cancel_is_kept(...)

`count("E8")` says that the fault has just happened where it matters; the trust report adds these up.
"""

from __future__ import annotations

from collections import Counter

import pytest

CATALOGUE: dict[str, str] = {
    "E1": "timeout after the exchange accepted",
    "E2": "timeout before the exchange accepted",
    "E3": "a 5xx answer or one that says that the status is unknown",
    "E4": "a duplicate-id answer to our own request",
    "E5": "the same answer or fill delivered twice",
    "E6": "the order is closed, its trades arrive later",
    "E7": "partly filled, then cancelled",
    "E8": "a fill during the cancel",
    "E9": "cancel says: unknown order",
    "E10": "an order vanishes from the API",
    "E11": "a new order is not found yet",
    "E12": "a stale view in a slow loop",
    "E13": "clock skew",
    "E14": "429, 418 or a firewall's 403",
    "E15": "maintenance",
    "E16": "a symbol is delisted or halted",
    "E17": "trading rules change in the middle of a cycle",
    "E18": "the fee is taken in the base coin",
    "E19": "the fee is unknown or in several coins",
    "E20": "dust below the minima is left",
    "E21": "the price jumps through several levels",
    "E22": "the price falls through the stop loss",
    "E23": "one bad tick",
    "E24": "an empty or absurd ticker",
    "E25": "the person cancels our order on the exchange",
    "E26": "the person sells or withdraws the coins",
    "E27": "the person buys more or deposits",
    "E28": "another program trades on the account",
    "E29": "two strategies on one account and symbol",
    "E30": "another trade close in time to ours",
    "E31": "the key is revoked or expired, or the address changed",
    "E32": "the key gains the right to withdraw, or loses its address",
    "E33": "insufficient funds for a level",
    "E34": "more executed than ordered",
    "E35": "an order is rejected, matched or expired at once",
    "E36": "the exchange takes trades back",
    "E37": "pages and look-back limits",
    "E38": "a nonce shared by two processes",
    "E39": "a new ccxt parses differently",
    "D1": "connection lost in the middle of a transaction",
    "D2": "the outcome of COMMIT is unknown",
    "D3": "deadlock",
    "D4": "lock wait timeout",
    "D5": "snapshot conflict",
    "D6": "a stale poll does not see the stop",
    "D7": "a lost update",
    "D8": "the database is down for minutes",
    "D9": "the database is slow",
    "D10": "read-only after a failover",
    "D11": "a failover loses the last commits",
    "D12": "split brain",
    "D13": "replica lag",
    "D14": "disk full",
    "D15": "too many connections, shutdown",
    "D16": "a lease lost with its connection",
    "D17": "rounding, character sets, collation",
    "D18": "a cancelled call leaves a connection out of step",
    "D19": "a connection shared across fork or threads",
    "D20": "an old backup is restored",
    "D21": "the schema does not fit the program",
    "D22": "a transaction is open during an exchange call",
    "D23": "SKIP LOCKED",
    "P1": "kill -9 at any await",
    "P2": "SIGTERM while an order is placed",
    "P3": "a task cancelled between send and record",
    "P4": "out of memory",
    "P5": "two workers on one account",
    "P6": "a pause past the lease, then on",
    "P7": "clock jumps",
    "P8": "daylight saving, leap second, time zone",
    "P9": "a storm of restarts",
    "P10": "a poison strategy",
    "P11": "a slow strategy starves others",
    "P12": "two versions at once",
    "P13": "the log's disk is full, standard output blocked",
    "P14": "hung DNS or TLS, half-open socket",
    "P15": "the dashboard is down or taken over",
    "P16": "stop pressed while orders are being sent",
}

PEOPLE: dict[str, str] = {
    "I1": "numbers that are none, or absurd",
    "I2": "a ladder of absurd length or size",
    "I3": "a ladder that reaches zero, the minima or beyond the money",
    "I4": "SQL in a name",
    "I5": "HTML, JavaScript or Markdown in a name or in what an exchange says",
    "I6": "a spreadsheet's formula in an export",
    "I7": "letters that mislead: hidden, turned round, look-alike, endless",
    "I8": "two windows edit the same thing",
    "I9": "parameters edited in the middle of a cycle",
    "I10": "something is removed while coins are held",
    "I11": "a click that arrives twice",
    "I12": "a symbol or an exchange that must not be traded",
    "I13": "rows written by a dashboard that was taken over",
    "S1": "somebody else's ids",
    "S2": "a cache that people share",
    "S3": "a session prepared by somebody else",
    "S4": "a stolen cookie",
    "S5": "passwords guessed by machine",
    "S6": "names found out by their answers",
    "S7": "a code of the second factor seen or guessed",
    "S8": "somebody makes themselves administrator",
    "S9": "another site acts with the person's cookie",
    "S10": "script in the name of a strategy",
    "S11": "secrets in logs and errors",
    "S12": "the database or its copy leaks",
    "S13": "a sealed text moved to another person",
    "S14": "another public key put in the place of the worker's",
    "S15": "a key that can withdraw, or works from anywhere",
    "S16": "the worker is asked to withdraw",
    "S17": "history edited by who can write the database",
    "S18": "a package that is not what was pinned",
    "S19": "Streamlit's agent door",
    "S20": "headers that claim who somebody is",
    "S21": "logins that eat the memory",
    "S22": "one person uses up what all share",
    "S23": "the password reset as the weak way in",
}
"""What people type and what attackers try. The trust report is about the catalogue above; these have a test
of their own, tests/test_people_faults.py."""

NOT_PRODUCIBLE: dict[str, str] = {
    "D5": "needs MariaDB 11.6 or newer with snapshot isolation; the error code is tested as a retry",
    "D12": "a worker talks to the one address it is given; two writable primaries are the operator's"
    " failover tool's fault, and there is none here",
    "D13": "no replica is read anywhere: there is one DATABASE_URL",
    "D23": "SKIP LOCKED is not used",
}

fired: Counter[str] = Counter()


def fault(*ids: str) -> pytest.MarkDecorator:
    """Marks the test that shows how these faults are survived."""
    unknown = set(ids) - CATALOGUE.keys() - PEOPLE.keys()
    assert not unknown, f"not in the catalogue: {unknown}"
    return pytest.mark.fault(*ids)


def count(fault_id: str, times: int = 1) -> None:
    """That fault has happened in a state where it matters."""
    assert fault_id in CATALOGUE, fault_id
    fired[fault_id] += times
