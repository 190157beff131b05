"""Bugs on purpose, one at a time: rules that carry the weight taken away, and mistakes that others made.

Each is an exact replacement of text in one file, and the tests named for it. `python -m tests.trust --stage
seeded-bugs` applies each to a copy of the program and runs its tests: a bug that no test notices, and one
whose text is not there any more, both fail.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bug:
    """`old` stands in `file` exactly once. `tests`: node ids of pytest; one failure among them is enough."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def is_quick(self) -> bool:
        """Its tests need no database server of their own."""
        return all(test.startswith(("tests/core", WISHES, ORDERS)) for test in self.tests)


ORDERS = "tests/worker/test_account_orders.py::"
WISHES = "tests/worker/test_account_wishes.py::"
ISOLATION = "tests/worker/test_account_isolation.py::"
CORE_ORDERS = "tests/core/test_orders.py::"
SENDING = "tests/worker/test_live_sending.py::"
OUTCOMES = "tests/exchanges/test_outcomes.py::"
LIVE_RULES = "tests/trust/test_live_rules.py::"
RULES = "tests/trust/test_rules.py::"
TRANSACTIONS = "tests/db/test_transactions.py::"

PROTOCOL: tuple[Bug, ...] = (
    Bug(
        "the deadline of a request is not checked",
        "worker/venues/ledger_venue.py",
        "    if at > order.created_at + WINDOW:\n",
        "    if False:\n",
        (ORDERS + "test_a_request_that_arrives_after_its_deadline_is_refused_by_the_venue",
         "tests/worker/test_ledger_venue.py"),
    ),
    Bug(
        "the wait before proof is dropped",
        "worker/proof.py",
        "        if doubt is None or asked - doubt.first_seen <= wait:\n",
        "        if doubt is None:\n",
        (ORDERS + "test_not_found_counts_only_after_the_window_and_three_times",),
    ),
    Bug(
        "one answer is proof",
        "worker/proof.py",
        "ROUNDS = 3\n",
        "ROUNDS = 1\n",
        (ORDERS + "test_not_found_counts_only_after_the_window_and_three_times",),
    ),
    Bug(
        "the index lag of the venue is not waited for",
        "worker/proof.py",
        "(request_window + MARGIN + index_lag)",
        "(request_window + MARGIN)",
        (ORDERS + "test_a_venue_whose_answers_lag_is_waited_for_that_much_longer",),
    ),
    Bug(
        "an error while asking counts as not found",
        "worker/questions.py",
        "if (u := proof.unanswered(o.client_order_id, asked))]",
        "if (u := self._not_found(o, asked))]",
        (ORDERS + "test_an_error_is_not_not_found",),
    ),
    Bug(
        "it is sent before it is committed",
        "worker/account.py",
        "        unit = self.rows.unit_of(turn, self.halt_rev)\n",
        "        self._take_over(turn)\n        early = await self.sending.execute(turn)\n"
        "        if early:\n            return early\n"
        "        unit = self.rows.unit_of(turn, self.halt_rev)\n",
        (ORDERS + "test_a_halt_between_plan_and_commit_holds_and_nothing_is_sent",
         ORDERS + "test_a_commit_of_unknown_outcome_that_did_not_happen_sends_nothing"),
    ),
    Bug(
        "a COMMIT of unknown outcome is repeated",
        "db/transactions.py",
        '        raise CommitUnknown("The connection was lost while saving; it is read again.") from error\n',
        "        raise\n",
        (TRANSACTIONS + "test_a_commit_whose_answer_is_lost_is_unknown_and_never_repeated",),
    ),
    Bug(
        "a COMMIT of unknown outcome counts as done",
        "worker/units.py",
        "            return [unknown for _ in units]\n",
        "            return [None for _ in units]\n",
        (RULES + "test_units_whose_commit_is_of_unknown_outcome_are_all_unknown",),
    ),
    Bug(
        "the fence is a read",
        "db/leases.py",
        "    statement = update(LEASES).where(_exactly(tokens)).values(beat=LeaseRow.beat + 1)\n"
        "    if rows_matched(session.execute(statement)) != len(tokens):\n",
        "    statement = select(LeaseRow.token).where(_exactly(tokens)).with_for_update()\n"
        "    if len(session.execute(statement).all()) != len(tokens):\n",
        ("tests/chaos/test_galera.py::"
         "test_a_late_write_through_another_node_is_refused_when_it_commits",),
    ),
    Bug(
        "there is no fence",
        "worker/units.py",
        "        leases.fence(session, tokens)\n",
        "",
        (ORDERS + "test_a_lost_lease_writes_and_sends_nothing_more",),
    ),
    Bug(
        "a replacement is placed beside a cancel that is not proven",
        "core/orders.py",
        "LIVE = frozenset({S.SENDING, S.OPEN, S.CANCELLING, S.QUARANTINED})\n",
        "LIVE = frozenset({S.SENDING, S.OPEN, S.QUARANTINED})\n",
        (WISHES + "test_a_take_profit_is_replaced_only_after_its_cancel_is_confirmed",),
    ),
    Bug(
        "the reply to a cancel is believed",
        "worker/sending.py",
        "        return await self.questions.look_up(orders)\n\n    async def _ask_cancel",
        "        from core.orders import OrderStatus, OrderUpdate\n\n"
        "        gone = [OrderUpdate(o.client_order_id, OrderStatus.CANCELLED, o.filled) for o in orders]\n"
        "        return self.questions.reports(gone)\n\n    async def _ask_cancel",
        (WISHES + "test_the_reply_to_a_cancel_proves_nothing",
         WISHES + "test_an_order_that_fills_while_it_is_cancelled_counts_as_filled"),
    ),
    Bug(
        "the same id is used again",
        "core/engine.py",
        "max((o.attempt for o in attempts), default=0) + 1, at)",
        "1, at)",
        (ORDERS + "test_after_proof_the_next_attempt_has_a_new_id",),
    ),
    Bug(
        "quarantine frees the slot",
        "core/orders.py",
        "LIVE = frozenset({S.SENDING, S.OPEN, S.CANCELLING, S.QUARANTINED})\n",
        "LIVE = frozenset({S.SENDING, S.OPEN, S.CANCELLING})\n",
        (RULES + "test_a_quarantined_order_may_exist_so_it_counts_and_nothing_has_stopped",),
    ),
    Bug(
        "a foreign order is cancelled",
        "worker/orphans.py",
        "        if not order.client_order_id.startswith(prefix(installation)):\n",
        "        if False:\n",
        (WISHES + "test_foreign_orders_are_counted_and_never_touched",),
    ),
    Bug(
        "stop is acknowledged while an order may exist",
        "core/actual_state.py",
        "    if any(order.is_live for order in cycle.orders):\n        return ActualState.STOPPING, ",
        "    if any(order.status is OrderStatus.OPEN for order in cycle.orders):\n"
        "        return ActualState.STOPPING, ",
        (WISHES + "test_stop_is_acknowledged_only_when_no_order_can_be_live",
         "tests/core/test_actual_state.py"),
    ),
    Bug(
        "the halt is not read in the transaction that plans",
        "worker/units.py",
        "            unit.halt_rev != halt_rev\n            or any(",
        "            unit.halt_rev > halt_rev\n            or any(",
        (ORDERS + "test_a_halt_between_plan_and_commit_holds_and_nothing_is_sent",),
    ),
    Bug(
        "the wish is not read in the transaction that plans",
        "worker/units.py",
        "            or any(now.get(sid) != rev for sid, rev in unit.revisions.items())\n",
        "",
        (ORDERS + "test_a_wish_changed_between_plan_and_commit_holds_and_nothing_is_sent",),
    ),
    Bug(
        "a price of any age is good enough",
        "worker/desk.py",
        "FRESH = timedelta(seconds=10)\n",
        "FRESH = timedelta(seconds=1000)\n",
        ("tests/worker/test_desk.py",
         ISOLATION + "test_nothing_is_placed_on_a_price_older_than_10_seconds"),
    ),
)  # fmt: skip

