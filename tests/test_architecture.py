"""Rules about the code itself that import-linter and ruff cannot express.

They look at every Python file that is in git or would be added to it. What a rule leaves out stands in
a tuple at the top of this file, with its reason.
"""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import fault

ROOT = Path(__file__).resolve().parent.parent

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
# A migration is written once, and splitting a table in two files would help nobody.
UNLIMITED_FILES = ("db/migrations/versions/",)

# core does no input or output, keeps no time and has no tasks.
BANNED_FROM_CORE = frozenset(
    [
        "asyncio",
        "concurrent",
        "getpass",
        "glob",
        "http",
        "io",
        "locale",
        "logging",
        "mmap",
        "multiprocessing",
        "os",
        "pathlib",
        "platform",
        "sched",
        "secrets",
        "select",
        "selectors",
        "shelve",
        "shutil",
        "signal",
        "smtplib",
        "socket",
        "socketserver",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
    ]
)
# The command line is the one file in core that opens files and prints.
COMMAND_LINE = "core/__main__.py"

# Whoever wants the time asks one of these for it, so that tests can say what time it is.
CLOCKS = (
    "db/clock.py",
    "worker/clock.py",
    "dashboard/formatting.py",
)
READS_THE_CLOCK = frozenset(
    {
        ("datetime", "now"),
        ("datetime", "utcnow"),
        ("datetime", "today"),
        ("date", "today"),
        ("time", "time"),
        ("time", "time_ns"),
    }
)

# Exact numbers stay exact: floats belong to charts, statistics, the simulated price and the fast kernel.
FLOATS_ALLOWED = (
    "core/kernel",
    "core/metrics",
    "core/noise",
    "core/simulated",
)

# Modules of db whose public functions serve a person: what takes a session takes the person next, and so
# cannot be called without saying for whom.
PERSONAL_MODULES = (
    "db/account_keys.py",
    "db/account_status.py",
    "db/accounts.py",
    "db/audit_findings.py",
    "db/drafts.py",
    "db/preferences.py",
    "db/reports/administration.py",
    "db/reports/histories.py",
    "db/reports/live.py",
    "db/reports/past.py",
    "db/reports/personal.py",
    "db/second_factors.py",
    "db/strategies.py",
)
PERSON_NAMES = frozenset({"user_id", "administrator_id"})
# Functions of those modules which serve the worker, not a person.
NOT_PERSONAL = frozenset(
    {
        ("db/account_keys.py", "archived_with_keys"),
        ("db/account_keys.py", "drop_older_keys"),
        ("db/account_keys.py", "erase_keys"),
        ("db/account_keys.py", "key_versions"),
        ("db/account_keys.py", "keys_not_of_pair"),
        ("db/account_keys.py", "newest_keys"),
        ("db/account_keys.py", "reseal"),
        ("db/account_status.py", "accounts_with_key"),
        ("db/account_status.py", "load"),
        ("db/account_status.py", "save"),
        ("db/account_status.py", "taken_back"),
        ("db/accounts.py", "terms"),
        ("db/accounts.py", "trading_accounts"),
        ("db/audit_findings.py", "open_in"),
        ("db/audit_findings.py", "record"),
        # The selects under the reports; those say for whom.
        ("db/reports/histories.py", "read_journal"),
        ("db/reports/personal.py", "cards"),
    }
)
SESSION_NAMES = frozenset({"session"})

PURPOSELESS_NAMES = frozenset(
    {"utils.py", "helpers.py", "common.py", "base.py", "manager.py", "misc.py"}
)


@functools.lru_cache(maxsize=1)
def python_files() -> tuple[str, ...]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # A file that was removed but not yet committed is still listed.
    return tuple(name for name in sorted(listing.split("\0")) if name and (ROOT / name).exists())


