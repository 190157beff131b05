"""Nothing public stands in the program that the program does not use.

By name: what has the name of something that is used elsewhere is not found. What only tests use is dead,
unless it stands here with its reason.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from tests.test_architecture import files_under, none_of, tree

# They stand in for classes of libraries, which call their methods.
STAND_INS = ("worker/exchanges/clients.py: Guarded.", "worker/prices/routing.py: RoutingSession.")
PROGRAM = ("core/", "db/", "worker/", "dashboard/")
UNUSED = frozenset(
    {
        # Tests and simulations say what time it is.
        "db/clock.py: use_clock",
        "worker/clock.py: use_monotonic",
        # Tests begin and end a reason to buy nothing.
        "worker/account.py: AccountRunner.lift",
        # Tested, and wanted by screens that are not there yet: versions of parameters, the audit log of
        # a person, their journal, people who leave, sums over strategies, time in trade.
        "core/imports/own.py: write_export",
        "core/imports/reading.py: read_import",
        "dashboard/csv_out.py: write_csv",
        "dashboard/distances.py: distances",
        "core/metrics.py: cycle_results",
        "core/metrics.py: time_in_trade",
        "db/accounts.py: rename_account",
        "db/audit.py: audit_of",
        "db/reports/histories.py: person_journal",
        "db/strategies.py: strategy_versions",
        "db/users.py: remove_person",
        # Tested, and wanted by the screens of people, history and administration, and by the notifier.
        "db/keys.py: second_factor_key",
        "db/login.py: confirm_code",
        "db/login.py: finish_log_in",
        "db/notification_targets.py: add_target",
        "db/notification_targets.py: remove_target",
        "db/notification_targets.py: seal_address",
        "db/notification_targets.py: sealed_targets",
        "db/notification_targets.py: set_events",
        "db/notification_targets.py: targets",
        "db/outbox.py: add_test",
        "db/preferences.py: set_theme",
        "db/reports/administration.py: audit_actions",
        "db/reports/administration.py: audit_log",
        "db/reports/past.py: months",
        "db/second_factors.py: enrol",
        "db/second_factors.py: new_recovery_codes",
        "db/second_factors.py: replace_recovery_codes",
        "db/sign_up.py: invitations",
        "db/sign_up.py: invite",
        "db/sign_up.py: is_invited",
        "db/sign_up.py: set_mode",
        "db/sign_up.py: sign_up",
        "db/sign_up.py: withdraw",
        "db/users.py: keep_out",
    }
)


def names(node: ast.AST) -> Iterator[str]:
    """Every name that is read, called or asked for as an attribute; imports use nothing."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr


def public(module: ast.Module) -> Iterator[tuple[str, ast.AST, str]]:
    """(title, definition, name). Methods only of classes without a base: a base may call them."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    for node in module.body:
        if isinstance(node, kinds | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node, node.name
        if isinstance(node, ast.ClassDef) and not node.bases:
            for method in node.body:
                if isinstance(method, kinds) and not method.name.startswith("_"):
                    yield f"{node.name}.{method.name}", method, method.name


def unused() -> set[str]:
    used = Counter(name for file in files_under(*PROGRAM, "bench/") for name in names(tree(file)))
    found = set()
    for file in files_under(*PROGRAM):
        if file.startswith("db/migrations/"):
            continue
        for title, node, name in public(tree(file)):
            # A function that calls itself is not thereby used.
            if used[name] == Counter(names(node))[name]:
                found.add(f"{file}: {title}")
    return found


def test_everything_public_is_used_by_the_program():
    none_of([each for each in sorted(unused() - UNUSED) if not each.startswith(STAND_INS)])


def test_what_is_excepted_exists_and_is_not_used():
    none_of(sorted(UNUSED - unused()))
