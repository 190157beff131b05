"""OKX Spot DCA (Martingale): the body of its API call, what it answers, or the labels of its form.

Fractions in the API ("0.1" is 10 %), percent where a percent sign stands beside the number. The steps go
down from the price of the initial order, each the one before times `pxStepsMult`, as here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.imports.given import Given, folded, needed, whole
from core.imports.imported import Imported, Notes
from core.imports.texts import refuse, shown
from core.money import exact
from core.parameter_reading import read_parameters

DECIDING = ("initOrdAmt", "safetyOrdAmt", "pxSteps", "pxStepsMult", "volMult")
OTHERS = (
    "maxSafetyOrds", "tpPct", "slPct", "slMode", "instId", "instType", "direction", "side", "lever",
    "algoOrdType", "type", "reserveFunds", "triggerType", "triggerSign", "triggerParams", "triggerStrategy",
    "triggerPx", "triggerCond", "allowReinvest", "tradeQuoteCcy", "trackingMode", "profitSharingRatio",
    "sourceAlgoId",
)  # fmt: skip
LABELS = {
    "Initial order amount": "initOrdAmt",
    "Initial order": "initOrdAmt",
    "Safety order amount": "safetyOrdAmt",
    "Safety order": "safetyOrdAmt",
    "Max safety orders": "maxSafetyOrds",
    "Price steps": "pxSteps",
    "Price steps multiplier": "pxStepsMult",
    "Amount multiplier": "volMult",
    "Take profit target": "tpPct",
    "TP target": "tpPct",
    "Stop loss target": "slPct",
    "SL target": "slPct",
}
PERCENT_LABELS = ("Price steps", "Take profit target", "TP target", "Stop loss target", "SL target")
NEED_A_SIGN = frozenset(folded(label) for label in PERCENT_LABELS)
"""Labels of the form, where numbers are percent: without the sign nobody knows which was meant."""
NAMES = {folded(name): name for name in (*DECIDING, *OTHERS)} | {
    folded(label): name for label, name in LABELS.items()
}
HARMLESS = (
    "algoId", "algoClOrdId", "tag", "uid", "cTime", "uTime", "state", "stopType", "stopResult",
    "cancelType", "totalPnl", "pnlRatio", "floatProfit", "floatPnl", "investmentAmt", "investmentCcy",
    "curCycleId", "currentCycleId", "completedCycles", "fillSafetyOrds", "instFamily", "fee", "profit",
    "code", "msg", "sCode", "sMsg", "userRiskMode", "json", "profile", "demo",
)  # fmt: skip
"""Names, counters and results: nothing of a strategy."""


@exact
def from_okx(source: Mapping[str, object]) -> Imported:
    """Raises `InvalidInput` where a value is wrong, is missing, or means what cannot be done here."""
    _refuse_percent_without_sign(source)
    given, notes = Given(source, NAMES), Notes()
    symbol = _symbol(given)
    _refuse_what_is_not_spot(given)
    quote = symbol.partition("/")[2] if symbol else None
    values: dict[str, Any] = {
        "base_order_size": needed("initOrdAmt", given.money("initOrdAmt", quote))
    }
    _ladder(given, notes, values, quote)
    _exits(given, notes, values)
    _starting(given, notes)
    _money(given, notes, quote)
    notes.not_taken += [
        f"{shown(name)} is not known here and was left out." for name in given.left(HARMLESS)
    ]
    return Imported(
        "OKX",
        read_parameters(values),
        symbol,
        "okx",
        tuple(notes.differs),
        tuple(notes.not_taken),
    )


def _refuse_percent_without_sign(source: Mapping[str, object]) -> None:
    for name, value in source.items():
        if folded(name) in NEED_A_SIGN and "%" not in str(value):
            raise refuse(f"gives {shown(name)} without a percent sign; write it, as in 1.5 %.")


def _symbol(given: Given) -> str | None:
    found = given.take("instId")
    if found is None:
        return None
    base, _, quote = str(found).strip().upper().partition("-")
    if not (base.isalnum() and quote.isalnum()):
        raise refuse(
            f"is for {shown(found)}, which is no spot pair; only spot is traded here, bought first and"
            " sold later."
        )
    return f"{base}/{quote}"


def _refuse_what_is_not_spot(given: Given) -> None:
    kinds = [given.word(name) for name in ("algoOrdType", "type", "instType")]
    if any(kind not in (None, "spot_dca", "spot") for kind in kinds):
        raise refuse("is not a spot DCA bot; only spot is traded here, without contracts.")
    if given.word("direction") not in (None, "long") or given.word("side") not in (None, "buy"):
        raise refuse("is of a short bot; only long is traded here, bought first and sold later.")
    lever = given.number("lever")
    if lever is not None and lever > 1:
        raise refuse("uses leverage; only spot without borrowed money is traded here.")


def _ladder(given: Given, notes: Notes, values: dict[str, Any], quote: str | None) -> None:
    count = whole("maxSafetyOrds", needed("maxSafetyOrds", given.number("maxSafetyOrds")))
    size, step = given.money("safetyOrdAmt", quote), given.fraction("pxSteps")
    scale, volume = given.number("pxStepsMult"), given.number("volMult")
    values["max_safety_orders"] = count
    if count == 0:
        return
    values["safety_order_size"] = needed("safetyOrdAmt", size)
    values["price_deviation"] = needed("pxSteps", step)
    if count > 1:
        values["step_scale"] = needed("pxStepsMult", scale)
        values["volume_scale"] = needed("volMult", volume)
    notes.differs.append(
        "All extra buys rest on the exchange at once here; OKX does not say how many of its safety orders do."
    )


def _exits(given: Given, notes: Notes, values: dict[str, Any]) -> None:
    profit, distance = needed("tpPct", given.fraction("tpPct")), given.fraction("slPct")
    values["take_profit"] = profit
    values["take_profit_includes_fees"] = True
    notes.differs.append(
        "Take profit is measured from the average entry price here, after fees, and moves down with each"
        " extra buy. OKX does not say whether its own counts fees; the example in its help keeps it where"
        " the first order put it."
    )
    if profit > Decimal("0.5"):
        notes.differs.append(
            "The take profit is more than 50 %. OKX writes fractions, 0.015 for 1.5 %: look whether percent"
            " were meant."
        )
    given.take("slMode")
    if distance:
        values["stop_loss"] = abs(distance)
        values["stop_loss_reference"] = "base_order_price"
        values["after_stop_loss"] = "stop"
        notes.differs.append(
            "The stop loss is measured from the price of the first buy here, and the strategy stops after"
            " it. OKX does not say from which price its own is measured: look whether it fits."
        )


def _starting(given: Given, notes: Notes) -> None:
    kind, strategy = given.word("triggerType"), given.word("triggerStrategy")
    params = given.take("triggerParams")
    entries = params if isinstance(params, list) else [] if params is None else [params]
    waiting = [each for each in entries if not _is_instant(each)]
    stops = [each for each in waiting if _action(each) == "stop"]
    waits = kind not in (None, "1", "instant") or strategy not in (None, "instant")
    others = [given.take(name) for name in ("triggerSign", "triggerPx", "triggerCond")]
    if waits or len(waiting) > len(stops) or any(each is not None for each in others):
        notes.not_taken.append(
            "The bot waits for a price or a signal on OKX before it starts. Here a cycle starts at once;"
            " set a price to start at if you do not want that (here it holds for every cycle)."
        )
    if stops:
        notes.not_taken.append(
            "A price or a signal stops the bot on OKX. Here it is stopped by you, or by its stop loss."
        )


def _is_instant(entry: object) -> bool:
    if not isinstance(entry, Mapping):
        return False
    return str(entry.get("triggerStrategy") or "instant").casefold() == "instant"


def _action(entry: object) -> str:
    return str(entry.get("triggerAction") or "").casefold() if isinstance(entry, Mapping) else ""


def _money(given: Given, notes: Notes, quote: str | None) -> None:
    if given.switch("reserveFunds") is False:
        notes.differs.append(
            "OKX starts without the money for all safety orders. Here a cycle starts only when the money for"
            " all of its extra buys is free."
        )
    if given.switch("allowReinvest"):
        notes.not_taken.append(
            "OKX puts profits into the next cycle. Here sizes stay as they are unless you set Reinvest."
        )
    coin = given.word("tradeQuoteCcy")
    if coin is not None and quote is not None and coin.upper() != quote:
        notes.not_taken.append(f"The bot pays in {shown(coin.upper())}; here it pays in {quote}.")
    copied = [given.take(name) for name in ("trackingMode", "profitSharingRatio", "sourceAlgoId")]
    if any(each is not None for each in copied):
        notes.not_taken.append("Copy trading and sharing of profits do not exist here.")
