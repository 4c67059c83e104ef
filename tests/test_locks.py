"""The lock files: every package held to hashes, no address spelled, and nothing but what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("build", "demo", "dev", "runtime")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)")
ADDRESS = re.compile(r"://|^\s*-[a-z]|^\s*--(?!hash=)|\bfile:|\s@\s", re.MULTILINE)


def asked_for(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for under the name of a lock."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = declared["project"], declared["dependency-groups"]
    extras = project["optional-dependencies"]
    build = groups["build"]
    dev = build + [line for line in groups["dev"] if isinstance(line, str)]
    parts: dict[str, list[str]] = {
        "build": build,
        "demo": project["dependencies"] + extras["demo"],
        "dev": project["dependencies"] + [line for extra in extras.values() for line in extra] + dev,
        "runtime": project["dependencies"] + extras["postgresql"],
    }
    return [Requirement(line) for line in parts[lock]]


def pins_of(text: str) -> dict[str, Version]:
    """The packages of a lock file with their versions."""
    found = (PIN.match(line) for line in text.splitlines())
    return {canonicalize_name(match["name"]): Version(match["version"]) for match in found if match}


def faults(text: str, asked: list[Requirement]) -> list[str]:
    """What is wrong with the text of a lock file that is to hold what was asked for."""
    pins = pins_of(text)
    wrong = [f"spells an address or an option: {match.group()}" for match in ADDRESS.finditer(_without_comments(text))]
    wrong += [f"{name} has no hash" for name in _unhashed(text)]
    for requirement in asked:
        version = pins.get(canonicalize_name(requirement.name))
        if version is None:
            wrong.append(f"{requirement.name} is asked for and not locked: make lock")
        elif not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement} is asked for and {version} is locked: make lock")
    return wrong


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def _unhashed(text: str) -> list[str]:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", "\n" + _without_comments(text))
    return [block.split("==")[0] for block in blocks if PIN.match(block) and "--hash=sha256:" not in block]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_is_asked_for_by_hash_and_spells_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert faults(text, asked_for(lock)) == []


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock != "dev"])
def test_a_package_has_one_version_in_all_locks(lock: str) -> None:
    dev, other = (
        pins_of((ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")) for name in ("dev", lock)
    )
    assert {name: version for name, version in other.items() if dev.get(name) != version} == {}


def test_every_lock_is_known_here_and_compiled_by_make_lock() -> None:
    assert sorted(path.stem for path in (ROOT / "requirements").iterdir()) == sorted(LOCKS)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [lock for lock in LOCKS if f"-o requirements/{lock}.lock" not in makefile] == []


GOOD = "httpx==0.28.1 \\\n    --hash=sha256:00\n    # via syncd\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--index-url https://example.org/simple\n" + GOOD, "spells an address"),
        ("httpx @ https://example.org/httpx.whl\n", "spells an address"),
        ("-e .\n" + GOOD, "spells an address or an option"),
        ("httpx==0.28.1\n", "httpx has no hash"),
        ("anyio==4.0 \\\n    --hash=sha256:00\n", "httpx is asked for and not locked"),
        (GOOD.replace("0.28.1", "0.27.0"), "0.27.0 is locked"),
    ],
)
def test_a_planted_fault_in_a_lock_is_found(text: str, expected: str) -> None:
    assert any(expected in fault for fault in faults(text, [Requirement("httpx>=0.28.1,<0.29")]))
    assert faults(GOOD, [Requirement("httpx>=0.28.1,<0.29")]) == []
