"""The sample order and trade on the exchanges that are served for classic accounts only."""

from __future__ import annotations

from typing import Any

from tests.exchanges.sample import TRADE_ID, VENUE_ID, Answer, Sample
from tests.exchanges.wire import ID, NOW_MS

KUCOIN_ROW = {
    "id": VENUE_ID,
    "clientOid": ID,
    "symbol": "ABC-USDT",
    "type": "limit",
    "side": "buy",
    "price": "1234.5",
    "size": "0.123",
    "dealSize": "0.023",
    "dealFunds": "28.3935",
    "fee": "0.0283935",
    "feeCurrency": "USDT",
    "timeInForce": "GTC",
    "active": True,
    "cancelExist": False,
    "createdAt": NOW_MS,
}


def _kucoin(data: Any) -> Answer:
    return {"code": "200000", "data": data}


KUCOIN = Sample(
    row=KUCOIN_ROW,
    found=[_kucoin(KUCOIN_ROW)],
    missing=[{"code": "400100", "msg": "order_not_exist"}],
    listing=_kucoin,
    trades=[
        _kucoin(
            {
                "lastId": 1,
                "items": [
                    {
                        "tradeId": TRADE_ID,
                        "orderId": VENUE_ID,
                        "symbol": "ABC-USDT",
                        "side": "buy",
                        "price": "1234.5",
                        "size": "0.023",
                        "funds": "28.3935",
                        "fee": "0.0283935",
                        "feeCurrency": "USDT",
                        "createdAt": NOW_MS,
                    }
                ],
            }
        )
    ],
    balances=_kucoin(
        [
            {
                "type": "trade",
                "currency": "ABC",
                "balance": "1.75",
                "available": "1.5",
                "holds": "0.25",
            },
            {"type": "main", "currency": "ABC", "balance": "9", "available": "9", "holds": "0"},
        ]
    ),
    rights=_kucoin({"permission": "General,Spot", "ipWhitelist": "192.0.2.7"}),
    id_field="clientOid",
    filled_field="dealSize",
    ended={"active": False},
    unheard_of={"active": ..., "cancelExist": False},
    good_until=lambda headers, fields: fields["clientTimestamp"] + fields["allowMaxTimeWindow"],
)

GATE_ROW = {
    "id": VENUE_ID,
    "text": f"t-{ID}",
    "currency_pair": "ABC_USDT",
    "account": "spot",
    "type": "limit",
    "side": "buy",
    "price": "1234.5",
    "amount": "0.123",
    "left": "0.1",
    "filled_total": "28.3935",
    "status": "open",
    "finish_as": "open",
    "time_in_force": "gtc",
    "create_time_ms": NOW_MS,
    "fee": "0.000023",
    "fee_currency": "ABC",
}
GATE = Sample(
    row=GATE_ROW,
    found=[GATE_ROW],
    missing=[{"label": "ORDER_NOT_FOUND", "message": "Order not found"}, []],
    listing=lambda rows: rows,
    trades=[
        [
            {
                "id": TRADE_ID,
                "order_id": VENUE_ID,
                "currency_pair": "ABC_USDT",
                "side": "buy",
                "price": "1234.5",
                "amount": "0.023",
                "fee": "0.000023",
                "fee_currency": "ABC",
                "point_fee": "0",
                "gt_fee": "0",
                "create_time_ms": f"{NOW_MS}.000",
            }
        ]
    ],
    balances=[{"currency": "ABC", "available": "1.5", "locked": "0.25"}],
    rights={
        "perms": [{"name": "spot", "read_only": False}, {"name": "wallet", "read_only": True}],
        "ip_whitelist": ["192.0.2.7"],
    },
    id_field="text",
    amount_field="amount",
    filled_field="left",
    ended={"status": "closed", "finish_as": "filled"},
    unheard_of={"status": "newer", "finish_as": "newer"},
    good_until=lambda headers, fields: int(headers["x-gate-exptime"]),
)

BITGET_ROW = {
    "orderId": VENUE_ID,
    "clientOid": ID,
    "symbol": "ABCUSDT",
    "orderType": "limit",
    "side": "buy",
    "price": "1234.5",
    "size": "0.123",
    "baseVolume": "0.023",
    "quoteVolume": "28.3935",
    "status": "partially_filled",
    "force": "gtc",
    "cTime": str(NOW_MS),
}


def _bitget(rows: Any) -> Answer:
    return {"code": "00000", "msg": "success", "data": rows}


BITGET = Sample(
    row=BITGET_ROW,
    found=[_bitget([BITGET_ROW])],
    missing=[_bitget([])],
    listing=_bitget,
    trades=[
        _bitget(
            [
                {
                    "symbol": "ABCUSDT",
                    "orderId": VENUE_ID,
                    "tradeId": TRADE_ID,
                    "side": "buy",
                    "priceAvg": "1234.5",
                    "size": "0.023",
                    "amount": "28.3935",
                    "feeDetail": {"deduction": "no", "feeCoin": "ABC", "totalFee": "-0.000023"},
                    "cTime": str(NOW_MS),
                }
            ]
        )
    ],
    balances=_bitget([{"coin": "ABC", "available": "1.5", "frozen": "0.25", "locked": "0"}]),
    rights=_bitget({"authorities": ["stow"], "ips": "192.0.2.7"}),
    id_field="clientOid",
    filled_field="baseVolume",
    ended={"status": "filled"},
    unheard_of={"status": "newer"},
    good_until=lambda headers, fields: int(fields["requestTime"]) + int(fields["receiveWindow"]),
)
