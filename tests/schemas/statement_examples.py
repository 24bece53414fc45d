"""One whole, good statement of each type beside the record and the key-event."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from tests.schemas.examples import ISSUER, OTHER, Json, acquisition_fields

ONBOARDING_STEPS: Final = (
    "legal_basis",
    "ceremony",
    "node",
    "conformance",
    "backup_drill",
    "trial_exchange",
    "first_report",
)


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


RECORD, ANOTHER = sorted((digest("a record"), digest("another record")))


def head(kind: str, role: str = "examiner") -> Json:
    signed_in = "node_key" if role == "node" else "token"
    return {
        "contract": "1.0",
        "nonce": digest(f"nonce of the {kind}"),
        "issuer": ISSUER,
        "made_by": {"pseudonym": f"{role}-7", "role": role, "signed_in": signed_in},
        "stated_at": None,
        "type": kind,
    }


def pair_fields() -> Json:
    return {
        "a": {"issuer": ISSUER, "record": RECORD, "first_version": RECORD, "scan": digest("a scan")},
        "b": {"issuer": OTHER, "record": ANOTHER, "first_version": ANOTHER, "scan": digest("another scan")},
    }


def statement_fields() -> dict[str, Json]:
    """By type, each with its fields in the order in which a node writes them."""
    basis = "Police cooperation agreement, article 9"
    conclusion, verification, hit = digest("a conclusion"), digest("a verification"), digest("a hit")
    exhibit = {"record": RECORD, "first_version": RECORD}
    return {
        "grant": head("grant", "head")
        | exhibit
        | {"jurisdiction": "ME", "legal_basis": basis, "handle": digest("a handle")},
        "disclosure": head("disclosure", "head")
        | {
            "to": OTHER,
            "record": RECORD,
            "legal_basis": basis,
            "serial_number": "synthetic 0001",
            "place": "A synthetic street 1",
            "circumstances": "Made up.\nTwo lines of it.",
            "reference": "SIENA-0001",
            "channel": None,
        },
        "withdrawal": head("withdrawal") | exhibit | {"reason": "entered_in_error", "holder": None},
        "acknowledgement": head("acknowledgement", "node")
        | {"owner": OTHER, "withdrawal": digest("a withdrawal"), "record": ANOTHER, "outcome": "erased", "kept": None},
        "receipt": head("receipt", "node")
        | {
            "owner": OTHER,
            "count": 12,
            "head": digest("a head"),
            "accepted": 10,
            "withheld": 1,
            "set_aside": 1,
            "refused": [{"position": 7, "statement_id": digest("a poison"), "reason": "bad-signature"}],
        },
        "hit": head("hit")
        | {
            "pair": pair_fields(),
            "stage": "lead",
            "basis": "screen",
            "conclusion": conclusion,
            "verification": verification,
            "score": 1.25,
            "matcher": "3",
            "answers": None,
        },
        "conclusion": head("conclusion")
        | {
            "pair": pair_fields(),
            "result": {"basis": "screen", "conclusion": "inconclusive"},
            "remark": "Seen on screen.",
        },
        "verification": head("verification")
        | {
            "verifies": conclusion,
            "pair": pair_fields(),
            "result": {"basis": "exhibits", "conclusion": "identification"},
            "blind": True,
            "request": None,
            "remark": None,
        },
        "verification-request": head("verification-request", "node")
        | {"to": OTHER, "conclusion": conclusion, "pair": pair_fields()},
        "verification-declined": head("verification-declined", "node")
        | {"to": OTHER, "request": digest("a request"), "because": "No examiner of this node is left."},
        "physical-comparison": head("physical-comparison")
        | {
            "hit": hit,
            "step": "agreed",
            "on": "2026-12-03",
            "place": "Skopje",
            "conclusion": None,
            "verification": None,
            "remark": "Both exhibits under one microscope.",
            "answers": None,
            "record": None,
            "seal": None,
            "seal_whole": None,
        },
        "custody-explanation": head("custody-explanation", "head")
        | {
            "hit": hit,
            "explains": digest("a step at which the seal was broken"),
            "explanation": "Customs opened the parcel and sealed it anew.\nTheir protocol is kept with the exhibit.",
        },
        "retraction": head("retraction") | {"retracts": hit, "reason": "The wrong exhibit was under the microscope."},
        "feedback": head("feedback", "investigator") | {"hit": hit, "outcome": "cases_joined", "remark": None},
        "message": head("message", "investigator")
        | {
            "to": OTHER,
            "about": hit,
            "text": "When may we meet?",
            "reference": {"channel": "siena", "number": "SIENA-0001"},
        },
        "query": head("query", "investigator")
        | {
            "to": OTHER,
            "purpose": "investigation",
            "legal_basis": basis,
            "case_reference": "RS-2026-0001",
            "calibre": "9 mm Luger",
            "calibre_words": None,
            "acquisition": acquisition_fields(),
        },
        "answer": head("answer", "node")
        | {
            "to": OTHER,
            "query": digest("a query"),
            "result": "candidate",
            "found": [{"handle": digest("a handle"), "band": "high"}],
            "because": None,
        },
        "release-request": head("release-request", "investigator")
        | {
            "to": OTHER,
            "answer": digest("an answer"),
            "handle": digest("a handle"),
            "purpose": "investigation",
            "legal_basis": basis,
            "because": "The prosecutor asks for it.",
        },
        "approval": head("approval", "head")
        | {"concerns": RECORD, "jurisdiction": "MK", "decision": "approved", "because": "Asked for by the prosecutor."},
        "policy": head("policy", "head")
        | {
            "groups": [{"name": "group-neighbours", "members": ["ME", "MK"]}],
            "bases": [
                {
                    "jurisdiction": "MK",
                    "kinds": ["crime_scene", "test_fire"],
                    "rule": "allowed",
                    "article": basis,
                    "review_by": "2027-12-31",
                }
            ],
        },
        "law": head("law", "head") | {"articles": [article_fields()]},
        "hold": head("hold", "head") | {"record": RECORD, "placed": True, "authority": "A synthetic court, 1/2026"},
        "audit-batch": head("audit-batch", "node") | {"first": 1, "count": 3, "root": digest("a root of rows")},
        "action": action_fields(),
        "onboarding": onboarding_fields(),
    }


def article_fields(**changes: Any) -> Json:
    """An article of a made-up law, in two languages."""
    return {
        "article_id": "RS-synthetic-27",
        "title": "Измишљени закон о полицијској сарадњи",
        "title_en": "Made-up Act on Police Cooperation",
        "article": "Article 27, paragraph 2",
        "language": "sr-Cyrl",
        "text": "Измишљено: полиција даје налазе о чаурама.\nИ прима их.",
        "text_en": "Made up: the police give findings on cartridge cases.\nAnd receive them.",
        "in_force_since": "2019-01-01",
        "in_force_until": None,
        "review_by": "2027-12-31",
        "provisions": ["eu-2016-680"],
        "provision_words": "Article 35",
        "rules": [
            {
                "direction": "give",
                "rule": "allowed",
                "kinds": ["crime_scene", "test_fire"],
                "jurisdictions": ["MK", "ME"],
                "words": "Pictures and case data",
            },
            {"direction": "receive", "rule": "allowed", "kinds": None, "jurisdictions": None, "words": None},
        ],
    } | changes


def action_fields(**changes: Any) -> Json:
    """An action of a meeting."""
    fields = {
        "number": "A-2026-7",
        "title": "Name the articles that let test fires go to a neighbour.",
        "owner": "MK",
        "owner_role": "legal_officer",
        "due": "2027-03-31",
        "meeting": "regional",
        "met_on": "2026-11-24",
        "state": "open",
        "closed_on": None,
        "remark": None,
    }
    return head("action", "head") | fields | changes


def onboarding_line(step: str, **changes: Any) -> Json:
    return {"step": step, "state": "open", "on": None, "by": None, "evidence": None, "remark": None} | changes


def onboarding_fields(**changes: Json) -> Json:
    """How far a jurisdiction is on its way in; ``changes`` to a line, by its step."""
    said = {
        "legal_basis": {"state": "done", "on": "2026-11-02", "by": "head", "evidence": digest("an agreement")},
        "conformance": {"state": "not_possible", "remark": "There is no node yet."},
        "trial_exchange": {"state": "proven", "on": "2026-11-20", "by": "node", "evidence": digest("a trial record")},
    } | changes
    lines = [onboarding_line(step, **said.get(step, {})) for step in ONBOARDING_STEPS]
    return head("onboarding", "head") | {"jurisdiction": "MD", "lines": lines}


def custody_fields(step: str = "received") -> Json:
    """A step of an exhibit that travels."""
    place = "Skopje" if step == "received" else None
    fields = statement_fields()["physical-comparison"] | {"step": step, "place": place}
    whole = {"seal_whole": "yes"} if step == "received" else {}
    return fields | {"answers": digest("a step before"), "record": RECORD, "seal": "B 004711"} | whole


def kept_by_another() -> Json:
    """An acknowledgement of a record whose scan a second owner delivered to the holder."""
    kept = [{"sha256": digest("a scan of two owners"), "by": [OTHER]}]
    return statement_fields()["acknowledgement"] | {"kept": kept}


def _without(fields: Json, name: str) -> Json:
    return {key: value for key, value in fields.items() if key != name}


def wrong_statements() -> dict[str, tuple[str, Json]]:
    """By name: in which way a rule that binds several fields is broken, and the statement that breaks it."""
    good = statement_fields()
    pair, answer, receipt, policy = pair_fields(), good["answer"], good["receipt"], good["policy"]
    basis, law = policy["bases"][0], good["law"]
    rule = article_fields()["rules"][0]
    return {
        "pair-of-one": ("a record is no pair with itself", good["hit"] | {"pair": pair | {"b": pair["a"]}}),
        "pair-in-disorder": ("the greater id first", good["conclusion"] | {"pair": {"a": pair["b"], "b": pair["a"]}}),
        "explanation-empty": ("what is explained?", good["custody-explanation"] | {"explanation": ""}),
        "explanation-of-no-step": ("which step?", _without(good["custody-explanation"], "explains")),
        "explanation-of-no-hit": ("of which hit?", _without(good["custody-explanation"], "hit")),
        "explanation-with-hidden-text": (
            "text that turns around what is read",
            good["custody-explanation"] | {"explanation": "Opened by \u202ecustoms."},
        ),
        "identification-on-screen": (
            "the screen identifies nothing",
            good["conclusion"] | {"result": {"basis": "screen", "conclusion": "identification"}},
        ),
        "elimination-on-screen": (
            "the screen eliminates nothing",
            good["verification"] | {"result": {"basis": "screen", "conclusion": "elimination"}},
        ),
        "verification-not-blind": (
            "on the screen a verification is blind",
            good["verification"]
            | {"result": {"basis": "screen", "conclusion": "possible_association"}, "blind": False},
        ),
        "partner-verifies-on-exhibits": (
            "a partner verifies on the screen alone",
            good["verification"] | {"request": digest("a request")},
        ),
        "possible-association-on-exhibits": (
            "under the microscope examiners conclude in the AFTE range",
            good["verification"] | {"result": {"basis": "exhibits", "conclusion": "possible_association"}},
        ),
        "inconclusive-on-exhibits": (
            "inconclusive in which way?",
            good["conclusion"] | {"result": {"basis": "exhibits", "conclusion": "inconclusive"}},
        ),
        "result-on-no-basis": (
            "a conclusion states what it rests on",
            good["conclusion"] | {"result": {"conclusion": "possible_association"}},
        ),
        "result-on-another-basis": (
            "screen or exhibits",
            good["conclusion"] | {"result": {"basis": "photograph", "conclusion": "possible_association"}},
        ),
        "confirmed-on-screen": ("the screen alone confirms nothing", good["hit"] | {"stage": "confirmed"}),
        "percentage": ("a score is no percentage", good["hit"] | {"score": 100.5}),
        "candidate-of-nothing": ("a candidate, and nothing was found", answer | {"found": []}),
        "found-without-candidate": ("no candidate, and something was found", answer | {"result": "no_candidate"}),
        "handles-in-disorder": (
            "the order would tell a rank",
            answer | {"found": [{"handle": name, "band": "high"} for name in sorted(map(digest, "ab"), reverse=True)]},
        ),
        "not-searched-without-reason": ("why not?", answer | {"result": "not_searched", "found": []}),
        "discloses-nothing": (
            "nothing in it",
            good["disclosure"] | dict.fromkeys(("serial_number", "place", "circumstances", "reference")),
        ),
        "receipt-does-not-add-up": ("one item is missing", receipt | {"accepted": 9}),
        "receipt-refuses-too-much": ("names one, set aside none", receipt | {"accepted": 11, "set_aside": 0}),
        "basis-twice": ("two rules for one pair and kind", policy | {"bases": [basis, basis | {"rule": "blocked"}]}),
        "group-twice": ("two groups of one name", policy | {"groups": policy["groups"] * 2}),
        "member-twice": ("a member twice", policy | {"groups": [{"name": "group-twice", "members": ["MK", "MK"]}]}),
        "law-article-twice": ("which of the two?", law | {"articles": law["articles"] * 2}),
        "law-ends-before-it-begins": (
            "no day in force",
            law | {"articles": [article_fields(in_force_until="2018-12-31")]},
        ),
        "law-provision-twice": ("named twice", law | {"articles": [article_fields(provisions=["eu-2021-555"] * 2)]}),
        "law-kind-twice": (
            "a kind of exhibit twice",
            law | {"articles": [article_fields(rules=[rule | {"kinds": ["test_fire", "test_fire"]}])]},
        ),
        "law-for-nobody": (
            "all is said by null",
            law | {"articles": [article_fields(rules=[rule | {"jurisdictions": []}])]},
        ),
        "law-id-in-other-letters": (
            "a Cyrillic R looks alike",
            law | {"articles": [article_fields(article_id="Р-27.2")]},
        ),
        "law-with-hidden-text": (
            "turns the writing direction",
            law | {"articles": [article_fields(text="Made\u202eup")]},
        ),
        "message-with-hidden-text": ("turns the writing direction", good["message"] | {"text": "When\u202emay we?"}),
        "agreed-for-no-day": ("whoever agrees names the day", good["physical-comparison"] | {"on": None}),
        "sent-under-no-seal": ("custody without its seal", _without(custody_fields("sent"), "seal")),
        "sent-answers-nothing": ("custody that follows on nothing", _without(custody_fields("sent"), "answers")),
        "sent-names-no-exhibit": ("which exhibit?", _without(custody_fields("returned"), "record")),
        "sent-on-no-day": ("custody has a day", custody_fields("sent") | {"on": None}),
        "received-nowhere": ("who receives says where", custody_fields() | {"place": None}),
        "received-and-seal-not-looked-at": ("was it whole?", _without(custody_fields(), "seal_whole")),
        "seal-whole-when-sent": ("only who received says so", custody_fields("sent") | {"seal_whole": "yes"}),
        "seal-of-an-agreement": ("nothing travels yet", custody_fields("sent") | {"step": "agreed"}),
        "seal-too-long": ("more than 32 characters", custody_fields() | {"seal": "B" * 33}),
        "channel-without-reference": (
            "a channel and no number",
            good["disclosure"] | {"reference": None, "channel": "iarms"},
        ),
        "channel-unknown": ("no such channel", good["disclosure"] | {"channel": "telex"}),
        "query-other-calibre-not-named": ("other, and nothing says what", good["query"] | {"calibre": "other"}),
        "done-without-conclusion": ("done rests on both", good["physical-comparison"] | {"step": "done"}),
        "kept-and-restricted": ("a court keeps all of it", kept_by_another() | {"outcome": "restricted"}),
        "kept-by-nobody": ("whose records keep it?", good["acknowledgement"] | {"kept": []}),
        "stated-at-no-moment": ("no February has 31 days", good["hit"] | {"stated_at": "2026-02-31T09:00:10.000Z"}),
        "stated-at-a-local-time": ("UTC alone", good["hit"] | {"stated_at": "2026-11-25T09:00:10.000+01:00"}),
        "answers-no-statement": ("not an id", good["physical-comparison"] | {"answers": "the last one"}),
        "action-done-on-no-day": ("when?", action_fields(state="done", remark="Both articles are named.")),
        "action-done-without-a-line": ("what came of it?", action_fields(state="done", closed_on="2027-01-15")),
        "action-open-and-closed": ("open, and closed on a day", action_fields(closed_on="2027-01-15")),
        "action-closed-before-it-was-agreed": (
            "nothing is done before it was agreed",
            action_fields(state="dropped", closed_on="2026-11-23", remark="Not needed."),
        ),
        "action-due-before-it-was-agreed": ("due in the past", action_fields(due="2026-11-23")),
        "action-without-a-number": ("no number within a year", action_fields(number="A-2026-0")),
        "action-of-two-lines": ("one line, no more", action_fields(title="One line.\nAnother.")),
        "onboarding-proven-by-a-person": (
            "what a person says is no proof of the node",
            onboarding_fields(node={"state": "proven", "on": "2026-11-02", "by": "head", "evidence": digest("a card")}),
        ),
        "onboarding-proven-by-nothing": (
            "proof without evidence",
            onboarding_fields(node={"state": "proven", "on": "2026-11-02", "by": "node"}),
        ),
        "onboarding-done-on-no-day": ("when?", onboarding_fields(node={"state": "done", "by": "operator"})),
        "onboarding-open-with-evidence": ("of what?", onboarding_fields(node={"evidence": digest("a card")})),
        "onboarding-not-possible-without-a-line": ("why not?", onboarding_fields(node={"state": "not_possible"})),
        "onboarding-without-a-step": (
            "every step stands once",
            onboarding_fields() | {"lines": onboarding_fields()["lines"][:-1]},
        ),
        "onboarding-in-disorder": (
            "in their order",
            onboarding_fields() | {"lines": onboarding_fields()["lines"][::-1]},
        ),
        "empty-batch": ("no rows, no leaf", good["audit-batch"] | {"count": 0}),
    }