BOOKS: tuple[Bug, ...] = (
    Bug(
        "no rollback after a lock wait",
        "db/transactions.py",
        "        except (DBAPIError, PoolTimeout):\n            session.invalidate()\n            raise\n",
        "        except (DBAPIError, PoolTimeout):\n            session.commit()\n            raise\n",
        (TRANSACTIONS + "test_a_lock_that_does_not_come_undoes_the_half_that_was_written",
         TRANSACTIONS + "test_a_lock_that_never_comes_is_given_up_with_nothing_written"),
    ),
    Bug(
        "the default isolation of the server",
        "db/engine.py",
        '        isolation_level="READ COMMITTED",\n',
        '        isolation_level="REPEATABLE READ",\n',
        (TRANSACTIONS + "test_a_reader_that_keeps_its_transaction_open_sees_a_stop_that_was_committed",),
    ),
    Bug(
        "compare-and-swap is dropped",
        "db/strategies.py",
        "            .where(*_own(user_id, strategy_id), Strategy.desired_rev == expected)\n"
        "            .values(\n                desired_s",
        "            .where(*_own(user_id, strategy_id))\n            .values(\n                desired_s",
        ("tests/db/test_strategies.py",),
    ),
    Bug(
        "no person in a query",
        "db/strategies.py",
        "        Strategy.user_id == user_id,\n        Strategy.archived_at.is_(None),\n",
        "        Strategy.archived_at.is_(None),\n",
        ("tests/db/test_tenants.py::test_somebody_else_gets_nothing_and_changes_nothing",),
    ),
    Bug(
        "leases are judged by the host's clock",
        "db/leases.py",
        "from db.clock import DatabaseNow\n",
        "from datetime import timedelta\n\nfrom sqlalchemy import literal\n\nfrom db.clock import utc_now\n"
        "from db.types import UtcDateTime\n\n\ndef DatabaseNow(less=0):\n"
        "    return literal(utc_now() - timedelta(seconds=less), UtcDateTime())\n\n\n",
        (RULES + "test_a_host_whose_clock_is_an_hour_slow_beats_all_the_same",),
    ),
    Bug(
        "the base fee is ignored",
        "core/accounting.py",
        "        kept = fill.quantity - fill.fee if in_base else fill.quantity\n",
        "        kept = fill.quantity\n",
        ("tests/core/test_account_book.py", "tests/core/test_levels_and_take_profit.py",
         "tests/core/test_engine_machine.py"),
    ),
    Bug(
        "an order being sent counts as no exposure",
        "core/reserve.py",
        "    return money_in(cycle) + sum((cost_of(cycle, order) for order in cycle.live()), ZERO)\n",
        "    resting = (o for o in cycle.live() if o.status == 'open')\n"
        "    return money_in(cycle) + sum((cost_of(cycle, order) for order in resting), ZERO)\n",
        (RULES + "test_every_order_that_may_exist_counts_against_the_cap",),
    ),
    Bug(
        "trades are not deduplicated",
        "core/orders.py",
        "for f in arrived if f.trade_id not in by_id]\n    return known if not new"
        " else tuple(sorted(by_id.values(), key=fill_order))",
        "for f in arrived if f.trade_id not in by_id]\n    return (*known, *arrived) if arrived else known",
        (CORE_ORDERS + "test_lost_doubled_and_reordered_updates_give_the_same_order",),
    ),
    Bug(
        "a partial fill is lost with a cancel",
        "core/orders.py",
        "    fills = _merge_fills(order.fills, update.fills)\n"
        "    reported = max(order.reported_filled, update.filled, ",
        "    if update.status is S.CANCELLED:\n"
        "        update = replace(update, fills=(), filled=order.filled)\n"
        "    fills = _merge_fills(order.fills, update.fills)\n"
        "    reported = max(order.reported_filled, update.filled, ",
        (CORE_ORDERS + "test_lost_doubled_and_reordered_updates_give_the_same_order",
         "tests/core/test_engine_machine.py"),
    ),
    Bug(
        "an order ends before its trades have arrived",
        "core/orders.py",
        "    if target not in LIVE and not merged.is_settled:\n",
        "    if False:\n",
        (CORE_ORDERS + "test_an_order_stays_live_until_the_trades_of_its_figure_have_arrived",),
    ),
    Bug(
        "the take profit sells dust that is not there",
        "core/wanted.py",
        "    return cycle.market.round_quantity(left)\n",
        "    return cycle.market.round_quantity(left) + cycle.market.lot_size\n",
        ("tests/core/test_levels_and_take_profit.py", "tests/core/test_engine_machine.py"),
    ),
    Bug(
        "quantities are rounded half up",
        "core/market.py",
        "        return floor_to(quantity, self.lot_size)\n",
        "        return floor_to(quantity + self.lot_size / 2, self.lot_size)\n",
        ("tests/core/test_market.py",),
    ),
)  # fmt: skip

