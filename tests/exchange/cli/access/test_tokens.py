"""``ffp token``: made, listed, revoked; what cannot be is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.flows.node.node import create_node, opened
from exchange.scopes import Scope
from exchange.store.access.token_rows import find_token, scopes_of
from exchange.store.access.user_rows import add_user, revoke_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    with opened(home) as node, node.store.write() as session:
        add_user(session, "lab-1", Role.EXAMINER)
        add_user(session, "gone", Role.EXAMINER)
        revoke_user(session, "gone")
    return home


def test_made_listed_and_revoked(ffp: Ffp, home: Path) -> None:
    said = ffp(
        "token",
        "add",
        "lab-1",
        "--name",
        "lims",
        "--scope",
        "read",
        "--scope",
        "submit",
        "--days",
        "30",
        "--home",
        home,
    )
    assert said.code == 0
    token = said.out.strip()
    assert "shown once" in said.err
    with opened(home) as node, node.store.read() as session:
        found = find_token(session, token)
        assert found
        assert (found[1].pseudonym, found[0].name, scopes_of(found[0])) == ("lab-1", "lims", [Scope.READ, Scope.SUBMIT])
        number = found[0].token_id
    listed = ffp("token", "list", "lab-1", "--home", home).out.splitlines()
    assert [line.split("\t")[2] for line in listed] == ["first", "lims"]
    assert f"{number}\tlab-1\tlims\tread submit\tnever used\tuntil 20" in listed[1]
    assert token not in "".join(listed)
    assert len(ffp("token", "list", "--home", home).out.splitlines()) == 3
    assert "lims" in ffp("token", "revoke", str(number), "--home", home).out
    assert "\trevoked 20" in ffp("token", "list", "lab-1", "--home", home).out.splitlines()[1]
    nobody = ffp("token", "list", "lab-9", "--home", home)
    assert (nobody.code, nobody.out) == (2, "")
    assert "There is no user lab-9. `ffp user list` shows them." in nobody.err


@pytest.mark.parametrize(
    ("pseudonym", "arguments", "named"),
    [
        ("nobody", ["--scope", "read"], "no active user"),
        ("gone", ["--scope", "read"], "no active user"),
        ("lab-1", ["--scope", "audit"], "No examiner can use the scope audit"),
        ("lab-1", ["--scope", "root"], "Possible for this role: read, submit"),
        ("lab-1", ["--scope", "read", "--days", "0"], "days"),
        ("lab-1", ["--scope", "read", "--days", "1096"], "1095 days"),
        ("lab-1", ["--scope", "read", "--name", ""], "has a name"),
    ],
)
def test_what_cannot_be(ffp: Ffp, home: Path, pseudonym: str, arguments: list[str], named: str) -> None:
    named_so = [] if "--name" in arguments else ["--name", "lims"]
    assert named in refusal(ffp("token", "add", pseudonym, *named_so, *arguments, "--home", home))


def test_no_such_token(ffp: Ffp, home: Path) -> None:
    assert "no token 99" in refusal(ffp("token", "revoke", "99", "--home", home))
