"""Where the worker catches whatever there is: counted, because each place may hide a fault."""

from __future__ import annotations

import ast

from tests.test_architecture import files_under, tree

BULKHEADS = {
    "worker/turn.py": 1,
    "worker/runners.py": 1,
    "worker/units.py": 1,
    "worker/group_commit.py": 1,
    "worker/auditor.py": 3,
}
"""CONTRIBUTING.md says why."""
CLEANING_UP = {"worker/together.py": 2, "worker/exchanges/hub.py": 1}
"""These raise again."""


def caught(name: str) -> list[ast.ExceptHandler]:
    return [node for node in ast.walk(tree(name)) if isinstance(node, ast.ExceptHandler)]


def is_broad(handler: ast.ExceptHandler) -> bool:
    kind = handler.type
    return kind is None or (
        isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")
    )


def ends_in_raise(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_the_worker_catches_everything_in_its_bulkheads_only():
    broad = {name: [h for h in caught(name) if is_broad(h)] for name in files_under("worker/")}
    swallowed = {n: sum(not ends_in_raise(h) for h in found) for n, found in broad.items()}
    raised = {n: sum(ends_in_raise(h) for h in found) for n, found in broad.items()}
    assert {name: count for name, count in swallowed.items() if count} == BULKHEADS
    assert {name: count for name, count in raised.items() if count} == CLEANING_UP
