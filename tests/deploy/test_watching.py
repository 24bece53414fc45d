"""The alarms, the promises and the dashboard: every metric that they name is there on a running node, the rules do what
they say, and Grafana knows every word of the dashboard."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from exchange.web.metrics import registry_of
from exchange.web.pages import event_pages as events
from exchange.web.rest import lane_routes as lane
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import RunningNode, enrol_each_other, node_starter

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = [DEPLOY / "prometheus" / name for name in ("ffp.rules.yml", "ffp.slo.yml")]
TESTS = [DEPLOY / "prometheus" / name for name in ("ffp.test.yml", "ffp.slo.test.yml")]
RULES_AND_TESTS = list(zip(RULES, TESTS, strict=True))
DASHBOARD = DEPLOY / "grafana" / "ffp.json"
_MISSING = object()
METRIC = re.compile(r"\b(?:ffp|process)_[a-z_]+\b")


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sample, float]]:
    """The samples of a node that has a peer and answers people, and each one's value a little later."""
    with node_starter(tmp_path, monkeypatch) as start:
        rs, mk = start(Jurisdiction.RS), start(Jurisdiction.MK)
        enrol_each_other(rs, mk)
        rs.get("/v1/status")
        first = _samples(rs)
        rs.get("/v1/status")
        later = {(sample.name, *sorted(sample.labels.items())): sample.value for sample in _samples(rs)}
    return [(sample, later[sample.name, *sorted(sample.labels.items())]) for sample in first]


def _samples(node: RunningNode) -> list[Sample]:
    families = text_string_to_metric_families(generate_latest(registry_of(node.node)).decode())
    return [sample for family in families for sample in family.samples if not sample.name.endswith("_created")]


def expressions_of(rules: Path) -> list[str]:
    return re.findall(r"^ +expr: (.+)$", rules.read_text(encoding="utf-8"), re.MULTILINE)


def expressions_of_dashboard() -> list[str]:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    return [*asked, *(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])]


@pytest.mark.slow
def test_every_metric_that_is_watched_exists(recorded: list[tuple[Sample, float]]) -> None:
    told = {sample.name for sample, _ in recorded}
    watched = [*map(expressions_of, RULES), expressions_of_dashboard()]
    for expressions in watched:
        named = {name for expression in expressions for name in METRIC.findall(expression)}
        assert len(named) > 2
        assert named <= told


@pytest.mark.parametrize(("rules", "tests"), RULES_AND_TESTS, ids=["alarms", "promises"])
def test_every_alarm_says_what_to_do_and_is_tried(rules: Path, tests: Path) -> None:
    text = rules.read_text(encoding="utf-8")
    alarms = re.findall(r"- alert: (\w+)", text)
    assert len(alarms) == len(set(alarms)) == text.count("summary:") == text.count("next:") > 0
    assert len(alarms) + text.count("- record:") == len(expressions_of(rules))
    tried = tests.read_text(encoding="utf-8")
    assert [alarm for alarm in alarms if f'alertname="{alarm}"' not in tried] == []


def test_panels_lie_beside_each_other() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len({panel["id"] for panel in panels}) == len(places) == len(panels)


def test_what_waits_on_purpose_is_in_no_figure_of_how_fast_answers_are() -> None:
    """Lines of peers and of open pages last for hours: no percentile beside them would tell of anything else."""
    [asked] = [text for text in expressions_of_dashboard() if "ffp_http_request_seconds_bucket" in text]
    left_out = re.findall(r'route!~"([^"]+)"', asked)[0].split("|")
    waiting = {f"/app{route.path}" for route in events.router.routes if route.name == "events"}
    waiting |= {route.path for route in lane.router.routes if route.name in ("read_lane", "read_lane_news")}
    assert len(waiting) == 3
    assert set(left_out) == waiting


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
@pytest.mark.parametrize(("rules", "tests"), RULES_AND_TESTS, ids=["alarms", "promises"])
def test_the_rules_are_rules_and_raise_what_they_must(promtool: Callable[..., None], rules: Path, tests: Path) -> None:
    promtool("check", "rules", rules)
    promtool("test", "rules", tests)


@pytest.mark.slow
def test_each_query_of_the_dashboard_finds_something_in_what_a_node_tells(
    promtool: Callable[..., None], recorded: list[tuple[Sample, float]], tmp_path: Path
) -> None:
    """Two looks at a real node, as Prometheus would have kept them, and every query of every panel over them."""
    series = [
        {"series": f"{sample.name}{_labels(sample)}", "values": f"{sample.value:.17g} {later:.17g}x120"}
        for sample, later in recorded
    ]
    asked = [
        {"expr": f"count({expression}) > bool 0", "eval_time": "100m", "exp_samples": [{"labels": "{}", "value": 1}]}
        for expression in (text.replace('"$node"', '".*"') for text in expressions_of_dashboard())
        if "label_" not in expression  # Grafana's own, for its list of nodes
    ]
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": asked}]
    file = tmp_path / "dashboard.json"
    file.write_text(json.dumps({"rule_files": [*map(str, RULES)], "tests": tests}), encoding="utf-8")
    assert len(asked) > 20
    promtool("test", "rules", file)


def _labels(sample: Sample) -> str:
    labels = {**sample.labels, "instance": "rs", "job": "ffp"}
    return "{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items()) + "}"


def test_grafana_knows_every_word_of_the_dashboard() -> None:
    """Read by the classes that Grafana generates from its schema, and written again: what they do not know is lost."""
    register_default_plugins()
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    known = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
    assert list(_lost(dashboard, known, "")) == []
    dashboard["panels"][0]["fieldConfig"]["defaults"]["unitt"] = "s"
    known = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
    assert list(_lost(dashboard, known, "")) == ["/panels/0/fieldConfig/defaults/unitt"]


def _lost(written: object, known: object, place: str) -> Iterator[str]:
    if isinstance(written, dict) and isinstance(known, dict):
        for key, value in written.items():
            yield from _lost(value, known.get(key, _MISSING), f"{place}/{key}")
    elif isinstance(written, list) and isinstance(known, list) and len(written) == len(known):
        for number, (value, other) in enumerate(zip(written, known, strict=True)):
            yield from _lost(value, other, f"{place}/{number}")
    elif written != known:
        yield place
