"""The description of the API: valid, stable, with examples that hold, and the committed file is what is served."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from exchange.web import app
from exchange.web.description import SAID_BY_PEOPLE, calibre_names
from exchange.web.openapi import openapi_document
from exchange.web.pages.extended import routes_parts
from schemas import Calibre, parse_submission
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
OPERATIONS = {
    "answer_blind_task",
    "ask_other_node",
    "ask_peers",
    "change_firearm",
    "decide_approval",
    "decide_held_records",
    "decide_withdrawal_proposal",
    "delete_firearm",
    "enter_firearm",
    "give_blind_task_back",
    "grant_record",
    "healthz",
    "hold_record",
    "list_alerts",
    "list_approvals",
    "list_candidates",
    "list_candidates_of_record",
    "list_held_records",
    "list_hits",
    "list_peers",
    "list_queries",
    "list_statements",
    "list_verifications",
    "list_withdrawal_proposals",
    "make_policy",
    "mark_alerts",
    "open_scored_list",
    "preview_policy",
    "propose_record_withdrawal",
    "read_audit",
    "read_blind_task",
    "read_blob",
    "read_bundle",
    "read_candidate",
    "read_candidate_picture",
    "read_envelope",
    "read_firearm",
    "read_hit",
    "read_lane",
    "read_lane_news",
    "read_log_checkpoint",
    "read_log_checkpoint_at",
    "read_log_stamp",
    "read_log_tile",
    "read_log_witnessed",
    "read_mirrored_lane",
    "read_mirrored_leaves",
    "read_mirrored_statements",
    "read_node_card",
    "read_node_keys",
    "read_pair_bundle",
    "read_policy",
    "read_record",
    "read_scan_heights",
    "read_scored_list",
    "read_statement",
    "read_status",
    "read_vocabularies",
    "read_withdrawal",
    "readyz",
    "report_heads",
    "request_record",
    "say_statement",
    "search_firearms",
    "search_records",
    "send_query",
    "submit_record",
    "take_blind_task",
    "take_request_back",
    "undo_alerts_mark",
    "withdraw_record",
}


EXTENDED = {
    route.name
    for part in routes_parts()
    for router in part.rest
    for route in router.routes
    if isinstance(route, APIRoute)
}
"""Operations of extensions."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi_document())
    return found


def test_first_requests_that_come_at_once_find_one_description() -> None:
    app._made_description.cache_clear()
    together = Barrier(8)
    api = app.create_api()

    def ask(_: int) -> dict[str, Any]:
        together.wait(10)
        return api.openapi()

    with ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(ask, range(8))
    assert all(found is first for found in others)


def test_the_committed_description_is_the_softwares() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == openapi_document(), "run `make contract`"


def test_a_node_serves_the_same(node: RunningNode, document: dict[str, Any]) -> None:
    assert node.http.get(f"{node.url}/v1/openapi.json").json() == document


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def test_operation_ids_are_stable_and_unique(document: dict[str, Any]) -> None:
    """A generated client has its names from these; a new one is added here on purpose, an old one never changes."""
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert set(ids) - EXTENDED == OPERATIONS


def test_each_operation_but_the_two_probes_says_what_is_done_to_what() -> None:
    verbs = "answer|ask|change|decide|delete|enter|give|grant|hold|list|make|mark|open|preview"
    more = "propose|read|report|request|say|search|send|submit|take|undo|withdraw"
    assert {name for name in OPERATIONS if not re.match(rf"({verbs}|{more})_[a-z]", name)} == {"healthz", "readyz"}


def test_each_answer_that_has_content_says_its_form(document: dict[str, Any]) -> None:
    """Without a form a generated client gives nothing back, or takes it for a problem."""
    for operation in operations(document):
        for status, answer in operation["responses"].items():
            forms = [content.get("schema") for content in answer.get("content", {}).values()]
            assert all(forms), (operation["operationId"], status)
            assert forms or status in {"204", "304"}, (operation["operationId"], status)


