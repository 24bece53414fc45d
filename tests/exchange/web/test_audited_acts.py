"""The page of the audit log has words for each act."""

from __future__ import annotations

from exchange.log.audit_entry import Act
from exchange.web.wording.audited_acts import ACTS


def test_each_act_has_words() -> None:
    assert set(ACTS) == set(Act)
