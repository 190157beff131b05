"""The sample order and trade in the style of each exchange: `SAMPLES`, by ccxt's id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.exchanges.sample import TRADE_ID, VENUE_ID, Answer, Sample
from tests.exchanges.samples_classic import BITGET, GATE, KUCOIN
from tests.exchanges.wire import ID, NOW_MS

BINANCE_ROW = {
    "symbol": "ABCUSDT",
    "orderId": 700123,
    "clientOrderId": ID,
    "price": "1234.50000000",
    "origQty": "0.12300000",
    "executedQty": "0.02300000",
    "cummulativeQuoteQty": "28.39350000",
    "status": "PARTIALLY_FILLED",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
    "time": NOW_MS,
    "updateTime": NOW_MS,
}
BINANCE = Sample(
    row=BINANCE_ROW,
    found=[BINANCE_ROW],
    missing=[{"code": -2013, "msg": "Order does not exist."}],
    listing=lambda rows: rows,
    trades=[
        [
            {
                "symbol": "ABCUSDT",
                "id": 900456,
                "orderId": 700123,
                "price": "1234.50000000",
                "qty": "0.02300000",
                "commission": "0.00002300",
                "commissionAsset": "ABC",
                "time": NOW_MS,
                "isBuyer": True,
                "isMaker": True,
            }
        ]
    ],
    balances={"balances": [{"asset": "ABC", "free": "1.50000000", "locked": "0.25000000"}]},
    rights={
        "ipRestrict": True,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableSpotAndMarginTrading": True,
    },
    id_field="newClientOrderId",
    amount_field="quantity",
    filled_field="executedQty",
    ended={"status": "FILLED"},
    unheard_of={"status": "NEWER"},
    good_until=lambda headers, fields: int(fields["timestamp"]) + int(fields["recvWindow"]),
)

BYBIT_ROW = {
    "symbol": "ABCUSDT",
    "orderId": VENUE_ID,
    "orderLinkId": ID,
    "price": "1234.50",
    "qty": "0.1230",
    "cumExecQty": "0.0230",
    "cumExecValue": "28.3935",
    "leavesQty": "0.1",
    "orderStatus": "PartiallyFilled",
    "timeInForce": "GTC",
    "orderType": "Limit",
    "side": "Buy",
    "createdTime": str(NOW_MS),
}


def _bybit(rows: list[dict[str, Any]]) -> Answer:
    return {"retCode": 0, "retMsg": "OK", "result": {"list": rows, "nextPageCursor": ""}}


BYBIT = Sample(
    row=BYBIT_ROW,
    found=[_bybit([BYBIT_ROW])],
    missing=[_bybit([]), _bybit([])],
    listing=_bybit,
    trades=[
        _bybit(
            [
                {
                    "symbol": "ABCUSDT",
                    "execId": TRADE_ID,
                    "orderId": VENUE_ID,
                    "execPrice": "1234.50",
                    "execQty": "0.0230",
                    "execFee": "0.000023",
                    "feeCurrency": "ABC",
                    "execType": "Trade",
                    "execTime": str(NOW_MS),
                    "side": "Buy",
                    "isMaker": True,
                }
            ]
        )
    ],
    balances={
        "retCode": 0,
        "result": {
            "list": [
                {
                    "accountType": "UNIFIED",
                    "coin": [{"coin": "ABC", "walletBalance": "1.75", "locked": "0.25"}],
                }
            ]
        },
    },
    rights={
        "retCode": 0,
        "result": {
            "readOnly": 0,
            "permissions": {"Spot": ["SpotTrade"], "Wallet": []},
            "ips": ["192.0.2.7"],
            "expiredAt": "2027-01-31T08:00:00Z",
        },
    },
    id_field="orderLinkId",
    amount_field="qty",
    filled_field="cumExecQty",
    ended={"orderStatus": "Filled"},
    unheard_of={"orderStatus": "Newer"},
    good_until=lambda headers, fields: (
        int(headers["X-BAPI-TIMESTAMP"]) + int(headers["X-BAPI-RECV-WINDOW"])
    ),
)

OKX_ROW = {
    "instType": "SPOT",
    "instId": "ABC-USDT",
    "ordId": VENUE_ID,
    "clOrdId": ID,
    "px": "1234.5",
    "sz": "0.123",
    "accFillSz": "0.023",
    "state": "partially_filled",
    "ordType": "limit",
    "side": "buy",
    "tdMode": "cash",
    "tgtCcy": "",
    "cTime": str(NOW_MS),
    "avgPx": "1234.5",
    "fee": "-0.000023",
    "feeCcy": "ABC",
}


def _okx(rows: list[dict[str, Any]]) -> Answer:
    return {"code": "0", "msg": "", "data": rows}


OKX = Sample(
    row=OKX_ROW,
    found=[_okx([OKX_ROW])],
    missing=[{"code": "51603", "msg": "Order does not exist", "data": []}],
    listing=_okx,
    trades=[
        _okx(
            [
                {
                    "instType": "SPOT",
                    "instId": "ABC-USDT",
                    "tradeId": TRADE_ID,
                    "billId": "1",
                    "ordId": VENUE_ID,
                    "clOrdId": ID,
                    "fillPx": "1234.5",
                    "fillSz": "0.023",
                    "side": "buy",
                    "fee": "-0.000023",
                    "feeCcy": "ABC",
                    "ts": str(NOW_MS),
                }
            ]
        )
    ],
    balances=_okx(
        [{"details": [{"ccy": "ABC", "eq": "1.75", "availBal": "1.5", "frozenBal": "0.25"}]}]
    ),
    rights=_okx([{"perm": "read_only,trade", "ip": "192.0.2.7"}]),
    id_field="clOrdId",
    amount_field="sz",
    price_field="px",
    filled_field="accFillSz",
    ended={"state": "filled"},
    unheard_of={"state": "newer"},
    good_until=lambda headers, fields: int(headers["expTime"]),
)

KRAKEN_ROW = {
    "cl_ord_id": ID,
    "userref": None,
    "status": "open",
    "opentm": NOW_MS / 1000,
    "vol": "0.12300000",
    "vol_exec": "0.02300000",
    "cost": "28.39350",
    "fee": "0.02839",
    "price": "1234.50",
    "oflags": "fciq",
    "descr": {
        "pair": "ABCUSDT",
        "type": "buy",
        "ordertype": "limit",
        "price": "1234.50",
        "price2": "0",
        "order": "buy 0.12300000 ABCUSDT @ limit 1234.50",
    },
}


def _kraken(rows: list[dict[str, Any]]) -> Answer:
    table = {VENUE_ID if row is KRAKEN_ROW else f"O{n}": row for n, row in enumerate(rows)}
    return {"error": [], "result": {"open": table, "closed": table, "count": len(rows)}}


KRAKEN = Sample(
    row=KRAKEN_ROW,
    found=[_kraken([KRAKEN_ROW])],
    missing=[_kraken([]), _kraken([])],
    listing=_kraken,
    trades=[
        {"error": [], "result": {VENUE_ID: {**KRAKEN_ROW, "trades": [TRADE_ID]}}},
        {
            "error": [],
            "result": {
                TRADE_ID: {
                    "ordertxid": VENUE_ID,
                    "pair": "ABCUSDT",
                    "time": NOW_MS / 1000,
                    "type": "buy",
                    "ordertype": "limit",
                    "price": "1234.50",
                    "cost": "28.3935",
                    "fee": "0.02839",
                    "vol": "0.0230",
                }
            },
        },
    ],
    balances={"error": [], "result": {"ABC": {"balance": "1.75", "hold_trade": "0.25"}}},
    rights={
        "error": [],
        "result": {
            "permissions": ["query-funds", "query-open-trades", "modify-trades"],
            "validUntil": "0",
            "ipAllowlist": ["192.0.2.7"],
        },
    },
    id_field="cl_ord_id",
    amount_field="volume",
    side_field="type",
    filled_field="vol_exec",
    ended={"status": "closed"},
    unheard_of={"status": "newer"},
    good_until=lambda headers, fields: round(
        datetime.fromisoformat(fields["deadline"]).timestamp() * 1000
    ),
)

SAMPLES: dict[str, Sample] = {
    "binance": BINANCE,
    "bybit": BYBIT,
    "okx": OKX,
    "kraken": KRAKEN,
    "kucoin": KUCOIN,
    "gate": GATE,
    "bitget": BITGET,
}