@functools.cache
def source(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@functools.cache
def tree(name: str) -> ast.Module:
    return ast.parse(source(name), filename=name)


def files_under(*folders: str) -> list[str]:
    return [name for name in python_files() if name.startswith(folders)]


def functions(module: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(module: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, top-level module) of every import, those inside functions too."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module.partition(".")[0]


def called(module: ast.AST) -> Iterator[tuple[int, str, str]]:
    """(line, last name before the dot or nothing, name) of every call, and of `default_factory=x.y`."""
    for node in ast.walk(module):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Call):
            targets = [node.func, *(keyword.value for keyword in node.keywords)]
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.lineno, "", target.id
            elif isinstance(target, ast.Attribute):
                owner = target.value
                before = (
                    owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                )
                yield target.lineno, before, target.attr


def none_of(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_there_is_something_to_look_at():
    assert "core/__init__.py" in python_files()


def test_no_file_is_longer_than_the_limit():
    none_of(
        [
            f"{name}: {lines} lines, at most {LONGEST_FILE} are allowed"
            for name in python_files()
            if not name.startswith(UNLIMITED_FILES)
            and (lines := len(source(name).splitlines())) > LONGEST_FILE
        ]
    )


def test_no_function_is_longer_than_the_limit():
    none_of(
        [
            f"{name}:{node.lineno}: {node.name} has {lines} lines, at most {LONGEST_FUNCTION} are allowed"
            for name in python_files()
            if not name.startswith(UNLIMITED_FILES)
            for node in functions(tree(name))
            if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
        ]
    )


def test_no_file_has_a_name_without_a_purpose():
    none_of([name for name in python_files() if Path(name).name in PURPOSELESS_NAMES])


def test_core_imports_nothing_that_does_input_or_output():
    none_of(
        [
            f"{name}:{line}: core may not import {module}"
            for name in files_under("core/")
            if name != COMMAND_LINE
            for line, module in imported(tree(name))
            if module in BANNED_FROM_CORE
        ]
    )


def test_core_opens_no_files_and_prints_nothing_outside_its_command_line():
    none_of(
        [
            f"{name}:{line}: {function}() in core"
            for name in files_under("core/")
            if name != COMMAND_LINE
            for line, before, function in called(tree(name))
            if not before and function in {"open", "print", "input", "breakpoint"}
        ]
    )


def test_only_the_worker_knows_asyncio():
    none_of(
        [
            f"{name}:{line}: asyncio outside worker"
            for name in files_under("core/", "db/", "dashboard/")
            for line, module in imported(tree(name))
            if module == "asyncio"
        ]
    )


def test_only_the_clocks_read_the_clock():
    none_of(
        [
            f"{name}:{line}: {before}.{function}() outside {', '.join(CLOCKS)}"
            for name in files_under("core/", "db/", "worker/", "dashboard/")
            if name not in CLOCKS
            for line, before, function in called(tree(name))
            if (before, function) in READS_THE_CLOCK
        ]
    )


def test_exact_numbers_are_not_turned_into_floats():
    none_of(
        [
            f"{name}:{line}: float() where numbers are exact"
            for name in files_under("core/", "db/", "worker/")
            if not name.startswith(FLOATS_ALLOWED)
            for line, before, function in called(tree(name))
            if not before and function == "float"
        ]
    )


@fault("D22")
def test_no_transaction_can_be_open_during_an_exchange_call():
    """Exchange calls are awaited. What holds a session is a plain function, in which nothing can be."""
    none_of(
        [
            f"{name}:{node.lineno}: {node.name} is async and holds a session"
            for name in files_under("db/", "worker/", "dashboard/")
            for node in functions(tree(name))
            if isinstance(node, ast.AsyncFunctionDef)
            and any(argument.arg in SESSION_NAMES for argument in node.args.args)
        ]
    )


@fault("D19")
def test_no_process_is_forked_with_open_connections():
    """Processes are started afresh by supervisord; each makes its own engine."""
    none_of(
        [
            f"{name}:{line}: {module}"
            for name in files_under("db/", "worker/", "dashboard/")
            for line, module in imported(tree(name))
            if module in {"multiprocessing", "billiard", "pebble"}
        ]
        + [
            f"{name}:{line}: os.{function}()"
            for name in files_under("db/", "worker/", "dashboard/")
            for line, before, function in called(tree(name))
            if before == "os" and function in {"fork", "forkpty"}
        ]
    )


def forgets_the_person(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    # What takes no session asks the database nothing.
    if not names or names[0] not in SESSION_NAMES:
        return False
    return len(names) < 2 or names[1] not in PERSON_NAMES


@pytest.mark.parametrize("name", PERSONAL_MODULES)
def test_every_function_that_serves_a_person_takes_the_person_first(name: str):
    if name not in python_files():
        pytest.fail(f"{name} is listed in PERSONAL_MODULES but does not exist")
    none_of(
        [
            f"{name}:{node.lineno}: {node.name} must take user_id first, or stand in NOT_PERSONAL"
            for node in tree(name).body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and not node.name.startswith("_")
            and (name, node.name) not in NOT_PERSONAL
            and forgets_the_person(node)
        ]
    )


def test_what_is_left_out_of_a_rule_still_exists():
    gone = [name for name, _ in NOT_PERSONAL if name not in python_files()]
    gone += [
        f"{name}: {function}"
        for name, function in NOT_PERSONAL
        if name in python_files() and function not in {node.name for node in functions(tree(name))}
    ]
    none_of(gone)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import datetime\ndatetime.datetime.now()", ("datetime", "now")),
        ("from datetime import datetime\ndatetime.now(tz)", ("datetime", "now")),
        ("field(default_factory=time.time)", ("time", "time")),
        ("float(x)", ("", "float")),
    ],
)
def test_the_rules_see_what_they_look_for(code: str, expected: tuple[str, str]):
    assert expected in {(before, function) for _, before, function in called(ast.parse(code))}


@pytest.mark.parametrize(
    ("arguments", "forgets"),
    [
        ("session, user_id, strategy_id", False),
        ("session, administrator_id", False),
        ("text", False),
        ("session, strategy_id", True),
        ("session, strategy_id, user_id", True),
        ("session, *, user_id", True),
    ],
)
def test_the_rule_about_the_person_sees_who_is_forgotten(arguments: str, forgets: bool):
    node = ast.parse(f"def function({arguments}): ...").body[0]
    assert isinstance(node, ast.FunctionDef)
    assert forgets_the_person(node) is forgets
