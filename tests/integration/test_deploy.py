"""What is shipped to run syncd by: the unit, the compose file, the manifests, and the settings that the docs give."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from support_config import load, write_config

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "syncd.service"
MANIFESTS = DEPLOY / "kubernetes"


def yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def documents() -> list[Any]:
    files = [MANIFESTS / name for name in yaml(MANIFESTS / "kustomization.yaml")["resources"]]
    return [one for file in files for one in YAML(typ="safe").load_all(file.read_text(encoding="utf-8"))]


def manifest(kind: str) -> Any:
    (found,) = [one for one in documents() if one["kind"] == kind]
    return found


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not on this machine")
    return found


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    there = UNIT.read_text(encoding="utf-8").replace("/opt/syncd/bin/syncd", "/bin/true")
    unit = tmp_path / "syncd.service"
    unit.write_text(there, encoding="utf-8")
    verified = subprocess.run(
        [tool("systemd-analyze"), "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr.strip()) == (0, "")


def test_the_unit_exposes_next_to_nothing() -> None:
    command = [tool("systemd-analyze"), "security", "--offline=true", "--threshold=15", "--no-pager", str(UNIT)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-300:]


def test_the_unit_waits_until_syncd_is_ready_and_gives_it_time_to_finish_a_write() -> None:
    lines = dict(
        line.split("=", 1) for line in UNIT.read_text(encoding="utf-8").splitlines() if re.match(r"\w+=", line)
    )
    assert lines["Type"] == "notify"
    assert int(lines["TimeoutStopSec"]) > 5
    assert lines["ExecStart"].endswith(" run")
    assert "HUP" in lines["ExecReload"]


def test_compose_runs_the_service_without_rights_and_listens_on_this_machine_alone() -> None:
    syncd = yaml(DEPLOY / "compose.yaml")["services"]["syncd"]
    assert syncd["command"] == ["run"]
    assert (syncd["read_only"], syncd["cap_drop"]) == (True, ["ALL"])
    assert all(port.startswith("127.0.0.1:") for port in syncd["ports"])


def test_the_pods_fit_the_restricted_standard() -> None:
    pod = manifest("StatefulSet")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in (*pod["containers"], *pod["initContainers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert manifest("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_pods_are_asked_where_syncd_answers() -> None:
    (container,) = manifest("StatefulSet")["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {probe["path"] for probe in probes.values()} == {"/readyz", "/livez"}
    assert probes["livenessProbe"]["path"] == "/livez"
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert ports == {"http": 8080, "webhooks": 8081}


def test_the_manifests_come_together() -> None:
    rendered = subprocess.run(
        [tool("kubectl"), "kustomize", str(MANIFESTS)], capture_output=True, text=True, check=False
    )
    assert rendered.returncode == 0, rendered.stderr
    kinds = re.findall(r"^kind: (\w+)$", rendered.stdout, re.MULTILINE)
    assert sorted(kinds) == ["Namespace", "NetworkPolicy", "Service", "Service", "StatefulSet"]


EXAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "install.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("settings", EXAMPLES, ids=["systemd", "compose", "kubernetes"])
def test_every_configuration_that_the_page_gives_is_one_that_check_accepts(settings: str, tmp_path: Path) -> None:
    assert load(write_config(tmp_path, {"syncd.yaml": settings})).settings.trackers  # a problem would be raised


def test_the_secrets_stand_where_the_unit_and_the_manifests_put_them() -> None:
    systemd, compose, kubernetes = EXAMPLES
    assert re.findall(r"/run/credentials/syncd.service/([\w-]+)", systemd) == ["jira-token"]
    assert "LoadCredential=jira-token:" in UNIT.read_text(encoding="utf-8")
    named = set(re.findall(r"/run/secrets/([\w-]+)", compose))
    assert named == set(yaml(DEPLOY / "compose.yaml")["secrets"])
    (mount,) = [
        one
        for one in manifest("StatefulSet")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
        if one["name"] == "secrets"
    ]
    assert f"{mount['mountPath']}/jira-token" in kubernetes
