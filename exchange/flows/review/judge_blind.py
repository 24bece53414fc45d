"""Sign what an examiner concludes who verifies blind. The answer is the same, whatever was asked: a colleague's
conclusion, or a pair that nobody holds for a lead."""

from __future__ import annotations

import json
from typing import Any

from exchange.errors import Conflict, NotFound
from exchange.flows.blind.verifications import answer_given, verification_to_sign
from exchange.flows.entry.free_text import doubts_in
from exchange.flows.node.node import Node
from exchange.flows.review.statements import Spoke, speak
from schemas import Maker
from schemas.vocabulary import AfteConclusion, ScreenConclusion


def judge_blind(
    node: Node, maker: Maker, task_id: str, conclusion: AfteConclusion | ScreenConclusion, remark: str | None
) -> Spoke:
    """The answer to a task that this examiner took; sent again, it is signed once.

    Raises NotFound: none, not for this examiner, or not taken; Conflict where another answer was signed before;
    InvalidInput for a conclusion that the basis of the task does not have.
    """
    given = answer_given(node, maker.pseudonym, task_id)
    if given is not None:
        if (given.said.result.conclusion, given.said.remark) != (conclusion, remark):
            raise Conflict(
                "You signed another answer to this already. It stands, and can only be taken back.",
                code="already-answered",
            )
        return Spoke(given.statement_id, given.log_index, (), doubts_in(given.said, node.jurisdictions))
    task, verifies, request = verification_to_sign(node, maker.pseudonym, task_id)
    said: dict[str, Any] = {
        "type": "conclusion",
        "pair": task.pair.model_dump(mode="json"),
        "result": {"basis": task.basis, "conclusion": conclusion},
    }
    if remark is not None:
        said["remark"] = remark
    if verifies is not None:
        said |= {"type": "verification", "verifies": verifies}
    if request is not None:
        said["request"] = request
    return speak(node, maker, json.dumps(said).encode(), task=task_id, once=True)


def take_judgement_back(node: Node, maker: Maker, task_id: str, reason: str) -> Spoke:
    """What this examiner signed on a task is taken back, alike whatever was asked; it stays in the log. Raises NotFound
    where nothing was signed; Conflict where it was taken back before; InvalidInput."""
    given = answer_given(node, maker.pseudonym, task_id)
    if given is None:
        raise NotFound("You have signed nothing on such a verification.")
    said = {"type": "retraction", "retracts": given.statement_id, "reason": reason}
    return speak(node, maker, json.dumps(said).encode(), once=True)