EXCHANGES: tuple[Bug, ...] = (
    Bug(
        "a request is signed with the time at which it leaves",
        "worker/venues/live_sending.py",
        "            pinned=order.created_at if self.adapter.pins_time else None,\n",
        "            pinned=None,\n",
        (LIVE_RULES + "test_however_late_a_request_leaves_it_is_signed_with_the_committed_time",),
    ),
    Bug(
        "orders that have ended are not looked for",
        "worker/venues/live_looking.py",
        "resting.get(order.client_order_id) or await self._find(account, symbol, order)",
        "(await self._resting(account, symbol)).get(order.client_order_id)",
        ("tests/worker/test_live_looking.py", SENDING + "test_an_order_whose_answer_is_lost_is_unknown"
         "_and_then_found"),
    ),
    Bug(
        "too many requests counts as refused",
        "worker/exchanges/outcomes.py",
        "BAN = Rule(Fate.UNKNOWN, Trouble.BAN)\n",
        "BAN = Rule(Fate.REFUSED, Trouble.BAN)\n",
        (OUTCOMES + "test_too_many_requests_stops_everybody_and_proves_nothing",),
    ),
    Bug(
        "a duplicate id counts as refused",
        "worker/exchanges/outcomes.py",
        "EXISTS = Rule(Fate.EXISTS)\n",
        "EXISTS = Rule(Fate.REFUSED)\n",
        (SENDING + "test_a_duplicate_id_means_that_it_exists",
         OUTCOMES + "test_what_an_exchange_says_proves_no_more_than_it_says"),
    ),
    Bug(
        "what is not on the whitelist counts as refused",
        "worker/exchanges/outcomes.py",
        "UNKNOWN = Rule(Fate.UNKNOWN)\n",
        "UNKNOWN = Rule(Fate.REFUSED)\n",
        (OUTCOMES + "test_a_page_of_a_proxy_proves_nothing",
         OUTCOMES + "test_any_other_exception_proves_nothing",
         OUTCOMES + "test_what_an_exchange_says_proves_no_more_than_it_says"),
    ),
    Bug(
        "a ban is not honoured",
        "worker/exchanges/hub.py",
        "        if monotonic() < self.calm_until:\n            raise NotSent",
        "        if False:\n            raise NotSent",
        (SENDING + "test_nothing_goes_out_during_a_ban_and_nothing_unsent_is_in_doubt",),
    ),
    Bug(
        "the text of an error is passed on",
        "worker/venues/live_asking.py",
        "            outcome = self.adapter.outcome(error)\n            is_about_this",
        "            from dataclasses import replace\n\n"
        "            outcome = replace(self.adapter.outcome(error), code=str(error))\n"
        "            is_about_this",
        (LIVE_RULES + "test_what_is_said_of_a_failed_question_holds_no_address_and_no_signature",),
    ),
    Bug(
        "the allow-list is off",
        "worker/exchanges/allow_list.py",
        "    if not allows(api, method, path):\n",
        "    if False:\n",
        ("tests/worker/test_live_clients.py::test_no_call_that_moves_coins_is_ever_signed",),
    ),
    Bug(
        "a key that can withdraw is accepted",
        "worker/keys/activation.py",
        "    if found.can_withdraw:\n",
        "    if False:\n",
        ("tests/worker/test_keys_activation.py",),
    ),
    Bug(
        "one refusal is enough to give a key up",
        "worker/keys/activation.py",
        "CONFIRMATIONS = 3\n",
        "CONFIRMATIONS = 1\n",
        ("tests/worker/test_keys_activation.py",),
    ),
)  # fmt: skip

BUGS: tuple[Bug, ...] = (*PROTOCOL, *BOOKS, *EXCHANGES)
