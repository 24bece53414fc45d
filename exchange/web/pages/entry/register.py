"""Registration: an examiner's drafts, the form of one exhibit, what would be signed, the signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from starlette.responses import JSONResponse, RedirectResponse, Response

from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.entry import drafts as flow
from exchange.flows.entry import firearms
from exchange.flows.entry.draft_changes import Change, changes_of_form
from exchange.flows.entry.draft_form import CHOICES, FILE_CHOICES, ticked
from exchange.flows.entry.draft_submit import Summary, overtaken, progress_of, submit_draft, summarise_draft
from exchange.flows.entry.drafts import Draft
from exchange.flows.entry.usual_sharing import usual_sharing
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.path_types import RandomId, StatementId
from exchange.web.languages import spoken, term
from exchange.web.pages.entry.draft_file_pages import Card, card_of
from exchange.web.pages.entry.sorted_drafts import SAVED_LAST_FIRST, DraftColumn, sorted_drafts
from exchange.web.pages.layout import Visitor, off_loop, only, page, read_form
from exchange.web.pages.own_requests import check_script
from exchange.web.pages.script_requests import MAX_TYPED_BYTES, MAX_TYPED_FIELDS, check_own, is_fetched, read_json
from exchange.web.pages.sorting import Direction, Sorting, order_of
from exchange.web.wording.calibres import BESIDE_THE_LIST
from schemas.vocabulary import BreechFaceClass, HandlingCode, ReleaseLevel, Role

router = APIRouter()

RECENT = 10
MOST_FIREARMS = 100
"""Of those that the field for a firearm offers, the last changed."""
_FILLS = "fills"
"""The button that fills fields with what the page proposes; its value is those fields, as JSON."""
Registering = Annotated[Visitor, Depends(only(Role.EXAMINER))]
_FIELDS: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


class Changes(BaseModel):
    """What was changed on a page since the draft was last known there, by field: [what stood there, what is to]."""

    model_config = ConfigDict(extra="forbid")
    changes: Annotated[
        dict[Annotated[str, StringConstraints(max_length=200)], tuple[str, str]], Field(max_length=MAX_TYPED_FIELDS)
    ]


@dataclass(frozen=True)
class DraftForm:
    """What the page of a draft is drawn from; ``problems`` by field, after it was found not to be complete. ``stored``:
    what the draft says, where the page shows something else, which was typed and not saved."""

    draft: Draft
    stored: dict[str, str]
    cards: list[Card]
    audience: list[str]
    problems: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return self.draft.fields.get(name, "")

    def has(self, group: str, name: str) -> bool:
        return f"{group}.{name}" in self.draft.fields

    @property
    def describes_firearm(self) -> bool:
        """Whether more is said of a firearm, or found to be wrong with it, than its pseudonym."""
        said = {name for name in (*self.draft.fields, *self.problems) if name.startswith(firearms.FIREARM_FIELDS)}
        return bool(said - {f"{firearms.FIREARM_FIELDS}firearm_id"})

    def says(self, *names: str) -> bool:
        """Whether a field of these names, or of these groups of fields, says more than an empty form, or is to be
        mended: a part of the form that holds one is not folded."""
        empty = flow.first_fields("")
        said = {name for name, value in self.draft.fields.items() if empty.get(name) != value}
        return any(f"{name}.".startswith(f"{group}.") for name in said | set(self.problems) for group in names)


@router.get("/register")
def begun(
    node: OpenNode, who: Registering, sort: DraftColumn | None = None, order: Direction | None = None
) -> Response:
    """Own drafts, what was submitted last, and the way to a new exhibit."""
    asker, pseudonym = who.consultation, who.caller.pseudonym
    found = flow.own_exhibits(node, pseudonym, most_submitted=RECENT)
    asker.note(Act.SEARCH_RECORDS, len(found.submitted), asked={"submitted_by": pseudonym})
    usual = usual_sharing(node, flow.possible_audience(node))
    wanted = order_of(SAVED_LAST_FIRST, (DraftColumn.SAVED,), sort, order)
    return page(
        "register",
        who,
        drafts=sorted_drafts(found.drafts, wanted),
        sorting=Sorting(wanted, SAVED_LAST_FIRST, tuple(DraftColumn), (DraftColumn.SAVED,), "/app/register", {}),
        recent=found.submitted,
        usual=usual,
        names=_names(),
    )


@router.post("/register")
async def begin_draft(request: Request, node: OpenNode, who: Registering) -> Response:
    """A new exhibit; another one of a case; a new version of a record."""
    fields = await read_form(request, node, who.csrf)
    draft_id = await off_loop(_begin, node, who, fields)
    return RedirectResponse(f"/app/register/{draft_id}", 303)


@router.get("/register/{draft_id}")
def draft_page(node: OpenNode, who: Registering, draft_id: RandomId) -> Response:
    draft = flow.read_draft(node, who.caller.pseudonym, draft_id)
    if draft.row.statement_id is not None:
        return RedirectResponse(f"/app/records/{draft.row.statement_id}", 303)
    return _form(node, who, draft, {})


@router.post("/register/{draft_id}")
async def save_draft(request: Request, node: OpenNode, who: Registering, draft_id: RandomId) -> Response:
    """Keep what was changed: for the page's script the notes beside the fields, for a form the page, or the summary.
    With 409 what another page changed too, to be asked about."""
    if is_fetched(request):
        check_script(request, node, who.csrf)
        said = await read_json(request, Changes, most=MAX_TYPED_BYTES)
        changes = {name: Change(*change) for name, change in said.changes.items()}
        try:
            draft = await off_loop(flow.save, node, who.caller.pseudonym, draft_id, changes)
        except NotFound as error:
            return await off_loop(_submitted, node, who, draft_id, changes, error)
        return page("draft_notes", who, draft=draft, status=409 if draft.elsewhere else 200)
    sent = await read_form(request, node, who.csrf, most_bytes=MAX_TYPED_BYTES, most_fields=MAX_TYPED_FIELDS)
    act, drawn = sent.pop("act", "save"), _fields_in(sent.pop("drawn", ""))
    sent |= _fields_in(sent.pop(_FILLS, "{}"))
    changes = changes_of_form(sent, drawn)
    try:
        draft = await off_loop(flow.save, node, who.caller.pseudonym, draft_id, changes)
    except NotFound as error:
        return await off_loop(_submitted, node, who, draft_id, changes, error)
    if draft.elsewhere:
        asked: Response = await off_loop(_asked, node, who, draft, changes)
        return asked
    target = f"/app/register/{draft_id}"
    return RedirectResponse(f"{target}/summary" if act == "summary" else target, 303)


@router.post("/register/{draft_id}/discard")
async def discard_draft(request: Request, node: OpenNode, who: Registering, draft_id: RandomId) -> Response:
    await check_own(request, node, who)
    await off_loop(flow.discard, node, who.caller.pseudonym, draft_id)
    return RedirectResponse("/app/register", 303)


@router.get("/register/{draft_id}/summary")
def draft_summary(node: OpenNode, who: Registering, draft_id: RandomId) -> Response:
    """What will be signed, and who will have it; or the form again, with what is missing."""
    found = summarise_draft(node, who.caller.maker, draft_id)
    if found.draft.row.statement_id is not None:
        return RedirectResponse(f"/app/records/{found.draft.row.statement_id}", 303)
    late = overtaken(node, found.draft)
    if found.record is None or late is not None:
        return _form(node, who, found.draft, found.problems | ({} if late is None else {"": late}))
    return _summary(who, found)


@router.post("/register/{draft_id}/submit")
async def submit_shown_draft(request: Request, node: OpenNode, who: Registering, draft_id: RandomId) -> Response:
    """Sign and submit; a second click gets the same record."""
    fields = await read_form(request, node, who.csrf)
    seen = fields.get("seen", "")
    try:
        statement_id = await heavily(
            request, WorkKind.SUBMISSIONS, submit_draft, node, who.caller.maker, draft_id, seen
        )
    except Conflict as error:
        if error.code != "draft-changed":
            raise
        again: Response = await off_loop(_again, node, who, draft_id)
        return again
    except InvalidInput as error:
        refused: Response = await off_loop(_refused, node, who, draft_id, error)
        return refused
    return RedirectResponse(f"/app/records/{statement_id}", 303)


@router.get("/register/submitted/{statement_id}/progress")
def correlation_progress(node: OpenNode, who: Registering, statement_id: StatementId) -> Response:
    """How far the correlation of what one submitted is: two numbers, nothing of the record."""
    return JSONResponse(asdict(progress_of(node, who.caller.pseudonym, statement_id)))


def _begin(node: Node, who: Visitor, fields: Mapping[str, str]) -> str:
    pseudonym, act, case = who.caller.pseudonym, fields.get("act", "new"), fields.get("case_reference", "").strip()[:64]
    record = fields.get("record")
    if act == "new" and "like_last" in fields and case:
        record, act = flow.last_exhibit(node, case), "another"
    if act == "new" or record is None:
        usual = usual_sharing(node, flow.possible_audience(node)) if "usual" in fields else None
        return flow.begin(node, pseudonym, case, usual.fields if usual else {})
    asker = who.consultation
    draft_id = flow.begin_from(node, pseudonym, record, amend=act == "amend")
    asker.note(Act.READ_RECORD, 1, record)
    return draft_id


def _fields_in(sent: str) -> dict[str, str]:
    """Fields that a form carries in one: from which it was drawn, or which a button fills. Raises InvalidInput."""
    try:
        return _FIELDS.validate_json(sent)
    except ValidationError as error:
        raise InvalidInput("This is no form of these pages.", code="no-form") from error


def _asked(node: Node, who: Visitor, draft: Draft, changes: Mapping[str, Change]) -> Response:
    """The form as it was typed, with what stands in the draft beside each field that was changed elsewhere as well.
    Sent once more, it is what stands."""
    typed_here = {name: changes[name].now for name in draft.elsewhere}
    problems = dict.fromkeys(draft.elsewhere, "changed-elsewhere")
    return _form(node, who, replace(draft, fields=draft.fields | typed_here), problems, stored=draft.fields, status=409)


def _submitted(node: Node, who: Visitor, draft_id: str, changes: Mapping[str, Change], error: NotFound) -> Response:
    """What a second window is told of a draft that became a record in the first: which, and what it typed since."""
    if error.code != "draft-submitted":
        raise error
    draft = flow.read_draft(node, who.caller.pseudonym, draft_id)
    typed = {name: change.now for name, change in changes.items() if change.now != change.was and change.now}
    return page("draft_submitted", who, status=409, record=draft.row.statement_id, typed=typed)


def _summary(who: Visitor, found: Summary, *, changed: bool = False) -> Response:
    if found.same_item:
        names = [row.statement_id for row in found.same_item]
        who.consultation.note(Act.SEARCH_RECORDS, len(names), *names, asked={"item": found.same_item[0].item or ""})
    usual = None if _reaches_anybody(found) else usual_sharing(who.node, flow.possible_audience(who.node))
    return page(
        "draft_summary",
        who,
        status=409 if changed else 200,
        summary=found,
        record=found.record,
        same_item=found.same_item,
        cards=[card_of(found.draft, file) for file in found.draft.files],
        named=ticked(found.draft.fields, "audience"),
        usual=usual,
        usual_drawn={name: found.draft.fields.get(name, "") for name in usual.fields} if usual else {},
        names=_names(),
        changed=changed,
    )


def _reaches_anybody(found: Summary) -> bool:
    return found.record is not None and found.record.level is not ReleaseLevel.NONE and bool(found.reached)


def _again(node: Node, who: Visitor, draft_id: str) -> Response:
    """What would be signed now: it is not what was shown before."""
    found = summarise_draft(node, who.caller.maker, draft_id)
    if found.record is None:
        return _form(node, who, found.draft, found.problems)
    return _summary(who, found, changed=True)


def _refused(node: Node, who: Visitor, draft_id: str, error: InvalidInput) -> Response:
    """The form with what the contract refuses beside its field."""
    draft = flow.read_draft(node, who.caller.pseudonym, draft_id)
    return _form(node, who, draft, dict(error.problems) or {"": str(error)})


def _form(
    node: Node,
    who: Visitor,
    draft: Draft,
    problems: Mapping[str, str],
    *,
    stored: dict[str, str] | None = None,
    status: int = 422,
) -> Response:
    audience = flow.possible_audience(node)
    stands = draft.fields if stored is None else stored
    form = DraftForm(draft, stands, [card_of(draft, file) for file in draft.files], audience, problems)
    return page(
        "draft",
        who,
        status=status if problems else 200,
        form=form,
        choices=CHOICES | {f"file.{name}": kind for name, kind in FILE_CHOICES.items()},
        beside_the_list=BESIDE_THE_LIST,
        firearms=firearms.find_firearms(node, limit=MOST_FIREARMS),
        free_pseudonym=firearms.next_pseudonym(node),
        breech_faces=list(BreechFaceClass),
        handling=list(HandlingCode),
        usual=usual_sharing(node, audience),
        names=_names(),
        most_bytes=node.settings.max_scan_bytes,
    )


def _names() -> dict[str, str]:
    return {str(code): term(code, "jurisdiction") for code in spoken().jurisdictions}
