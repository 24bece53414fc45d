"""The firearms of the laboratory: the list, one with its test fires, and the forms that enter and change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from exchange.errors import Conflict, InvalidInput
from exchange.flows.entry import firearms as flow
from exchange.flows.entry.drafts import begin_test_fire
from exchange.flows.entry.firearms import FirearmChanged, FirearmEntered, FirearmFile
from exchange.flows.node.node import Node
from exchange.flows.review.disclosures import disclosures_on
from exchange.flows.review.records import NEWEST_FIRST, RecordColumn, RecordOrder, rows_in_order
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.path_types import FirearmInPath
from exchange.web.pages.entry.sorted_records import few_records, record_order
from exchange.web.pages.layout import Examining, Reading, Visitor, off_loop, only, page, read_form
from exchange.web.pages.sorting import Direction
from exchange.web.wording.calibres import BESIDE_THE_LIST
from schemas import Firearm
from schemas.strict_json import contract_error
from schemas.vocabulary import Answer, FirearmKind, FirearmOrigin, Role

router = APIRouter()

FirearmKeeper = Annotated[Visitor, Depends(only(Role.EXAMINER, Role.HEAD))]

_ON_A_PAGE = 50
_AT_HOME = ("serial_number", "remark")
_CHOICES = {"kind": FirearmKind, "converted": Answer, "origin": FirearmOrigin}


@dataclass(frozen=True)
class FirearmForm:
    """What is typed of a firearm, and what is wrong with it, by field; by "" what is wrong with all of it."""

    typed: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return self.typed.get(name, "")


@router.get("/firearms")
def firearms(
    node: OpenNode,
    who: Reading,
    text: Annotated[str, Query(max_length=120)] = "",
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """The firearms that a text is part of, and the form that enters one."""
    return _list(node, who, text, skip, FirearmForm({"firearm_id": flow.next_pseudonym(node)}))


@router.post("/firearms")
async def send_firearm(request: Request, node: OpenNode, who: Examining) -> Response:
    fields = await read_form(request, node, who.csrf)
    done: Response = await off_loop(_enter, node, who, fields)
    return done


@router.get("/firearms/{firearm_id:path}")
def firearm(
    node: OpenNode,
    who: Reading,
    firearm_id: FirearmInPath,
    sort: RecordColumn | None = None,
    order: Direction | None = None,
) -> Response:
    found = flow.read_firearm(node, firearm_id)
    return _file(node, who, found, FirearmForm(_typed(found)), record_order(sort, order))


@router.post("/firearms/{firearm_id:path}")
async def send_firearm_change(
    request: Request, node: OpenNode, who: FirearmKeeper, firearm_id: FirearmInPath
) -> Response:
    """Change what is known, take it off the list, or begin the draft of a test fire of it."""
    fields = await read_form(request, node, who.csrf)
    done: Response = await off_loop(_act, node, who, firearm_id, fields)
    return done


def firearm_address(firearm_id: str) -> str:
    return f"/app/firearms/{quote(firearm_id, safe='')}"


def _enter(node: Node, who: Visitor, fields: dict[str, str]) -> Response:
    try:
        entered = FirearmEntered.model_validate(_content(fields))
        flow.enter_firearm(node, who.caller.maker, entered.firearm, entered.serial_number, entered.remark)
    except (ValidationError, InvalidInput, Conflict) as error:
        return _list(node, who, "", 0, FirearmForm(fields, _problems(error)))
    flow.note_change(node, who.caller.actor, "entered", entered.firearm.firearm_id)
    return RedirectResponse(firearm_address(entered.firearm.firearm_id), 303)


def _act(node: Node, who: Visitor, firearm_id: str, fields: dict[str, str]) -> Response:
    match fields.pop("act", "change"):
        case "test-fire" if who.caller.role is Role.EXAMINER:
            draft = begin_test_fire(node, who.caller.pseudonym, flow.read_firearm(node, firearm_id).firearm.stated)
            return RedirectResponse(f"/app/register/{draft}", 303)
        case "remove":
            flow.forget_firearm(node, who.caller.maker, firearm_id)
            flow.note_change(node, who.caller.actor, "removed", firearm_id)
            return RedirectResponse("/app/firearms", 303)
    try:
        changed = FirearmChanged.model_validate(
            _content(fields | {"firearm_id": firearm_id}) | {"seen": fields.get("seen", "")}
        )
        flow.change_firearm(
            node, who.caller.maker, changed.firearm, changed.serial_number, changed.remark, changed.seen
        )
    except (ValidationError, InvalidInput, Conflict) as error:
        return _file(node, who, flow.read_firearm(node, firearm_id), FirearmForm(fields, _problems(error)))
    flow.note_change(node, who.caller.actor, "changed", firearm_id)
    return RedirectResponse(firearm_address(firearm_id), 303)


def _list(node: Node, who: Visitor, text: str, skip: int, form: FirearmForm) -> Response:
    asker = who.consultation
    found = flow.find_firearms(node, text, skip=skip, limit=_ON_A_PAGE + 1)
    shown = found[:_ON_A_PAGE]
    names = (item.stated.firearm_id for item in shown)
    asker.note(Act.READ_FIREARM, len(shown), *names, asked={"text": text} if text else None)
    following = skip + _ON_A_PAGE if len(found) > _ON_A_PAGE else None
    return page(
        "firearms",
        who,
        status=422 if form.problems else 200,
        found=shown,
        text=text,
        following=following,
        form=form,
        **_drawn_with(),
    )


def _file(
    node: Node, who: Visitor, found: FirearmFile, form: FirearmForm, order: RecordOrder = NEWEST_FIRST
) -> Response:
    asker = who.consultation
    disclosed = disclosures_on(node, *asker.reader, {row.exhibit for row in found.test_fires})
    asker.note(Act.READ_FIREARM, 1, found.firearm.stated.firearm_id)
    if disclosed:
        asker.note(Act.LIST_STATEMENTS, len(disclosed), *(item.statement_id for item in disclosed))
    return page(
        "firearm",
        who,
        status=422 if form.problems else 200,
        held=found.firearm,
        records=rows_in_order(found.test_fires, order),
        sorting=few_records(order, firearm_address(found.firearm.stated.firearm_id)),
        disclosed=disclosed,
        form=form,
        **_drawn_with(),
    )


def _drawn_with() -> dict[str, Any]:
    return {"choices": _CHOICES, "beside_the_list": BESIDE_THE_LIST, "firearm_address": firearm_address}


def _typed(found: FirearmFile) -> dict[str, str]:
    held = found.firearm
    stated = held.stated.model_dump(mode="json", exclude_none=True)
    beside = {"serial_number": held.serial_number or "", "remark": held.remark or "", "seen": held.changed_at}
    return {name: str(value) for name, value in stated.items()} | beside


def _content(fields: Mapping[str, str]) -> dict[str, Any]:
    """A form as REST would send it; what is empty is not stated."""
    said = {name: " ".join(value.split()) for name, value in fields.items() if value.strip()}
    firearm = {name: value for name, value in said.items() if name in Firearm.model_fields}
    return {"firearm": firearm, **{name: said[name] for name in _AT_HOME if name in said}}


def _problems(error: Exception) -> dict[str, str]:
    """By field, as the contract says it."""
    match error:
        case ValidationError():
            said = contract_error(error).problems
        case InvalidInput() if error.problems:
            said = error.problems
        case Conflict() if error.code == "firearm-known":
            said = (("firearm_id", str(error)),)
        case _:
            said = (("", str(error)),)
    return {"" if where == "firearm" else where.removeprefix("firearm."): what for where, what in said}
