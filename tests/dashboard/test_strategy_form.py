"""The form of a strategy: what follows a change, what is refused and how, what Start does once."""

from __future__ import annotations

import pytest

from core.cycle import DesiredState
from core.errors import InvalidInput
from core.parameter_table import BY_NAME
from dashboard import form_fields, prices
from dashboard.tables import widths
from db import reports
from db.transactions import run
from tests.dashboard import stand_in
from tests.dashboard.conftest import texts
from tests.db.people import a_strategy
from tests.faults import fault

PERCENTS = ("price_deviation", "take_profit", "stop_loss", "trailing_deviation", "reinvest")
NUMBERS = [
    name
    for name, field in form_fields.FIELDS.items()
    if name not in ("take_profit_includes_fees", "stop_loss_reference", "after_stop_loss")
    and name != "base_order_type"
]
FORM = "views/new_strategy.py"


def cards(world, user_id):
    return run(world.engine, lambda s: reports.home(s, user_id, at=world.now))


def switched_on(app, name):
    field = form_fields.FIELDS[name]
    if name in form_fields.WITH_STOP_LOSS:
        app.toggle(key=form_fields.FIELDS["stop_loss"].switch_key).set_value(True).run()
    if name in form_fields.CAN_BE_OFF:
        app.toggle(key=field.switch_key).set_value(True).run()
    return app.number_input(key=field.key)


def start(app):
    return app.button(key="form_start")


def test_it_opens_with_a_ladder_that_can_be_started(world, open_page):
    app = open_page(world.ann, FORM)
    shown = texts(app)
    for word in ("Money needed", "Fall covered", "Loss at −40 %", "What Start does"):
        assert word in shown
    assert not app.error
    assert not start(app).disabled
    assert len(app.dataframe[0].value) == 8


def test_every_preset_of_every_symbol_can_be_started(world, open_page):
    app = open_page(world.ann, FORM)
    for symbol in app.selectbox(key="form_symbol_simulated").options:
        app.selectbox(key="form_symbol_simulated").select(symbol).run()
        for name in app.radio[0].options:
            app.radio[0].set_value(name).run()
            assert not app.exception
            assert not app.error, (symbol, name, app.error)


@pytest.mark.parametrize(
    ("offered", "first"),
    [
        (["1INCH/USDT", "BTC/EUR", "BTC/USDT", "ETH/USDT"], "BTC/USDT"),
        (["AAVE/USD", "BTC/EUR", "BTC/USD", "SOL/USD"], "BTC/USD"),
        (["AAVE/EUR", "BTC/USD", "ETH/EUR", "SOL/EUR"], "ETH/EUR"),
        (["AAVE/EUR", "BTC/USD", "COMP/EUR"], "AAVE/EUR"),
    ],
)
def test_the_form_begins_with_a_symbol_that_people_know(offered, first):
    made = [prices.Tradable(symbol, "", is_practice=False) for symbol in offered]
    assert made[prices.usual(made)].symbol == first
    assert prices.usual([]) == 0


def test_figures_follow_a_change_at_once(world, open_page):
    app = open_page(world.ann, FORM)
    before = texts(app)
    app.number_input(key="field_max_safety_orders").set_value(3).run()
    assert len(app.dataframe[0].value) == 4
    assert texts(app) != before


def test_the_money_given_is_never_exceeded(world, open_page):
    app = open_page(world.ann, FORM)
    app.number_input(key="form_budget").set_value(1234.0).run()
    assert not app.error
    size = app.number_input(key="field_base_order_size").value
    assert 0 < size < 1234 / 8


@fault("I3")
def test_too_little_money_is_said_with_the_way_out(world, open_page):
    app = open_page(world.ann, FORM)
    app.number_input(key="form_budget").set_value(3.0).run()
    assert "is too small" in texts(app)
    assert start(app).disabled


