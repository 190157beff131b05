"""Gate tells of all keys of an account: the rights of ours are read, and of no other."""

import pytest

from tests.exchanges.wire import Wire
from tests.faults import fault
from worker.exchanges.adapters import ADAPTERS


def wire_of(*answers):
    return Wire(ADAPTERS["gate"], answers)


def gate_key(shown, *rights):
    return {"key": shown, "perms": [{"name": name, "read_only": False} for name in rights]}


DETAIL = {"ip_whitelist": ["192.0.2.7"]}
HARMLESS = gate_key("another-one***", "spot")


@pytest.mark.parametrize(
    ("keys", "withdraws"),
    [
        ([HARMLESS, gate_key("key-cana*****", "spot", "withdrawal")], True),
        ([gate_key("key-cana*****", "spot"), gate_key("another-one*", "withdrawal")], False),
        (gate_key("key-cana*****", "spot", "withdrawal"), True),
    ],
)
@fault("E32")
async def test_of_all_keys_of_an_account_the_rights_of_ours_are_read(keys, withdraws):
    wire = wire_of(keys, DETAIL)

    found = await wire.adapter.permissions(wire.client)

    assert (found.can_withdraw, found.can_trade, found.readable) == (withdraws, True, True)


@pytest.mark.parametrize(
    "keys",
    [
        [HARMLESS],
        HARMLESS,
        [gate_key("*****", "spot"), HARMLESS],
        [gate_key("key***", "spot")],
        [gate_key("key-cana**", "spot"), gate_key("key-cana**", "withdrawal")],
        [{"perms": [{"name": "spot"}]}],
    ],
)
@fault("E32")
async def test_a_key_that_is_not_told_from_others_is_for_its_owner_to_judge(keys):
    wire = wire_of(keys, DETAIL)

    found = await wire.adapter.permissions(wire.client)

    assert (found.can_withdraw, found.readable) == (None, False)
