"""What a jump of the price passes over happens at its end, best price first, buys before a stop."""

from decimal import Decimal

from core.backtest import Settings, backtest
from core.candles import Candle
from core.market import Market
from core.parameter_reading import read_parameters


def candle(minute: int, *prices: str) -> Candle:
    return Candle(minute * 60_000, *map(Decimal, prices))


def test_levels_above_the_stop_fill_first_even_when_one_of_them_moves_the_activation_price():
    """The first level takes the activation price of the trail below where the jump began."""
    parameters = read_parameters(
        {
            "base_order_size": "10",
            "custom_levels": [
                {"deviation": "0.001", "size": "1000"},
                {"deviation": "0.01", "size": "1000"},
            ],
            "take_profit": "0.005",
            "trailing_deviation": "0.001",
            "stop_loss": "0.05",
            "stop_loss_reference": "base_order_price",
        }
    )
    candles = [candle(0, "100", "100", "99.95", "99.95"), candle(1, "90", "90", "90", "90")]
    result = backtest(parameters, Market(), candles, Settings())
    happened = [(str(f.order.slot.role), f.order.slot.level) for f in result.fills]
    assert happened == [("base", 0), ("safety", 1), ("safety", 2), ("stop_loss", None)]


def test_a_stop_sells_at_a_price_that_can_be_stored():
    """Price times quantity has no more than the 18 places that the database keeps."""
    market = Market(tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"))
    assert market.keep_price(Decimal(1) / 3) == Decimal("0.3333333333333")
    parameters = read_parameters(
        {
            "base_order_size": "1000",
            "safety_order_size": "700",
            "max_safety_orders": 1,
            "price_deviation": "0.01",
            "stop_loss": "0.0231",
        }
    )
    candles = [candle(0, "1234.56", "1234.56", "1000", "1000")]
    result = backtest(parameters, market, candles, Settings())
    sold = result.fills[2].fill
    assert str(result.fills[2].order.slot.role) == "stop_loss"
    exponent = sold.cost.as_tuple().exponent
    assert isinstance(exponent, int)
    assert exponent >= -18
