"""The pages of law: entered by the head of one node, read at another; what others write is text and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exchange.store.log.statement_rows import add_statement, latest_of
from exchange.store.sync.peers import add_peer, new_peer
from schemas import parse_statement, statement_id, statement_payload
from schemas.vocabulary import Role
from tests.exchange.coordination.law.made_up_law import article, rule
from tests.exchange.peer_cards import card_of
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.pages.review.test_disclosures import People
from tests.exchange.web.pages.test_pages import HOSTILE
from tests.exchange.web.rest.test_terms import eventually
from tests.schemas.examples import encoded
from tests.schemas.statement_examples import statement_fields

pytestmark = pytest.mark.slow

ARTICLE = {
    "article_id": "RS-synthetic-27",
    "title": "Измишљени закон",
    "title_en": "Made-up Act",
    "article": "Article 27",
    "language": "sr-Cyrl",
    "text": "Измишљено.\r\nДруги ред. ",
    "text_en": "",
    "in_force_since": "2019-01-01",
    "in_force_until": "",
    "review_by": "2031-12-31",
    "provision-eu-2016-680": "on",
    "provision_words": "",
    "rule-0-direction": "give",
    "rule-0-rule": "needs_approval",
    "rule-0-kind-crime_scene": "on",
    "rule-0-side-MK": "on",
    "rule-0-words": "Each time",
    "rule-1-direction": "",
    "rule-1-rule": "allowed",
    "rule-2-direction": "receive",
    "rule-2-rule": "allowed",
}


def _mark(person: Person, path: str = "/app/law/draft/article") -> str:
    found: str = re.findall(r'name="mark" value="([0-9a-f]{64})"', person.get(path).text)[0]
    return found


def _send(person: Person, **changes: str) -> Any:
    fields = {"csrf": person.csrf(), "mark": _mark(person), "before": "", **ARTICLE, **changes}
    return person.post("/app/law/draft/article", fields)


def _act(person: Person, act: str, **fields: str) -> Any:
    mark = fields.pop("mark", None) or _mark(person)
    return person.post("/app/law/draft", {"csrf": person.csrf(), "mark": mark, "act": act, **fields})


def test_an_article_is_entered_published_and_read_at_the_other_node(
    pair: tuple[RunningNode, RunningNode], somebody: People
) -> None:
    rs, mk = pair
    head, theirs = somebody(rs, Role.HEAD), somebody(mk, Role.INVESTIGATOR)
    assert "not entered" in head.get("/app/law/of/RS").text
    assert _send(head).status_code == 303
    draft = head.get("/app/law/draft").text
    assert "RS-synthetic-27" in draft
    assert "Sign and publish to all partners" in draft
    assert "not entered" in head.get("/app/law/of/RS").text, "a draft is nobody's to read"
    filled = head.get("/app/law/draft/article?name=RS-synthetic-27").text
    assert 'name="rule-0-side-MK" checked' in filled
    assert 'name="rule-0-kind-test_fire" checked' not in filled
    assert 'name="provision-eu-2016-680" checked' in filled
    assert "Измишљено.\nДруги ред." in filled

    stale = _mark(head)
    assert _send(head, article_id="RS-synthetic-28").status_code == 303
    assert _act(head, "publish", mark=stale).status_code == 409, "the draft changed since it was shown"
    done = _act(head, "publish")
    assert (done.status_code, done.headers["location"]) == (303, "/app/law/of/RS")
    assert _act(head, "publish").status_code == 409, "nothing is new"

    eventually(lambda: "Made-up Act" in theirs.get("/app/law/of/RS").text)
    page = theirs.get("/app/law/of/RS").text
    assert "Each time" in page
    assert "No English text is entered." in page
    shown = theirs.get("/app/law/pair/RS/MK").text
    assert "Serbia gives to North Macedonia: differs by kind of exhibit" in shown
    assert "North Macedonia receives from Serbia: not entered" in shown
    assert "No article is entered." in shown
    assert "The head and the auditor read these figures." in shown
    ours = head.get("/app/law/pair/MK/RS").text
    assert "These figures are exact, and stay in the node" in ours
    assert "unverified" in theirs.get("/app/law/concordance").text
    assert "This side published its law for the first time." in theirs.get("/app/law/changes").text
    for path in ("/app/law/report.pdf", "/app/law/pair/RS/MK/report.pdf"):
        answer = theirs.get(path)
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
    assert theirs.get("/app/law/draft").status_code == 403
    assert theirs.get("/app/law/of/UA").status_code == 404
    assert theirs.get("/app/law/pair/RS/RS").status_code == 422
    assert theirs.get("/app/law/of/QQQ").status_code == 422
    assert theirs.get("/app/law/changes?half=2099H1").status_code == 404


def test_an_article_that_is_wrong_stays_in_the_form(node: RunningNode, somebody: People) -> None:
    head = somebody(node, Role.HEAD)
    for changes, told in (
        ({"article_id": "Р-27.2"}, 'id="problem-article_id"'),
        ({"in_force_since": "soon"}, 'id="problem-in_force_since"'),
        ({"language": ""}, 'id="problem-language"'),
        ({"text": "hidden\u202etext"}, 'id="problem-text"'),
        ({"rule-0-direction": "", "rule-2-direction": ""}, 'id="problem-rules"'),
        ({"rule-0-rule": "perhaps"}, 'id="problem-rules"'),
        ({"in_force_until": "2018-01-01"}, "an article ends before it is in force"),
        ({"rule-0-side-QQ": "on"}, 'id="problem-rules"'),
        ({"rule-0-side-nobody": "on"}, 'id="problem-rules"'),
    ):
        answer = _send(head, **changes)
        assert answer.status_code == 422, (changes, answer.text)
        assert told in answer.text, changes
        assert "Made-up Act" in answer.text, "what was typed stays"
    assert "not entered" in head.get("/app/law/draft").text


def test_ends_removals_and_undoing(node: RunningNode, somebody: People) -> None:
    head = somebody(node, Role.HEAD)
    assert _send(head).status_code == 303
    assert _act(head, "end", article_id="RS-synthetic-27", last_day="2025-12-31").status_code == 303
    page = head.get("/app/law/draft").text
    assert "An end was set to article RS-synthetic-27." in page
    assert "not in force" in page
    assert _act(head, "end", article_id="RS-synthetic-27", last_day="never").status_code == 422
    assert _act(head, "end", article_id="RS-none-1", last_day="2025-12-31").status_code == 404
    assert _act(head, "remove", article_id="RS-synthetic-27").status_code == 303
    assert "The draft says what was published already." in head.get("/app/law/draft").text
    for _ in range(2):
        assert _act(head, "undo").status_code == 303
    assert "2025-12-31" not in head.get("/app/law/draft").text
    changed = _send(head, before="RS-synthetic-27", article_id="RS-synthetic-27a")
    assert changed.status_code == 303
    assert _send(head, article_id="RS-synthetic-27a").status_code == 409
    assert _act(head, "discard").status_code == 303
    assert "Undo the last change" not in head.get("/app/law/draft").text
    assert _act(head, "undo").status_code == 409
    assert _act(head, "burn").status_code == 422
    with node.node.store.read() as session:
        assert latest_of(session, node.node.node_id, "law") is None, "nothing was signed"


def test_what_a_partner_writes_is_text(node: RunningNode, somebody: People) -> None:
    """Every text of an article that the contract lets pass, on each page and in each file."""
    one_line = HOSTILE[:120]
    hostile = article(
        "MK",
        "1",
        rule("give", "allowed", words=one_line),
        title=one_line,
        title_en=one_line,
        article=one_line,
        text=HOSTILE,
        text_en=HOSTILE,
        provisions=["eu-2099-1"],
        provision_words=one_line,
    )
    with node.node.store.write() as session:
        add_peer(
            session,
            new_peer(
                node_id="ffp-mk-law",
                jurisdiction="MK",
                url="http://127.0.0.1:9",
                card=card_of("ffp-mk-law"),
                legal_basis="Test agreement",
            ),
        )
        fields = statement_fields()["law"] | {"issuer": "ffp-mk-law", "articles": [hostile.model_dump(mode="json")]}
        law = parse_statement(encoded(fields))
        payload = statement_payload(law)
        add_statement(session, statement_id(payload), law, law.type, node.node.keys.statement.sign(payload), 7)
    person = somebody(node, Role.EXAMINER)
    own = node.node.settings.jurisdiction
    for path in ("/app/law", "/app/law/of/MK", f"/app/law/pair/{own}/MK", "/app/law/concordance", "/app/law/changes"):
        answer = person.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert "<script>alert" not in answer.text, path
        assert "<img src=x" not in answer.text, path
        assert "7*7" in answer.text or path == "/app/law", path
    for path in ("/app/law/report.pdf", f"/app/law/pair/{own}/MK/report.pdf"):
        assert person.get(path).content.startswith(b"%PDF")
