"""The house rules hold, and each safeguard is shown to bite: a planted breach must be found."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support_architecture import HOUSE, breaches, modules_of

ROOT = Path(__file__).resolve().parent.parent
SUPPORT = Path(__file__).parent / "support"
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of our packages to plant breaches in."""
    for package in HOUSE:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(tree: Path, file: str, code: str) -> None:
    """Put a module into the tree, with the packages above it."""
    target = tree / file
    target.parent.mkdir(parents=True, exist_ok=True)
    for folder in list(target.relative_to(tree).parents)[:-1]:
        (tree / folder / "__init__.py").touch()
    target.write_text(code, encoding="utf-8")


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the tree with nothing of this process's import path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def done_by_importing(tree: Path) -> list[list[str]]:
    """What importing the modules of a tree did to the world."""
    ran = run(tree, str(SUPPORT / "support_quiet_import.py"), str(tree))
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["modules"] > 0
    done: list[list[str]] = answer["done"]
    return done


def test_every_module_keeps_the_rules_of_the_house() -> None:
    assert len(modules_of(ROOT)) > len(HOUSE)
    assert [str(breach) for breach in breaches(ROOT)] == []


BREACHES = {
    "the core knows no database": ("syncd/core/planted.py", "from syncd.store import tables\n", "imports syncd.store"),
    "a relative import is seen": ("syncd/core/planted.py", "from ..store import tables\n", "imports syncd.store"),
    "an import in a function is seen": ("syncd/core/planted.py", "def f():\n    import time\n", "imports time"),
    "the core has no clock": ("syncd/core/planted.py", "import time\n", "the core is pure"),
    "the core asks nobody what time it is": (
        "syncd/core/planted.py",
        "import datetime\nNOW = datetime.datetime.now(datetime.UTC)\n",
        "calls datetime.datetime.now",
    ),
    "the core has no files": ("syncd/core/planted.py", "from pathlib import Path\n", "imports pathlib"),
    "the core opens nothing": ("syncd/core/planted.py", "def f():\n    return open('x')\n", "calls open"),
    "the core has no logger": ("syncd/core/planted.py", "import logging\n", "imports logging"),
    "the core has no network": ("syncd/core/planted.py", "import socket\n", "imports socket"),
    "the core has no chance": ("syncd/core/planted.py", "import random\n", "imports random"),
    "the core has no threads": ("syncd/core/planted.py", "import threading\n", "imports threading"),
    "the core has no operating system": ("syncd/core/planted.py", "import os\n", "imports os"),
    "the core has no HTTP": ("syncd/core/planted.py", "import httpx\n", "imports httpx"),
    "the core has no structlog": ("syncd/core/planted.py", "import structlog\n", "imports structlog"),
    "SQLAlchemy lives in the store": ("syncd/engine/planted.py", "import sqlalchemy\n", "imports sqlalchemy"),
    "sqlite3 is not a way round the store": ("syncd/engine/planted.py", "import sqlite3\n", "imports sqlite3"),
    "the engine is handed its store": ("syncd/engine/planted.py", "import syncd.store\n", "imports syncd.store"),
    "the engine is handed its trackers": ("syncd/engine/planted.py", "import connectors.jira\n", "imports connectors"),
    "the store knows no renderer": ("syncd/store/planted.py", "from syncd import render\n", "imports syncd.render"),
    "YAML has one loader": ("syncd/rulebook/planted.py", "from ruamel.yaml import YAML\n", "imports ruamel"),
    "the jira package has one home": ("connectors/http.py", "import jira\n", "imports jira"),
    "httpx has one home": ("connectors/linear/client.py", "import httpx\n", "imports httpx"),
    "typer and rich belong to the commands": ("syncd/app/planted.py", "from rich import progress\n", "imports rich"),
    "a connector knows no settings": (
        "connectors/jira/planted.py",
        "import syncd.settings\n",
        "imports syncd.settings",
    ),
    "a connector knows no other": ("connectors/linear/planted.py", "import connectors.jira\n", "imports connectors"),
    "the sandbox shares no code with connectors": (
        "connectors/sandbox/planted.py",
        "from connectors.http import Caller\n",
        "imports connectors.http",
    ),
    "the sandbox shares no code with syncd": (
        "connectors/sandbox/planted.py",
        "from syncd.core.model import Issue\n",
        "imports syncd.core",
    ),
    "a library without a home is a decision": ("syncd/store/planted.py", "import pandas\n", "has no home"),
    "a module without a place is a decision": ("syncd/utils.py", "", "has no place"),
    "threads, not asyncio": ("syncd/engine/planted.py", "import asyncio\n", "imports asyncio"),
    "only the commands print": ("syncd/app/planted.py", "print('hello')\n", "only syncd.cli prints"),
    "writing to stdout is printing": ("syncd/app/planted.py", "from sys import stdout\n", "only syncd.cli prints"),
    "only the commands exit": ("syncd/engine/planted.py", "raise SystemExit(3)\n", "only syncd.cli exits"),
    "sys.exit is exiting": ("syncd/engine/planted.py", "import sys\nsys.exit(3)\n", "only syncd.cli exits"),
    "the environment is for the settings": ("syncd/store/planted.py", "import os\nos.getenv('A')\n", "is handed"),
    "an import by its name is an import": (
        "syncd/engine/planted.py",
        "import importlib\nimportlib.import_module('connectors.jira')\n",
        "imports connectors.jira",
    ),
    "a computed import is for the table of kinds": (
        "syncd/engine/planted.py",
        "import importlib\ndef f(name):\n    importlib.import_module(name)\n",
        "by a computed name",
    ),
}


