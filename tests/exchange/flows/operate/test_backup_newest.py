"""A node is restored with what the newest tables hold; its small pictures are in no backup, and are
drawn again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from exchange.errors import WebhookFailed
from exchange.flows.access.users import authorise_user
from exchange.flows.alerts.webhooks import try_webhook
from exchange.flows.entry.firearms import enter_firearm, read_firearm
from exchange.flows.integrity.log_check import check_log
from exchange.flows.node.node import Node, open_node
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.restore import Secrets, restore, verify_restored
from exchange.flows.scan.scan_thumbnail import drawn_thumbnail, find_scan, kept_thumbnail
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.truth import KnownPairRow
from matcher import write_topography
from matcher.synthetic import breech_face
from schemas import Firearm
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.flows.move.test_move import AT, keep_what_years_leave, rows_of
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.flows.truth.laboratory import EXAMINER

pytestmark = pytest.mark.slow
databases = databases_fixture("sqlite")
PASSPHRASE = b"of the backup, and long enough"


@pytest.fixture
def node(tmp_path: Path, databases: Databases) -> Iterator[Node]:
    """Serbia's, with two records of its own and one of North Macedonia, and a row or more in each of the tables that
    came last."""
    network = Network(tmp_path / "nodes", databases)
    network.make(Jurisdiction.RS, Jurisdiction.MK)
    network.enrol_all()
    for number in (1, 2):
        scan = tmp_path / f"{number}.x3p"
        write_topography(breech_face.draw(1, number), scan)
        network.record(RS, scan=scan.read_bytes())
    network.record(MK, audience=["RS"])
    network.settle()
    found = network.nodes[RS]
    keep_what_years_leave(found)
    authorise_user(found, "i-1", "Упоређивање чаура")
    stated = Firearm.model_validate({"firearm_id": "F-1", "kind": "pistol", "calibre": "9x19", "make": "Застава"})
    enter_firearm(found, EXAMINER, stated, "Б-12345", "left at the door")
    with found.store.write() as session:
        a, b, *_ = session.scalars(select(AcquisitionRow.acquisition_id).order_by(AcquisitionRow.acquisition_id))
        said = {"score": 0.5, "parameters": "p", "matcher_version": "4", "made_at": AT}
        session.execute(insert(KnownPairRow).values(acquisition_a=a, acquisition_b=b, **said))
    yield found
    network.close()


def own_record(node: Node) -> str:
    with node.store.read() as session:
        return (
            session.scalars(select(AcquisitionRow.statement_id).order_by(AcquisitionRow.acquisition_id)).first() or ""
        )


def test_all_of_it_comes_back(node: Node, tmp_path: Path, databases: Databases) -> None:
    before, record = rows_of(node), own_record(node)
    for name in ("firearm", "kept_search", "webhook", "webhook_message", "held_decision", "started_search"):
        assert before[name][0], name
    for name in ("taken_work", "pair_set_aside"):
        assert before[name][0], name
    for name in ("watched_scan", "known_pair", "user_authorisation"):
        assert before[name][0], name
    picture = drawn_thumbnail(node, find_scan(node, record, 0))
    assert list(node.settings.prepared.glob("??/*.thumbnail-*"))
    made = back_up(node.settings.home, tmp_path / "backups", sealed_with=PASSPHRASE)
    assert made.missing == []
    assert not [path for path in (tmp_path / "backups").rglob("*") if "thumbnail" in path.name]

    home = tmp_path / "again"
    secrets = Secrets(unsealed_with=PASSPHRASE, database_url=databases.new())
    restored = restore(made.folder, home, secrets)
    assert verify_restored(home, restored.missing, passphrase=None, progress=lambda *_: None).findings == []
    with closing(open_node(home)) as again:
        assert rows_of(again) == before
        assert check_log(again).findings == []
        assert read_firearm(again, "F-1").firearm.serial_number == "Б-12345"
        with pytest.raises(WebhookFailed, match="does not answer"):
            try_webhook(again, 1)  # its secret opens
        scan = find_scan(again, record, 0)
        assert (scan.is_here, kept_thumbnail(scan)) == (True, None)
        assert drawn_thumbnail(again, scan) == kept_thumbnail(scan) == picture
