"""V1-V20 of the fault catalogue (section 3.6): for each, what is checked and when.

V9 is asked by `exchange_place.ExchangePlace` at each request, V15 and V20 by `secrets_kept` at the end.
"""

from __future__ import annotations

from tests.simulation import checks_book as book
from tests.simulation import checks_rest as rest
from tests.simulation import checks_rows as rows
from tests.simulation.facts import Check, Examiner, Facts

CHECKS: tuple[Check, ...] = (
    Check("V1", of_rows=rows.v1_one_live_row_per_slot, of_book=book.v1_one_open_order_per_slot),
    Check("V2", of_book=book.v2_written_before),
    Check("V3", of_book=book.v3_accepted_once),
    Check("V4", at_rest=rest.v4_fills_equal),
    Check("V5", of_rows=rows.v5_never_sold_more, of_book=book.v5_sells_only_its_own),
    Check("V6", of_rows=rows.v6_within_the_ladder),
    Check("V6", of_rows=rows.v6_within_the_cap),
    Check(
        "V7",
        of_rows=rows.v7_nothing_live_at_the_acknowledgement,
        of_book=book.v7_nothing_after_the_stop,
    ),
    Check("V8", of_rows=rows.v8_fenced),
    Check("V10", of_rows=rows.v10_monotone, at_rest=rest.v10_cycles_close),
    Check("V11", of_rows=rows.v11_no_unproven_retry, of_book=book.v11_never_there_is_never_there),
    Check("V12", of_book=book.v12_as_written_and_in_steps),
    Check("V13", of_rows=rows.v13_from_the_pinned_snapshot),
    Check("V14", of_book=book.v14_everybodys_own),
    Check("V16", at_rest=rest.v16_audited),
    Check("V17", of_rows=rows.v17_fresh, of_book=book.v17_taken_in_its_window),
    Check("V18", at_rest=rest.v18_alive),
    Check("V19", at_rest=rest.v19_conserved),
)


def examiner(facts: Facts) -> Examiner:
    return Examiner(facts, CHECKS)