@fault("I1")
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308, -1.0, None])
def test_a_bad_number_is_answered_in_words_and_nothing_starts(world, open_page, name, value):
    app = open_page(world.ann, FORM)
    field = switched_on(app, name)
    if isinstance(field.value, int) and value is not None:
        value = -1 if value != 1e308 else 10**14
    field.set_value(value).run()
    assert not app.exception
    said = " ".join(str(error.value) for error in app.error).replace("\\", "")
    assert f"“{BY_NAME[name].label}”" in said, said
    assert not [button for button in app.button if button.key == "form_start"]
    assert not cards(world, world.ann)


@pytest.mark.parametrize("name", PERCENTS)
def test_ranges_of_percent_fields_are_said_in_percent(name):
    with pytest.raises(InvalidInput) as refused:
        form_fields._read_one(form_fields.FIELDS[name], 100_000.0)
    assert "%" in form_fields.speak(refused.value)


def test_no_name_of_the_code_reaches_the_person():
    problem = InvalidInput("custom_levels[2].size", "level 2 is below; lower price_deviation.")
    assert form_fields.speak(problem) == (
        "level 2, money: level 2 is below; lower “First step down”."
    )
    problem = InvalidInput("trailing_deviation", "must be smaller than take_profit (0.015).")
    assert "1.5" in form_fields.speak(problem)


def test_levels_typed_by_hand_replace_the_four_numbers(world, open_page):
    app = open_page(world.ann, FORM)
    app.toggle(key="field_on_custom_levels").set_value(True).run()
    assert not app.exception
    assert not app.error
    labels = [field.label for field in app.number_input]
    assert not any(label.startswith("Step growth") for label in labels)


def test_start_creates_one_running_strategy_and_goes_to_its_page(world, open_page):
    app = open_page(world.ann, FORM)
    start(app).click().run()
    (card,) = cards(world, world.ann)
    assert card.desired_state is DesiredState.RUNNING
    assert card.symbol == "PRACTICE1/USDT"


def test_a_second_strategy_on_the_same_symbol_is_refused_in_words(world, open_page):
    a_strategy(world.engine, world.ann, "PRACTICE1/USDT")
    app = open_page(world.ann, FORM)
    start(app).click().run()
    assert "already trades PRACTICE1/USDT" in texts(app)
    assert len(cards(world, world.ann)) == 1


def test_money_that_running_strategies_need_is_not_offered_again(world, open_page):
    strategy_id = a_strategy(world.engine, world.ann, "PRACTICE1/USDT")
    stand_in.trade(world.engine, strategy_id, world.now, 30)
    shown = texts(open_page(world.ann, FORM))
    assert "10,000.00 USDT of this account is free" not in shown


def test_changing_the_settings_of_a_strategy_makes_a_new_version(world, open_page):
    strategy_id = a_strategy(world.engine, world.ann, "PRACTICE1/USDT")
    app = open_page(world.ann, FORM, edit=str(strategy_id))
    assert app.number_input(key="field_base_order_size").value == 100.0
    app.number_input(key="field_base_order_size").set_value(120.0).run()
    app.button(key="form_save").click().run()
    (card,) = cards(world, world.ann)
    assert card.parameters_version == 2
    detail = run(world.engine, lambda s: reports.strategy_detail(
        s, world.ann, strategy_id, at=world.now))  # fmt: skip
    assert detail.parameters is not None
    assert detail.parameters.base_order_size == 120


@pytest.mark.parametrize(
    "number", ["68,123.45", "0.00001234", "123,456,789.12345678", "−22.84\u202f%"]
)
def test_a_column_is_wide_enough_for_its_longest_number(number):
    """A digit is 7 px wide in a browser, a separator 3.5, and 16 px stand around the text."""
    digits = sum(letter.isdigit() or letter in "−%" for letter in number)
    widest = {"Price": number, "Buy": "1"}
    assert widths([{"Price": "1", "Buy": "First"}, widest])["Price"] >= (
        16 + 7 * digits + 3.5 * (len(number) - digits)
    )
    assert widths([widest])["Buy"] < 60
    assert widths([]) == {}
