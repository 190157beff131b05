"""What a cache keeps is shared by everybody who visits: nothing in it may be one person's for another.

Two ways in which it would be were seen: reading the session inside, and a user id whose parameter begins
with an underscore, which Streamlit leaves out of the key.
"""

from __future__ import annotations

import ast

import pytest

from tests.faults import fault
from tests.test_architecture import files_under, none_of, tree

# Prices and symbols of a venue are the same for everybody.
PUBLIC = ("dashboard/prices.py",)
SESSION = ("session_state", "context", "current_user", "require")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_cache(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return isinstance(called, ast.Attribute) and called.attr in ("cache_data", "cache_resource")


def cached(module: ast.Module) -> list[Function]:
    return [
        node
        for node in ast.walk(module)
        if isinstance(node, Function) and any(map(is_cache, node.decorator_list))
    ]


def wrong(file: str, module: ast.Module) -> list[str]:
    found = []
    for function in cached(module):
        names = [argument.arg for argument in function.args.args]
        if file not in PUBLIC and names[:1] != ["user_id"]:
            found.append(f"{file}: {function.name} is cached and does not take user_id first")
        read = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
        read |= {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        if read & set(SESSION):
            found.append(f"{file}: {function.name} is cached and reads the session")
    return found


@fault("S2")
def test_whatever_is_cached_is_public_or_kept_per_person():
    none_of([each for file in files_under("dashboard/") for each in wrong(file, tree(file))])


@fault("S2")
@pytest.mark.parametrize(
    "code",
    [
        "@st.cache_data\ndef f(): return st.session_state.user",
        "@st.cache_data(ttl=5)\ndef f(_user_id): return 1",
        "@st.cache_resource\ndef f(strategy_id, user_id): return 1",
        "@st.cache_data\ndef f(user_id): return st.context.cookies",
    ],
)
def test_the_ways_that_leaked_are_seen(code):
    assert wrong("dashboard/x.py", ast.parse(code))
