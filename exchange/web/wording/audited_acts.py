"""What the audit log says of an act, as part of a sentence: "opened a record, 3 times"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exchange.log.audit_entry import Act
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import ngettext

ACTS: Final = {
    Act.SEARCH_RECORDS: _m("searched records"),
    Act.READ_RECORD: _m("opened a record"),
    Act.READ_ENVELOPE: _m("took a signed record"),
    Act.READ_BUNDLE: _m("took a record with its proofs"),
    Act.READ_SCAN: _m("read a scan, or a part of one"),
    Act.LIST_WORK: _m("was shown what is to be done"),
    Act.LIST_CANDIDATES: _m("listed candidates"),
    Act.READ_CANDIDATE: _m("opened a pair"),
    Act.READ_PICTURE: _m("was shown a picture"),
    Act.READ_REPORT: _m("took a report on a pair"),
    Act.READ_MONITORING: _m("took a monitoring report"),
    Act.RELEASE_RESTRICTED: _m("released the restricted edition of a monitoring report"),
    Act.LIST_STATEMENTS: _m("listed what was signed"),
    Act.READ_STATEMENT: _m("read what was signed"),
    Act.GIVE_PAGE: _m("was given statements"),
    Act.GIVE_SCAN: _m("was given a scan, or a part of one"),
    Act.TAKE_PAGE: _m("gave this node statements"),
    Act.TAKE_SCAN: _m("gave this node a scan"),
    Act.READ_FIREARM: _m("was shown firearms of this laboratory"),
    Act.CHANGE_FIREARM: _m("changed what is known of a firearm"),
    Act.DECIDE_HELD: _m("decided on records that a partner holds"),
    Act.PROPOSE_WITHDRAWAL: _m("proposed to withdraw a record, or decided on a proposal"),
    Act.START_SEARCH: _m("asked partners by a rule"),
    Act.READ_AUDIT: _m("read this log"),
    Act.TAKE_WORK: _m("said who works on something"),
    Act.RETRY_WORK: _m("had work tried again"),
    Act.ADD_WEBHOOK: _m("had a program told of news"),
    Act.REMOVE_WEBHOOK: _m("had a program told nothing more"),
    Act.CHECK_INSTRUMENT: _m("checked an instrument"),
    Act.CHANGE_INCIDENTS: _m("changed counts of incidents"),
    Act.EXPORT_TRUTH: _m("wrote test fires into a folder"),
    Act.READ_SEPARATION: _m("took the scores of test fires"),
    Act.INSTALL_MODEL: _m("put a calibration model in force"),
    Act.CHANGE_MEETING: _m("entered or changed a meeting"),
    Act.ERASE_AUDIT: _m("erased rows whose retention was over"),
}


def act_in_words(act: str) -> str:
    """What somebody did; of a newer release's act, its name."""
    return _(ACTS[Act(act)]) if act in set(Act) else act


def acts_in_words(acts: Mapping[str, int]) -> list[str]:
    """What was done most often stands first."""
    ordered = sorted(acts.items(), key=lambda item: (-item[1], item[0]))
    return [ngettext("%(act)s", "%(act)s, %(num)s times", count, act=act_in_words(act)) for act, count in ordered]
