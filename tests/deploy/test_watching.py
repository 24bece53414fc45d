"""The alarms and the dashboard: every metric that they name is there on a running node, and the rules do what they
say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exchange.web.metrics import registry_of
from schemas.vocabulary import Jurisdiction
from tests.exchange.conftest import RunningNode, enrol_each_other, node_starter

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "ffp.rules.yml"
TESTS = DEPLOY / "prometheus" / "ffp.test.yml"
DASHBOARD = DEPLOY / "grafana" / "ffp.json"
METRIC = re.compile(r"\b(?:ffp|process)_[a-z_]+\b")


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the samples of a node that has a peer and has answered somebody."""
    with node_starter(tmp_path, monkeypatch) as start:
        rs, mk = start(Jurisdiction.RS), start(Jurisdiction.MK)
        enrol_each_other(rs, mk)
        return _names(rs)


def _names(node: RunningNode) -> set[str]:
    node.get("/v1/status")
    families = text_string_to_metric_families(generate_latest(registry_of(node.node)).decode())
    return {sample.name for family in families for sample in family.samples}


def expressions_of_rules() -> list[str]:
    return re.findall(r"^ +expr: (.+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)


def expressions_of_dashboard() -> list[str]:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    return [*asked, *(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])]


@pytest.mark.slow
def test_every_metric_that_is_watched_exists(told: set[str]) -> None:
    for expressions in (expressions_of_rules(), expressions_of_dashboard()):
        named = {name for expression in expressions for name in METRIC.findall(expression)}
        assert len(named) > 10
        assert named <= told


def test_every_alarm_says_what_to_do_and_is_tried() -> None:
    text = RULES.read_text(encoding="utf-8")
    alarms = re.findall(r"- alert: (\w+)", text)
    assert (
        len(alarms) == len(set(alarms)) == text.count("summary:") == text.count("next:") == len(expressions_of_rules())
    )
    tried = TESTS.read_text(encoding="utf-8")
    assert [alarm for alarm in alarms if f'alertname="{alarm}"' not in tried] == []


def test_panels_lie_beside_each_other() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len({panel["id"] for panel in panels}) == len(places) == len(panels)


@pytest.fixture(scope="module")
def promtool() -> Callable[..., None]:
    """Debian's package of that name; .ci/run installs it, elsewhere the tests that need it are skipped."""
    found = shutil.which("promtool")
    if found is None and "CI" not in os.environ:
        pytest.skip("promtool is not installed: apt-get install promtool")

    def run(*arguments: str | Path) -> None:
        assert found is not None, "promtool is missing"
        done = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.mark.slow
def test_the_rules_are_rules_and_raise_what_they_must(promtool: Callable[..., None]) -> None:
    promtool("check", "rules", RULES)
    promtool("test", "rules", TESTS)


def test_the_dashboard_asks_what_prometheus_understands(promtool: Callable[..., None], tmp_path: Path) -> None:
    """As rules that record: promtool parses no expression by itself."""
    asked = [
        expression.replace('"$node"', '".*"') for expression in expressions_of_dashboard() if "label_" not in expression
    ]
    rules = [{"record": f"panel:{number}:asked", "expr": expression} for number, expression in enumerate(asked)]
    file = tmp_path / "dashboard.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", file)
