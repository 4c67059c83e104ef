"""deploy/prometheus: the alert rules against the metrics that are really scraped, and against the page about them."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from syncd.service import metrics

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "deploy" / "prometheus" / "syncd.rules.yaml"
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
METRIC = re.compile(r"syncd_[a-z_]+")
ROW = r"^\| `(syncd_\w+)` \| .* \| `(\w+)` \((\w+), (at once|after (\w+))\): (.*) \|$"
LABELS = {"tracker", "kind", "limit", "version", "instance", "outcome", "verdict", "state"}


def rules() -> dict[str, dict[str, Any]]:
    groups = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))["groups"]
    found = [rule for group in groups for rule in group["rules"]]
    named = {rule["alert"]: rule for rule in found}
    assert len(named) == len(found), "two alerts bear one name"
    return named


def test_every_metric_stands_in_an_alert_and_no_alert_asks_for_one_that_is_not_there() -> None:
    asked = {name for rule in rules().values() for name in METRIC.findall(rule["expr"])}
    assert sorted(asked) == metrics.names()


def test_every_alert_says_how_bad_it_is_after_how_long_and_what_it_means() -> None:
    for name, rule in rules().items():
        assert re.fullmatch(r"\d+[mhd]", rule["for"]), name
        assert rule["labels"]["severity"] in ("critical", "warning", "info"), name
        assert len(rule["annotations"]["summary"]) > 20, name
        assert rule["expr"].count("(") == rule["expr"].count(")"), name
        by = {label.strip() for some in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in some.split(",")}
        assert by <= LABELS, name


def test_the_page_names_the_alert_of_each_metric_as_it_stands_in_the_file() -> None:
    known = rules()
    told = re.findall(ROW, PAGE, re.MULTILINE)
    assert sorted(row[0] for row in told) == metrics.names()
    for metric, alert, severity, _, after, says in told:
        rule = known[alert]
        assert metric in METRIC.findall(rule["expr"]), metric
        assert (severity, after or "0m") == (rule["labels"]["severity"], rule["for"]), metric
        assert says == rule["annotations"]["summary"], metric


def test_prometheus_itself_understands_the_file() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run([promtool, "check", "rules", str(FILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