def test_forms_of_the_same_name_are_the_same(document: dict[str, Any]) -> None:
    """Those of statements stand beside those of answers, under the names of their classes."""
    forms = document["components"]["schemas"]
    for kind in SAID_BY_PEOPLE:
        told = kind.model.model_json_schema(ref_template="#/components/schemas/{model}").pop("$defs", {})
        for name, form in told.items():
            assert {**forms[name], "x-enum-varnames": None} == {**form, "x-enum-varnames": None}, name


def test_each_calibre_has_a_name_of_its_own() -> None:
    names = calibre_names()
    assert len({name.upper() for name in names}) == len(Calibre)
    assert all(name.isidentifier() for name in names)
    assert names[0] == "LUGER_9MM"


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    """The parts that OpenAPI 3.1.1 (4.8) makes compulsory, where a generator could leave them out."""
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"]
    assert document["info"]["version"]
    for path, methods in document["paths"].items():
        named = {name.strip("{}") for name in path.split("/") if name.startswith("{")}
        for operation in methods.values():
            in_path = {item["name"] for item in operation.get("parameters", []) if item["in"] == "path"}
            assert in_path == named, path
            assert all(item["required"] for item in operation.get("parameters", []) if item["in"] == "path")
            assert operation["responses"]
            assert all("description" in answer for answer in operation["responses"].values()), path
            assert operation["description"], path


def test_every_error_is_described_as_a_problem(document: dict[str, Any]) -> None:
    for operation in operations(document):
        content = operation["responses"]["default"]["content"]
        assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        assert "422" not in operation["responses"], "the framework's own form of errors is never sent"
    assert "HTTPValidationError" not in document["components"]["schemas"]


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        assert reference.startswith("#/components/schemas/")
        assert reference.rsplit("/", 1)[1] in document["components"]["schemas"]


def test_every_schema_is_json_schema(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def validator(document: dict[str, Any], name: str) -> Draft202012Validator:
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry = Registry().with_resource("urn:openapi", resource)
    return Draft202012Validator({"$ref": f"urn:openapi#/components/schemas/{name}"}, registry=registry)


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    seen = 0
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", []):
            validator(document, name).validate(example)
            seen += 1
    assert seen >= 2


def test_the_example_of_a_submission_is_one(document: dict[str, Any]) -> None:
    form = document["paths"]["/v1/records"]["post"]["requestBody"]["content"]["multipart/form-data"]
    example = form["example"]["metadata"]
    validator(document, "Submission").validate(example)
    parsed = parse_submission(json.dumps(example).encode())
    assert {acquisition.file for acquisition in parsed.acquisitions} == set(form["example"]) - {"metadata"}


def test_answers_fit_their_schemas(node: RunningNode, document: dict[str, Any]) -> None:
    receipt = node.submit(tiny_scan(), audience=["XK"], level="full")
    path = f"/v1/records/{receipt.json()['statement_id']}"
    for answer, name in (
        (receipt, "ReceiptAnswer"),
        (node.get(path), "RecordAnswer"),
        (node.get("/v1/records"), "RecordPage"),
        (node.get(f"{path}/envelope"), "EnvelopeForm"),
        (node.get(f"{path}/candidates"), "CandidatePage"),
        (node.get("/v1/candidates"), "CandidatePage"),
        (node.get("/v1/status"), "StatusAnswer"),
        (node.get("/v1/queries"), "QueryPage"),
        (node.get("/v1/hits"), "HitPage"),
        (node.get("/v1/verifications"), "VerificationsAnswer"),
        (node.get("/v1/alerts"), "AlertsAnswer"),
        (node.get("/v1/nothing"), "Problem"),
    ):
        validator(document, name).validate(answer.json())


def test_the_security_of_each_operation_is_stated(document: dict[str, Any]) -> None:
    signed = {
        "read_lane",
        "read_lane_news",
        "read_log_witnessed",
        "read_mirrored_lane",
        "read_mirrored_leaves",
        "read_mirrored_statements",
        "send_query",
        "report_heads",
    }
    open_to_all = {"healthz", "readyz", "read_node_card", "read_node_keys", *signed}
    secured = {operation["operationId"] for operation in operations(document) if operation.get("security")}
    assert secured - EXTENDED == OPERATIONS - open_to_all