@pytest.mark.parametrize(("file", "code", "expected"), BREACHES.values(), ids=BREACHES.keys())
def test_a_planted_breach_is_found(tmp_path: Path, file: str, code: str, expected: str) -> None:
    plant(tmp_path, file, code)
    assert any(expected in str(breach) for breach in breaches(tmp_path)), [str(breach) for breach in breaches(tmp_path)]


def test_what_the_rules_allow_is_not_called_a_breach(tmp_path: Path) -> None:
    plant(
        tmp_path, "syncd/core/planted.py", "import re2\nfrom .model import Issue\nfrom dataclasses import dataclass\n"
    )
    plant(tmp_path, "syncd/store/planted.py", "import sqlalchemy as sa\nfrom syncd.core import model\n")
    plant(tmp_path, "connectors/jira/planted.py", "import jira\nfrom connectors import http\nimport syncd.core.model\n")
    plant(tmp_path, "syncd/cli/__init__.py", "import os, sys\nimport rich\nprint(os.environ)\nsys.exit(0)\n")
    plant(
        tmp_path,
        "syncd/app/planted.py",
        "import importlib\ndef build(name):\n    return importlib.import_module(name)\n",
    )
    assert breaches(tmp_path) == []


def test_the_import_contracts_hold() -> None:
    ran = run(ROOT, "-c", LINT_IMPORTS, "--no-logo", "--no-cache")
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("syncd/core/planted.py", "import syncd.store\n"),
        ("syncd/engine/planted.py", "import syncd.render\n"),
        ("connectors/jira/planted.py", "import syncd.store\n"),
        ("syncd/store/planted.py", "import connectors.jira\n"),
        ("connectors/sandbox/planted.py", "import connectors.jira\n"),
        ("connectors/sandbox/planted.py", "import syncd.core\n"),
        ("connectors/linear/__init__.py", "import connectors.jira\n"),
        ("syncd/utils.py", ""),
    ],
)
def test_a_planted_breach_breaks_an_import_contract(copy: Path, file: str, code: str) -> None:
    plant(copy, file, code)
    ran = run(copy, "-c", LINT_IMPORTS, "--no-logo", "--no-cache")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "BROKEN" in ran.stdout, ran.stdout + ran.stderr


def test_importing_any_module_opens_nothing_and_reads_no_environment() -> None:
    assert done_by_importing(ROOT) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os\nHOME = os.environ.get('HOME')\n", "reads the environment: 'HOME'"),
        ("import os\nHERE = 'HOME' in os.environ\n", "reads the environment: 'HOME'"),
        ("import os\nALL = dict(os.environ)\n", "reads the environment: 'all of it'"),
        ("NAMES = open('/etc/hosts').read()\n", "opens /etc/hosts"),
        ("from pathlib import Path\nPath(__file__).with_name('left.py').write_text('')\n", "left.py"),
        ("import socket\nS = socket.socket()\nS.close()\n", "socket.__new__"),
        ("import sqlite3\nsqlite3.connect(':memory:').close()\n", "sqlite3.connect"),
        ("import subprocess\nsubprocess.run(['true'])\n", "subprocess.Popen"),
        ("import threading\nT = threading.Thread(target=int)\nT.start()\nT.join()\n", "starts a thread"),
        ("raise SystemExit(3)\n", "cannot be imported: SystemExit(3)"),
    ],
)
def test_an_import_that_does_something_is_found(tmp_path: Path, code: str, expected: str) -> None:
    plant(tmp_path, "syncd/planted.py", code)
    found = done_by_importing(tmp_path)
    assert any(module == "syncd.planted" and expected in what for module, what in found), found
