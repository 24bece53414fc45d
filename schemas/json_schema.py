"""The contract as JSON Schema (2020-12), for whoever writes a node in another language.

The documents are committed under ``schemas/json``. They say what form a message has; rules that bind several fields
(dates in order, H3 with its words, a photograph with its scale) stand in the descriptions and in ``schemas/vectors``.
"""

from __future__ import annotations

import json

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from schemas.bundle import Bundle
from schemas.envelope import EnvelopeForm
from schemas.key_chain import KeyChain
from schemas.kinds import KINDS
from schemas.lane import LaneNews, LanePage
from schemas.mirror import MirroredLane, MirroredLeaves, MirroredStatements
from schemas.pair_bundle import BundledStatement, PairContents
from schemas.query_request import QueryRequest
from schemas.statement_base import CONTRACT_VERSION
from schemas.submission import Submission
from schemas.witness import WitnessAnswer, WitnessedLog, WitnessReport

STATEMENTS: dict[str, type[BaseModel]] = {name: kind.model for name, kind in KINDS.items()}
"""Every type of statement by the name that it bears on the wire."""

DOCUMENTS: dict[str, type[BaseModel]] = STATEMENTS | {
    "bundle": Bundle,
    "bundled-statement": BundledStatement,
    "envelope": EnvelopeForm,
    "key-chain": KeyChain,
    "lane-news": LaneNews,
    "lane-page": LanePage,
    "mirrored-lane": MirroredLane,
    "mirrored-leaves": MirroredLeaves,
    "mirrored-statements": MirroredStatements,
    "pair-contents": PairContents,
    "query-request": QueryRequest,
    "submission": Submission,
    "witness-answer": WitnessAnswer,
    "witness-report": WitnessReport,
    "witnessed-log": WitnessedLog,
}


def json_schema_documents() -> dict[str, bytes]:
    """File name -> the exact bytes of the document, indented by two spaces, UTF-8, ending with a newline."""
    return {f"{name}.schema.json": _document(name, model) for name, model in DOCUMENTS.items()}


def _document(name: str, model: type[BaseModel]) -> bytes:
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:ffp:schema:{CONTRACT_VERSION}:{name}",
    }
    return (json.dumps(head | model.model_json_schema(), indent=2, ensure_ascii=False) + "\n").encode()
