"""Users get the wheel, not the clone: it is built, installed in a clean environment elsewhere, and used there."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPY_STARTER = """
import pathlib, sys
from syncd.config.starter import starter_files
def copy(folder, to):
    to.mkdir()
    for entry in folder.iterdir():
        copy(entry, to / entry.name) if entry.is_dir() else (to / entry.name).write_bytes(entry.read_bytes())
copy(starter_files(), pathlib.Path(sys.argv[1]))
"""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of this clone but what the command line says."""
    environment = {"PATH": os.defpath, "HOME": str(cwd), "LC_ALL": "C.UTF-8", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=180
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree without isolation and without a network."""
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment outside the clone with the wheel installed.

    The libraries come from the environment of the tests by one line in a .pth file. Such a folder's own .pth files are
    not read, so the editable install of this clone is not seen through it.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    pip = (sys.executable, "-m", "pip", "--python", folder / "venv" / "bin" / "python")
    installed = run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    assert installed.returncode == 0, installed.stderr
    (site / "libraries_of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def names_in(wheel: Path) -> set[str]:
    """The files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def shipped(folder: str) -> set[Path]:
    """The files under a folder of the clone, less what running leaves there."""
    files = (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path for path in files if "__pycache__" not in path.parts and ".db" not in path.suffixes}


def test_the_wheel_holds_both_packages_whole(wheel: Path) -> None:
    ours = {str(path) for package in ("syncd", "connectors") for path in shipped(package)}
    assert {"syncd/__init__.py", "syncd/py.typed", "connectors/__init__.py", "connectors/py.typed"} <= ours
    assert ours - names_in(wheel) == set()


def test_the_wheel_holds_the_starter_files_as_package_data(wheel: Path) -> None:
    starter = {str(Path("syncd/_config") / path.relative_to("config")) for path in shipped("config")}
    assert {f"syncd/_config/{name}.yaml" for name in ("syncd", "strategy", "rules")} <= starter
    assert starter - names_in(wheel) == set()


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    known = ("syncd/", "connectors/", "syncd-")
    assert [name for name in names_in(wheel) if not name.startswith(known)] == []
    assert [name for name in names_in(wheel) if "__pycache__" in name or name.endswith((".pyc", ".db"))] == []


def test_the_wheel_carries_its_licence_and_its_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (about,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(about).decode())
        entry_points = archive.read(about.replace("METADATA", "entry_points.txt")).decode()
    assert metadata["Name"] == "syncd"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert "syncd = syncd.__main__:main" in entry_points


def test_outside_the_clone_the_installed_packages_are_used(elsewhere: Path) -> None:
    ask = "import connectors, syncd, json; print(json.dumps([connectors.__file__, syncd.__file__]))"
    answered = run(elsewhere / "venv" / "bin" / "python", "-c", ask, cwd=elsewhere)
    assert answered.returncode == 0, answered.stderr
    assert all(Path(file).is_relative_to(elsewhere / "venv") for file in json.loads(answered.stdout))


def test_the_installed_command_accepts_the_starter_files_of_the_wheel(elsewhere: Path) -> None:
    config = elsewhere / "config"
    copied = run(elsewhere / "venv" / "bin" / "python", "-c", COPY_STARTER, config, cwd=elsewhere)
    assert copied.returncode == 0, copied.stderr
    for file in shipped("config"):
        assert (config / file.relative_to("config")).read_bytes() == (ROOT / file).read_bytes()
    checked = run(elsewhere / "venv" / "bin" / "syncd", "check", "--config", config, cwd=elsewhere)
    assert checked.returncode == 0, checked.stdout + checked.stderr
