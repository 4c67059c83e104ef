"""What `make demo`, `make test` and CI stand on: the search for a Python, the help, and what CI sets."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIND_PYTHON = ROOT / ".ci" / "find-python"
WITHOUT_VENV = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexit 0\n'
TOO_OLD = '#!/bin/sh\necho "no such version" >&2\nexit 1\n'


def program(folder: Path, name: str, text: str) -> Path:
    """Put a small program into a folder that is to be on the PATH."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    return file


def find_python(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the search with nothing but one folder on the PATH."""
    return subprocess.run(
        ["/bin/sh", FIND_PYTHON], env={"PATH": str(path), **environment}, capture_output=True, text=True, check=False
    )


def test_a_python_that_refuses_to_start_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin", "python3.13", TOO_OLD)
    good = program(tmp_path / "bin", "python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    found = find_python(tmp_path / "bin")
    assert (found.returncode, found.stdout.strip()) == (0, str(good))


def test_a_named_python_is_taken_before_any_other(tmp_path: Path) -> None:
    found = find_python(tmp_path, PYTHON=sys.executable)
    assert (found.returncode, found.stdout.strip()) == (0, sys.executable)


def test_a_python_with_venv_is_taken_before_a_newer_one_without(tmp_path: Path) -> None:
    program(tmp_path / "bin", "python3.13", WITHOUT_VENV)
    good = program(tmp_path / "bin", "python3.11", "#!/bin/sh\nexit 0\n")
    assert find_python(tmp_path / "bin").stdout.strip() == str(good)


@pytest.mark.parametrize(("name", "package"), [("python3", "python3-venv"), ("python3.12", "python3.12-venv")])
def test_where_venv_is_missing_the_one_package_to_install_is_named(tmp_path: Path, name: str, package: str) -> None:
    program(tmp_path / "bin", name, WITHOUT_VENV)
    found = find_python(tmp_path / "bin")
    assert found.returncode == 1
    assert f"apt install {package}\n" in found.stderr
    assert found.stdout == ""


def test_without_any_python_it_says_what_is_needed(tmp_path: Path) -> None:
    program(tmp_path / "bin", "python3", TOO_OLD)
    found = find_python(tmp_path / "bin")
    assert found.returncode == 1
    assert "no Python 3.11 or later" in found.stderr


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> str:
    """The program make, with nothing of the make that runs these tests; an environment made by hand may lack it."""
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VENV"):
        monkeypatch.delenv(name, raising=False)
    found = shutil.which("make")
    if found is None:
        pytest.skip("make is not installed")
    return found


def test_make_alone_prints_one_line_for_each_command(make: str) -> None:
    printed = subprocess.run([make, "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = printed.stdout.splitlines()
    assert [line.split()[1] for line in lines] == [
        "help", "demo", "test", "check", "stress", "bench", "lock", "wheel", "clean",
    ]  # fmt: skip
    assert all(len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize(("goal", "lock"), [("demo", "demo.lock"), ("test", "dev.lock")])
def test_from_nothing_each_command_installs_only_what_is_locked(
    make: str, tmp_path: Path, goal: str, lock: str
) -> None:
    steps = subprocess.run(
        [make, "--dry-run", goal, f"VENV={tmp_path / 'venv'}"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    installs = [line for line in steps.splitlines() if " pip install " in line]
    fetching = [line for line in installs if "--no-deps" not in line]
    assert len(fetching) == 1
    assert {"--require-hashes", "--only-binary=:all:", f"requirements/{lock}"} <= set(fetching[0].split())
    assert all("--no-build-isolation" in line for line in installs if line not in fetching)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with our CI script and a make that prints what it was given and ends as it is told."""
    shutil.copytree(ROOT / ".ci", tmp_path / "project" / ".ci")
    program(
        tmp_path / "bin",
        "make",
        '#!/bin/sh\necho "$1 CI=$CI SYNCD_SHARED=$SYNCD_SHARED in $(pwd)"\nexit "$ENDS_WITH"\n',
    )
    return tmp_path / "project"


def ci(project: Path, ends_with: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the CI script from another folder."""
    path = f"{project.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", project / ".ci" / "run"],
        cwd="/", env={"PATH": path, "ENDS_WITH": str(ends_with)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_ci_runs_make_test_with_the_shared_material_beside_the_project(project: Path) -> None:
    shared = project.parent / "shared"
    shared.mkdir()
    ran = ci(project)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == f"test CI=true SYNCD_SHARED={shared.resolve()} in {project.resolve()}"


def test_ci_fails_when_the_tests_fail(project: Path) -> None:
    (project.parent / "shared").mkdir()
    assert ci(project, ends_with=2).returncode == 2


def test_ci_without_the_shared_material_fails_rather_than_skips(project: Path) -> None:
    ran = ci(project)
    assert ran.returncode == 1
    assert "shared" in ran.stderr
