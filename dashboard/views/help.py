"""Help: how a Martingale works, how it ruins, and the words used here."""

from __future__ import annotations

import streamlit as st

from dashboard import access, pages
from dashboard.database import read
from dashboard.page_parts import header
from db import accounts
from db.sessions import Principal

HOW = """
A **cycle** begins with a **first buy**. Below it wait **extra buys**, each further down and usually
larger than
the one before. When the price falls and an extra buy is filled, the **average entry price** of
everything bought
comes down with it. The **take profit** is placed a little above that average. When the price rises to it,
everything is sold, the cycle ends with a small gain, and the next one begins.

The larger the extra buys, the closer the average follows the price, and the smaller the rise that
is needed to
get out. That is the whole idea.
"""
RUIN = """
- **Many small gains, one large loss.** Each cycle earns about the take profit. One fall that goes
  past the last
  extra buy and does not come back can cost more than hundreds of cycles have earned.
- **The money needed grows fast.** With a size growth of 1.5, the eighth extra buy is 17 times the
  first. When the
  money is used up there is nothing left to bring the average down, and you wait, or sell at a loss.
- **A win rate says nothing.** Nearly every closed cycle is a gain, because losses stay open. So
  look at the open
  loss and at the loss if the price falls 20, 40 or 60 %; both stand next to every gain here.
- **Falls of 40 % and more are normal** for coins: large ones have had several in ten years, small ones many
  more, and some never came back.
- **A stop loss limits one cycle, not the habit.** It sells at a loss, and a new cycle may walk into
  the same fall.
"""
BEFORE = """
1. Use money whose loss you can bear. With simulated or paper money you lose nothing while you learn.
2. Look at *fall covered* first, then at *money needed*, then at the loss at -40 %. Take profit comes last.
3. Leave it alone for some weeks on paper, through at least one real fall.
"""
STATES = """
| What you can ask for | What happens |
|---|---|
| **Run** | Cycles follow each other. |
| **Finish this cycle** | This cycle goes on as planned; then no new one starts. |
| **Pause** | Waiting buys are cancelled. Take profit and stop loss stay on. |
| **Stop** | Everything is cancelled. You keep the coins and nobody watches them. |
| **Close (sell now)** | Everything is cancelled, then the coins are sold at the market price. |
| **Try again** | After something was refused: what was refused is placed again. |

The dashboard only writes down what you want. The **worker**, a second program, makes it so. Stop
loss and trailing
work only while it runs; extra buys and the take profit rest on the exchange and work without it.
"""
WORDS = """
| Word | Meaning |
|---|---|
| **Quote coin** | The coin you pay with, such as USDT. All amounts of money are in it. |
| **First buy, extra buys** | The buys of a cycle, from the top down. Together they are the **ladder**. |
| **Average entry price** | Money spent on coins divided by the coins bought, without fees. |
| **Take profit** | The price, or its distance above the average, at which everything is sold. |
| **Fall covered** | How far below the first buy the last extra buy waits. |
| **Money needed** | What the first buy and all extra buys cost together, fees included. |
| **Still to be spent** | What the extra buys not filled yet would cost. |
| **Realized PnL** | Profit or loss of what has been sold, after all fees. PnL: profit and loss. |
| **Unrealized PnL** | What selling everything now would add, the sell fee included. |
| **Drawdown** | How far the result has fallen below its best value so far. |
| **Rise needed** | How far the price must rise from a buy to reach the take profit. |
| **Simulated, paper, live** | Made-up prices and money; real prices and made-up money; real money. |
| **Halt** | An administrator pauses everybody's buying. Sales go on. |
"""


def draw(person: Principal) -> None:
    mine = read(lambda session: accounts.accounts(session, person.user_id))
    header("Help", {account.kind for account in mine})
    for title, text in (
        ("How a Martingale works", HOW),
        ("How it ruins people", RUIN),
        ("Before you start", BEFORE),
        ("What you can ask for", STATES),
        ("The words", WORDS),
    ):
        st.subheader(title, anchor=False)
        st.markdown(text)
    st.page_link(pages.new_strategy(), label="Set up a strategy", icon=":material/add:")


draw(access.require())
