"""A DCA bot of 3Commas: what its API answers and takes, or the labels of its form with their values.

Meanings as in 3Commas' API documents and the deals shown there, of which tests recompute two: percent
throughout; steps and stop loss are measured from the price of the base order, which for 3Commas includes
the buy fee; take profit is over the average with the buy fee, and pays the sell fee.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.imports.given import Given, folded, needed, whole
from core.imports.imported import Imported, Notes
from core.imports.texts import refuse, shown
from core.money import ONE, exact, half_up, plain
from core.parameter_reading import read_parameters

DECIDING = (
    "base_order_volume", "safety_order_volume", "safety_order_step_percentage",
    "martingale_volume_coefficient", "martingale_step_coefficient",
)  # fmt: skip
OTHERS = (
    "max_safety_orders", "active_safety_orders_count", "take_profit", "take_profit_type",
    "take_profit_steps", "trailing_enabled", "trailing_deviation", "stop_loss_percentage",
    "stop_loss_type", "stop_loss_timeout_enabled", "stop_loss_timeout_in_seconds", "tsl_enabled",
    "sl_to_breakeven_enabled", "sl_to_breakeven_data", "cooldown", "deal_start_delay_seconds",
    "disable_after_deals_count", "min_price", "max_price", "min_price_percentage",
    "max_price_percentage", "min_volume_btc_24h", "btc_price_limit", "max_active_deals",
    "allowed_deals_on_same_pair", "close_deals_timeout", "min_profit_percentage", "min_profit_type",
    "reinvesting_percentage", "risk_reduction_percentage", "start_order_type", "strategy",
    "strategy_list", "close_strategy_list", "safety_strategy_list", "leverage_type",
    "leverage_custom_value", "profit_currency", "base_order_volume_type", "safety_order_volume_type",
    "pairs", "pair", "market_type",
)  # fmt: skip
LABELS = {
    "Base order size": "base_order_volume",
    "Safety order size": "safety_order_volume",
    "Price deviation to open safety orders": "safety_order_step_percentage",
    "Price deviation to open safety orders (% from initial order)": "safety_order_step_percentage",
    "Price deviation": "safety_order_step_percentage",
    "Safety order volume scale": "martingale_volume_coefficient",
    "Safety order step scale": "martingale_step_coefficient",
    "Max safety trades count": "max_safety_orders",
    "Max safety orders count": "max_safety_orders",
    "Max active safety trades count": "active_safety_orders_count",
    "Max active safety orders count": "active_safety_orders_count",
    "Target profit": "take_profit",
    "Target profit (%)": "take_profit",
    "Take profit (%)": "take_profit",
    "Stop loss": "stop_loss_percentage",
    "Start order type": "start_order_type",
    "Trailing deviation (%)": "trailing_deviation",
}
NAMES = {folded(name): name for name in (*DECIDING, *OTHERS)} | {
    folded(label): name for label, name in LABELS.items()
}
HARMLESS = (
    "id", "account_id", "account_name", "name", "is_enabled", "type", "created_at", "updated_at",
    "deletable?", "url_secret", "easy_form_supported", "active_deals", "active_deals_count",
    "active_deals_usd_profit", "finished_deals_count", "finished_deals_profit_usd", "deals_counter",
    "reinvested_volume_usd", "bot_id", "note", "strategy_version", "orderbook_price_currency",
)  # fmt: skip
"""Names, counters and results: nothing of a strategy."""


@exact
def from_three_commas(source: Mapping[str, object]) -> Imported:
    """Raises `InvalidInput` where a value is wrong, is missing, or means what cannot be done here."""
    given, notes = Given(source, NAMES), Notes()
    symbol = _symbol(given, notes)
    _refuse_what_is_not_spot(given)
    quote = symbol.partition("/")[2] if symbol else None
    values: dict[str, Any] = {}
    _first_buy(given, notes, values, quote)
    _ladder(given, notes, values, quote)
    _take_profit(given, notes, values)
    _stop_loss(given, notes, values)
    if values["max_safety_orders"] or "stop_loss" in values:
        notes.differs.append(
            "3Commas measures steps and stop loss from the price of the first buy with its fee in it, here"
            " they are measured from the price itself: with a fee of 0.1 % they lie 0.1 % lower here."
        )
    _starting(given, notes, values)
    _money(given, notes, values)
    _without_counterpart(given, notes)
    return Imported(
        "3Commas",
        read_parameters(values),
        symbol,
        differs=tuple(notes.differs),
        not_taken=tuple(notes.not_taken),
    )


def _symbol(given: Given, notes: Notes) -> str | None:
    """ "USDT_BTC" is BTC/USDT there. Contracts are refused."""
    found = given.take("pairs") or given.take("pair")
    text = "" if found is None or isinstance(found, list) else str(found).strip("[] ")
    pairs = found if isinstance(found, list) else text.split(",") if text else []
    if not pairs:
        return None
    if len(pairs) > 1:
        notes.not_taken.append(
            f"The bot trades {len(pairs)} pairs. A strategy here trades one symbol: make one for each."
        )
        return None
    quote, _, base = str(pairs[0]).strip("\"' ").upper().partition("_")
    if not (base.isalnum() and quote.isalnum()) or _is_contract(base, quote):
        raise refuse(
            f"is for {shown(pairs[0])}, which is no spot pair; only spot is traded here, bought first"
            " and sold later."
        )
    return f"{base}/{quote}"


def _is_contract(base: str, quote: str) -> bool:
    long_enough = len(base) > 4
    return (long_enough and base.endswith(("USDT", "USDC", "PERP"))) or quote.startswith("BNFCR")


def _refuse_what_is_not_spot(given: Given) -> None:
    if given.word("strategy") not in (None, "long"):
        raise refuse("is of a short bot; only long is traded here, bought first and sold later.")
    kind, times = given.word("leverage_type"), given.number("leverage_custom_value")
    if kind not in (None, "not_specified") or (times is not None and times > 1):
        raise refuse("uses leverage; only spot without borrowed money is traded here.")
    if given.word("market_type") not in (None, "spot"):
        raise refuse("is of a futures bot; only spot is traded here.")


def _first_buy(given: Given, notes: Notes, values: dict[str, Any], quote: str | None) -> None:
    _check_unit(given, notes, "base_order_volume_type")
    size = needed("base_order_volume", given.money("base_order_volume", quote))
    values["base_order_size"] = size
    kind = given.word("start_order_type")
    if kind is None:
        notes.differs.append(
            "How the first buy is placed is not said; here it is a market order unless you change it."
        )
    elif kind not in ("market", "limit"):
        raise refuse(f"has the start order type {shown(kind)}; it must be market or limit.")
    else:
        values["base_order_type"] = kind


def _check_unit(given: Given, notes: Notes, name: str, *, matters: bool = True) -> None:
    unit, of = given.word(name), name.removesuffix("_type")
    if not matters:
        return
    if unit is None and not given.names_a_coin(of):
        notes.differs.append(f"The unit of {of} is not said; it is read as the quote coin.")
    elif unit not in (None, "quote_currency", "quote"):
        raise refuse(
            f"gives sizes as {shown(unit)} ({name}); here a size is an amount of the quote coin. Change it"
            " to the quote coin on 3Commas, or type the amounts here."
        )


def _ladder(given: Given, notes: Notes, values: dict[str, Any], quote: str | None) -> None:
    count = whole(
        "max_safety_orders", needed("max_safety_orders", given.number("max_safety_orders"))
    )
    _check_unit(given, notes, "safety_order_volume_type", matters=count > 0)
    size = given.money("safety_order_volume", quote)
    step = given.percent("safety_order_step_percentage")
    volume, scale = (
        given.number(name)
        for name in ("martingale_volume_coefficient", "martingale_step_coefficient")
    )
    active = given.number("active_safety_orders_count")
    values["max_safety_orders"] = count
    if count == 0:
        return
    values["safety_order_size"] = needed("safety_order_volume", size)
    values["price_deviation"] = needed("safety_order_step_percentage", step)
    if count > 1:
        values["volume_scale"] = needed("martingale_volume_coefficient", volume)
        values["step_scale"] = needed("martingale_step_coefficient", scale)
    if active is None:
        notes.differs.append(
            "How many extra buys rest at once is not said; here all of them rest on the exchange."
        )
    else:
        resting = whole("active_safety_orders_count", active)
        values["active_safety_orders"] = max(1, min(resting, count))
    notes.differs.append(
        "3Commas rounds a size up to the exchange's smallest step, here it is rounded down."
    )


def _take_profit(given: Given, notes: Notes, values: dict[str, Any]) -> None:
    profit, kind = given.percent("take_profit") or None, given.word("take_profit_type")
    step = _only_step(given.take("take_profit_steps"))
    if None not in (profit, step) and profit != step:
        raise refuse("has a take profit and a step of another one; keep one of them.")
    values["take_profit"] = needed("take_profit", step if profit is None else profit)
    values["take_profit_includes_fees"] = True
    if kind in ("base", "base_order_volume"):
        notes.differs.append(
            f"3Commas aims at {_percent(values['take_profit'])} of the first buy's money; here it is"
            f" {_percent(values['take_profit'])} of everything bought: after extra buys it sells later and"
            " higher."
        )
    elif kind is None:
        notes.differs.append(
            "What the take profit is a part of is not said; here it is of everything bought."
        )
    elif kind not in ("total", "total_bought_volume"):
        raise refuse(f"has the take profit type {shown(kind)}; it must be total or base.")
    is_said, deviation = given.mentions("trailing_enabled"), given.percent("trailing_deviation")
    if given.switch("trailing_enabled"):
        values["trailing_deviation"] = needed("trailing_deviation", deviation)
    elif deviation and not is_said:
        notes.not_taken.append(
            "A trailing deviation is given, but not whether trailing is switched on: it is off here."
        )


def _only_step(steps: object) -> Decimal | None:
    """The profit of the one step that sells everything, a fraction; None where there are no steps."""
    if steps is None:
        return None
    found = steps if isinstance(steps, list) else [steps]
    if len(found) > 1 or not isinstance(found[0], Mapping):
        raise refuse(
            f"sells in {len(found)} steps; here everything is sold at once. Set one take profit on 3Commas"
            " and copy it again, or type it here."
        )
    step = Given(found[0], {})
    if step.number("amount_percentage") not in (None, 100):
        raise refuse("sells only a part at its take profit; here everything is sold at once.")
    return step.percent("profit_percentage")


def _percent(fraction: Any) -> str:
    return f"{plain(half_up(fraction * 100, 4))} %"


def _stop_loss(given: Given, notes: Notes, values: dict[str, Any]) -> None:
    distance, after = given.percent("stop_loss_percentage"), given.word("stop_loss_type")
    moves = given.switch("tsl_enabled"), given.switch("sl_to_breakeven_enabled")
    given.take("sl_to_breakeven_data")
    waits = given.switch("stop_loss_timeout_enabled")
    seconds = given.number("stop_loss_timeout_in_seconds")
    if not distance:
        return
    values["stop_loss"] = abs(distance)
    values["stop_loss_reference"] = "base_order_price"
    if after == "stop_loss":
        values["after_stop_loss"] = "continue"
        notes.differs.append(
            "After a stop loss 3Commas goes on without a limit. Here it waits a day, and stops after three"
            " stop losses in a row; both can be changed."
        )
    elif after not in (None, "stop_loss_and_disable_bot"):
        raise refuse(f"has the stop loss type {shown(after)}, which is not known here.")
    else:
        values["after_stop_loss"] = "stop"
    if any(moves):
        notes.not_taken.append(
            "The stop loss follows the price, or moves to breakeven, on 3Commas. Here it stays where it is."
        )
    if waits and seconds:
        notes.not_taken.append(
            f"3Commas waits {plain(seconds)} seconds below the stop loss before it sells. Here it sells"
            " when two prices a second apart are below it."
        )


def _starting(given: Given, notes: Notes, values: dict[str, Any]) -> None:
    for name in ("min_price", "max_price"):
        values[name] = given.number(name) or None
    values["cooldown"] = given.number("cooldown") or 0
    deals = given.number("disable_after_deals_count")
    if deals:
        values["max_cycles"] = deals
        notes.differs.append(
            f"The {plain(deals)} cycles are counted from the start of the strategy here."
        )
    found = {_condition(each) for each in _list(given.take("strategy_list"))} - {"nonstop", ""}
    if found == {"manual"}:
        notes.differs.append(
            "On 3Commas each deal is started by hand. Here the next cycle starts by itself."
        )
    elif found:
        notes.not_taken.append(
            f"Deals start on a signal on 3Commas ({', '.join(sorted(found))}). Here a cycle starts at once;"
            " set a price to start at, or a pause, if you do not want that."
        )


def _condition(each: object) -> str:
    if not isinstance(each, Mapping):
        return str(each)[:40]
    return str(each.get("strategy") or "")[:40]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _money(given: Given, notes: Notes, values: dict[str, Any]) -> None:
    share = given.percent("reinvesting_percentage")
    if share:
        values["reinvest"] = min(share, ONE)
        notes.differs.append(
            "Reinvested is what this strategy earns from its start on, not what the bot has earned."
        )
    if given.word("profit_currency") not in (None, "quote_currency", "quote"):
        notes.not_taken.append(
            "The bot keeps its profit in the coin that it buys. Here everything is sold for the quote coin."
        )
    deals = given.number("max_active_deals")
    if deals is not None and deals > 1:
        notes.not_taken.append(
            f"The bot may hold {plain(deals)} deals at once. A strategy here has one cycle at a time."
        )


NO_COUNTERPART = {
    "close_strategy_list": "Deals that close on a signal: here they end by take profit or stop loss only.",
    "safety_strategy_list": "Extra buys that wait for a signal: here they rest at their price.",
    "min_profit_percentage": "A least profit for closing on a signal: there are no such signals here.",
    "min_volume_btc_24h": "A least trading volume: cycles start here whatever the volume is.",
    "btc_price_limit": "A limit by the price of BTC: here only the strategy's own price counts.",
    "close_deals_timeout": "Closing deals after some time: a cycle here has no time limit.",
    "deal_start_delay_seconds": "A delay before a deal starts: use the pause between cycles instead.",
    "risk_reduction_percentage": "Smaller orders after losses: sizes here never shrink by themselves.",
    "min_price_percentage": "A lowest start price in percent: give it as a price here.",
    "max_price_percentage": "A highest start price in percent: give it as a price here.",
    "allowed_deals_on_same_pair": "Several deals on one pair: a strategy here has one cycle at a time.",
}


def _without_counterpart(given: Given, notes: Notes) -> None:
    given.take("min_profit_type")
    for name in given.left(HARMLESS):
        if name in NO_COUNTERPART:
            notes.not_taken.append(NO_COUNTERPART[name])
        else:
            notes.not_taken.append(f"{shown(name)} is not known here and was left out.")
