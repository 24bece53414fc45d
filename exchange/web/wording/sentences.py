"""What a node refuses, and why a score is worth nothing, in the language of the page.

The node's own sentence is English and names the values; the page says the general one for the error's code above it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from exchange.errors import ExchangeError
from exchange.flows.hits.vocabulary import NoEffect
from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.node.node import Node
from exchange.flows.statement.standing import changed_standing
from exchange.web.languages import gettext, spoken, term
from exchange.web.languages import marked as _m
from exchange.web.languages.catalogue import SOURCE
from exchange.web.languages.days import moment
from schemas.statement_base import Statement

SENTENCES: Final = {
    "exchange-error": _m("The node cannot do this."),
    "configuration-error": _m("A setting of the node is not right. Tell the node's operator."),
    "extra-missing": _m("A part of the software that this needs is not installed. Tell the node's operator."),
    "passphrase-needed": _m("The node needs the passphrase of its keys. Tell the node's operator."),
    "unauthenticated": _m("Sign in first."),
    "sign-in-first": _m("Sign in first."),
    "sign-in-failed": _m("Pseudonym, password or code is not right. A code is taken once: wait for the next one."),
    "provider-refused": _m(
        "The sign-in at the provider was not accepted. Begin anew; if it goes on, ask the node's operator."
    ),
    "provider-unavailable": _m("The provider of the sign-in cannot be reached, or answers oddly. Try again later."),
    "provider-only": _m("On this node people sign in at the provider alone."),
    "user-unknown": _m("You are not an active user of this node. Ask the node's operator."),
    "second-factor-missing": _m("The provider did not check the second factor that this node demands."),
    "invitation-void": _m(
        "This invitation was used, is too old, or never was one. If you took it up yourself, sign in; if not, ask the "
        "node's operator for a new one."
    ),
    "account-locked": _m("Too many failures: this account is locked for a while. The node's operator can invite anew."),
    "password-length": _m("The password is too short or too long: four or five words make a good one."),
    "passwords-differ": _m("The two passwords differ."),
    "wrong-code": _m("This is not the code that the authenticator shows. Try the next one."),
    "same-scan": _m("This is one scan twice. Choose another one to lay beside it."),
    "forbidden": _m("Your role may not do this, or the form is not one of this session."),
    "scope-missing": _m("The token is not for this. Take one of the scope that is named below."),
    "not-found": _m("There is no such thing here, or it is not for you."),
    "draft-submitted": _m(
        "This exhibit was submitted meanwhile, in another window. Its record stays as it was signed there; what was "
        "changed here since is not in it. To add that, amend the record."
    ),
    "no-such-page": _m("There is no such page."),
    "not-possible": _m("This is not possible here."),
    "not-understood": _m("The address holds something that this page does not know."),
    "invalid-input": _m("What was sent is not right. Correct what is named below, and send it again."),
    "invalid-field": _m("A field is empty, or holds what it may not hold. Correct it, and send it again."),
    "nobody-attended": _m("Enter how many people of your own jurisdiction attended: a meeting of nobody is not kept."),
    "unknown-type": _m("This cannot be stated."),
    "unknown-jurisdiction": _m("A jurisdiction is named that this node does not know. Choose one of the list."),
    "unknown-field": _m("Something was sent that only the node itself states."),
    "no-form": _m("This is no form of these pages."),
    "purpose-missing": _m("State on the first page why you ask, and under which law."),
    "invalid-legal-basis": _m("Choose a purpose, and name the law and the case in one line of at most 120 characters."),
    "invalid-cursor": _m("This place of the list is not known. Begin the list anew."),
    "unsupported-media": _m("Files of this kind are not read here. Export the scan as x3p, PNG, TIFF or JPEG."),
    "mask-differs": _m("The region was marked in cells that do not fit the scan. Mark it on this scan anew."),
    "scan-known": _m("This scan is in the series of an instrument already. Scan the specimen again."),
    "instrument-missing": _m("The file does not name the instrument. State its maker and its model."),
    "reference-damaged": _m(
        "What is kept of the first scan is gone or was altered. Begin a new series, or have a backup restored."
    ),
    "not-mirrored": _m("A topography is never compared mirrored."),
    "no-filtered-form": _m("This scan has no filtered form."),
    "not-usable": _m("This scan cannot be shown or compared in this way."),
    "too-large": _m("What was sent is too large."),
    "conflict": _m("This does not agree with what is stored already. Load the page anew."),
    "article-known": _m("The draft has an article of this id already. Give this one another id, or change that one."),
    "nothing-to-publish": _m("There is nothing new to publish."),
    "nothing-to-undo": _m("Nothing of the draft is left to undo."),
    "draft-changed": _m("The draft was changed after it was shown. Look at it again, then do this once more."),
    "list-changed": _m("Something came to this list since it was shown. Look at it again."),
    "nothing-waits": _m("All is said of this hit: nothing of it waits."),
    "not-theirs-to-do": _m("An exhibit is given to an examiner, a hit to an examiner or an investigator."),
    "too-many-searches": _m("Too many searches are kept already. Stop one of them first."),
    "already-verified": _m("This does not agree with what is stored already. Load the page anew."),
    "already-concluded": _m("Your conclusion on this pair waits for another examiner. Take it back to conclude anew."),
    "concluded-on-other-scans": _m(
        "A conclusion on these two exhibits stands on another pair of their scans. Conclude there, or take that one "
        "back."
    ),
    "already-asked": _m("This side asked for the comparison already. Wait for the other side's answer."),
    "already-taken-back": _m("This was taken back already; once is enough."),
    "already-answered": _m("You signed another answer to this already. It stands, and can only be taken back."),
    "row-altered": _m("The database does not hold what this node wrote. Nobody is let in; tell the node's operator."),
    "token-name-taken": _m("A token of this name is in force already. Take another name, or revoke that one."),
    "other-pair": _m("What it rests on is of another pair."),
    "other-basis": _m("What it rests on has another basis: the screen and the exhibits do not go together."),
    "same-examiner": _m("A conclusion is verified by another examiner than the one who made it."),
    "disagreement-open": _m(
        "An examiner found otherwise on these two exhibits before, and that statement stands. After the two examiners "
        "have conferred, its signer takes it back, or the head of the signer's side does."
    ),
    "sharing-widened": _m(
        "This version would let more people have the record. Ask the record's author to amend it, or ask the head to "
        "grant the record to a jurisdiction."
    ),
    "not-agreed": _m("The two examiners do not agree that this is worth pursuing."),
    "taken-back": _m("It, or what it rests on, was taken back. Conclude anew, and let it rest on that."),
    "names-unknown": _m("A statement that it names is not on this node."),
    "rests-on-none": _m("A statement that it names has no effect itself."),
    "not-a-side": _m("Its issuer owns neither record of the pair."),
    "not-its-own": _m("It names a statement of another node; only its issuer may do this."),
    "not-identified": _m(
        "A hit is confirmed when both examiners identified on the exhibits. State that the comparison is done."
    ),
    "no-lead": _m("It names no lead of this pair."),
    "not-asked": _m("Nobody asked for this comparison, or the question is over. Ask for it first."),
    "own-question": _m("The side that asked for the comparison cannot agree to it itself. Wait for the other side."),
    "no-comparison": _m("No comparison of the exhibits was agreed with the other side. Ask for one first."),
    "before-the-agreement": _m(
        "The examiners concluded on the exhibits before the comparison was agreed. Compare them, and conclude anew."
    ),
    "one-side": _m("Both exhibits are of one side, and none travels. Compare them, and conclude."),
    "not-of-the-pair": _m("The record is neither one of this pair. Name the record of the exhibit that travels."),
    "others-exhibit": _m(
        "Only the owner of an exhibit signs that it was sent. When it arrives, sign that it was received."
    ),
    "still-away": _m(
        "This exhibit was sent already, and is not home again. When it is back, sign that it was received; then it can "
        "be sent anew."
    ),
    "not-sent": _m("Nobody signed that this exhibit was sent here. Ask the other side to sign that first."),
    "own-sending": _m("Who sends an exhibit does not sign that it arrived. Wait for the other side to sign that."),
    "other-exhibit": _m("The step that it answers is of the other exhibit. Name the record that stands in that step."),
    "not-received": _m(
        "Nobody signed that this exhibit was received. Sign that first; then sign that it left for its owner."
    ),
    "not-its-holder": _m("Only the side that received an exhibit sends it back to its owner. Wait for that side."),
    "signed-for": _m("This step of the exhibit's way was signed already. Sign the step that follows on it."),
    "days-in-disorder": _m("Its day is before the day of the step that it answers. Name the day on which it happened."),
    "exhibit-away": _m(
        "An exhibit travels for this comparison, and what was signed does not rest on its arrival. Sign that it was "
        "received, compare then, and conclude anew."
    ),
    "before-it-arrived": _m(
        "The examiners concluded on the exhibits before the one that travels was received. Compare them, and conclude "
        "anew."
    ),
    "other-seal": _m(
        "The exhibit left under another seal. Correct the number; or sign once more if this is the seal on the "
        "packing. A seal that differs stops the confirmation until the head of the exhibit's owner explains it."
    ),
    "day-to-come": _m("The day has not come. Sign this step when it has happened."),
    "not-met": _m(
        "Between two sides a comparison rests on an exhibit that was sent and received. Have one side sign that it "
        "sent its exhibit and the other that it received it; then compare, and conclude."
    ),
    "before-the-day": _m(
        "The day that was agreed for the comparison had not come. Compare the exhibits on that day, and conclude then; "
        "or agree on another day with the other side."
    ),
    "comparison-declined": _m("The comparison was declined. Ask for it anew."),
    "compared-already": _m("The exhibits had been compared already."),
    "too-many-steps": _m("This side took more steps on this hit than count. Write to the other side."),
    "day-is-over": _m("The day is over. Name today or a later one."),
    "verified-before": _m("The conclusion had been verified before, and its first verification counts. Name that one."),
    "not-verified": _m("No other examiner has verified it yet."),
    "list-not-open": _m("Another examiner works on this exhibit: open its scored list first, or leave it closed."),
    "not-blind": _m("Whoever has seen the score or the first conclusion does not verify it."),
    "not-owner": _m("Only the owner of the record may do this."),
    "withheld": _m("The law, or the owner, does not let this go to the other side."),
    "withdrawn": _m("The record was withdrawn."),
    "superseded": _m("The record was amended: a newer version stands in its place."),
    "too-many-versions": _m(
        "The record has as many versions as one may have. Withdraw it, and enter the exhibit anew."
    ),
    "decided": _m("This was decided already."),
    "nothing-to-decide": _m("Nothing waits for a decision here."),
    "nothing-held": _m("Nothing of this is held there under an earlier line and waits for a decision."),
    "invalid-half": _m("A half-year is written 2026H1 or 2026H2, a year 2026."),
    "half-not-over": _m("This half-year is not over yet."),
    "other-figures": _m("The figures are others by now. Read them again, then approve."),
    "not-approved": _m(
        "This is not approved for release yet. The head approves it on its page, once the period is over."
    ),
    "key-compromised": _m("The record is not believed any more: its key was in wrong hands."),
    "head-not-signed": _m("The log's head over this is not signed yet. Try again in a moment."),
    "too-many": _m("Too many tries. Wait a minute."),
    "unknown-contract": _m("This comes from a newer release: this node must be upgraded before it can be read."),
    "busy": _m("The node has more to do than it can do in time. Go back, and try again in a moment; nothing is lost."),
    "quota-reached": _m("As many queries were asked as may be. Ask again later."),
    "store-unavailable": _m("The node's store cannot be reached. Try again later; nothing was stored."),
    "signing-stopped": _m("This node signs nothing at present, and nothing was stored. Tell the node's operator."),
    "store-full": _m("The node's disk is full. Nothing was stored; tell the node's operator."),
    "object-store-unavailable": _m(
        "The object store with this scan cannot be reached. Try again later; nothing is lost."
    ),
    "object-altered": _m("What the object store has is not this scan. It is not shown; tell the node's operator."),
    "not-audited": _m("It could not be written down who asked, so nothing is shown. Try again later."),
    "infrastructure-away": _m("Something that the node needs is away. Try again later; nothing is lost."),
    "compute-away": _m("The node cannot work on scans at present. Try again later; nothing was stored."),
    "compute-failed": _m("The scan could not be worked on in time. Try again."),
    "not-searched": _m("Nothing could be compared."),
    "statement-invalid": _m("A signed statement is not to be believed. It was set aside."),
    "root-invalid": _m("A trust root is not to be believed. Tell the node's operator."),
    "log-error": _m("Something is wrong with a log. Tell the node's operator."),
    "proof-invalid": _m("A proof does not lead to the signed head. Believe nothing that rests on it."),
    "checkpoint-invalid": _m("The head of a log is not signed by its keys. Tell the node's operator."),
    "time-stamp-error": _m("Something is wrong with a time stamp. Tell the node's operator."),
    "time-stamp-unavailable": _m("The time-stamping authority cannot be reached. It is asked again."),
    "time-stamp-refused": _m("The time stamp is not believed. Tell the node's operator."),
    "webhook-failed": _m("A program that this node tells what is new did not take a message. It is told again."),
    "webhook-gone": _m("A program that this node told what is new is there no more. It is told nothing again."),
    "mail-error": _m("Something is wrong with e-mail. Tell the node's operator."),
    "mail-unavailable": _m("The mail server cannot be reached. It is tried again."),
    "mail-refused": _m("The mail server refuses this address."),
    "no-mail": _m("This node sends no e-mail. The operator can give it a mail server."),
    "invalid-address": _m("This is not an e-mail address, such as reading-room@lab.example."),
    "wait-a-minute": _m("A code was asked for a moment ago. Wait a minute."),
    "wrong-mail-code": _m("This is not the code of the letter. After five tries a new one is needed."),
    "request-refused": _m("A request between nodes was refused. Tell the node's operator."),
    "signature-invalid": _m("A signature is not right. Tell the node's operator."),
    "request-expired": _m("A request is too old or from the future: the clocks differ. Tell the node's operator."),
    "request-replayed": _m("A request was seen before. Tell the node's operator."),
    "key-unknown": _m("No enrolled peer has this key. Tell the node's operator."),
    "digest-differs": _m("What arrived is not what was signed. Tell the node's operator."),
    "peer-error": _m("The other node did not answer as it should. Tell the node's operator."),
    "peer-unreachable": _m("The other node cannot be reached. It is tried again."),
    "address-differs": _m("The card states another address than the one that was typed. Nothing was enrolled."),
    "egress-refused": _m("This node may not connect to that address. Tell the node's operator."),
    "peer-misbehaved": _m("The other node broke the rules of the exchange. Tell the node's operator."),
    "history-differs": _m("The other node shows two histories. Believe neither; tell the node's operator."),
    "unforeseen": _m("The node met an error that nobody foresaw. It was logged; tell the node's operator."),
}
"""By the code of an error; each class of errors has one, which its kinds with codes of their own fall back to."""

_REASONS: Final = [
    (re.compile(pattern), text)
    for pattern, text in (
        (r"This node has no calibration model\.", _m("This node has no calibration model.")),
        (
            r"Likelihood ratios are validated for topographies of breech faces only\.",
            _m("Likelihood ratios are validated for topographies of breech faces only."),
        ),
        (
            r"Likelihood ratios are validated for regions that the matcher finds itself only\.",
            _m("Likelihood ratios are validated for regions that the matcher finds itself only."),
        ),
        (
            r"Not validated: scores of this region were measured on drawn marks alone, on no real scans .+\.",
            _m(
                "Not validated: scores of this region were measured on drawn marks alone, on no real scans of known "
                "firearm."
            ),
        ),
        (
            r"Not validated: scores of (?:photographs|a photograph with a topography) were measured on drawn .+\.",
            _m("Not validated: scores of photographs were measured on drawn photographs alone, on no real ones."),
        ),
        (
            r"Not validated: a scan that was compared is not known here\.",
            _m("Not validated: a scan that was compared is not known here."),
        ),
        (
            r"Not validated: the validation is of matcher version (?P<version>\S+)\.",
            _m("Not validated: the validation is of matcher version %(version)s."),
        ),
        (
            r"Not validated: the marks of an exercise are drawn\.",
            _m("Not validated: the marks of an exercise are drawn."),
        ),
        (
            r"Not validated: the region of a scan was marked by hand\.",
            _m("Not validated: the region of a scan was marked by hand."),
        ),
        (
            r"Not validated: the points of a scan lie more than (?P<um>\S+) um apart\.",
            _m("Not validated: the points of a scan lie more than %(um)s um apart."),
        ),
        (
            r"Not validated: how much of the mark a scan shows is not known\.",
            _m("Not validated: how much of the mark a scan shows is not known."),
        ),
        (
            r"Not validated: a scan shows less than (?P<area>\S+) mm2 of a mark\.",
            _m("Not validated: a scan shows less than %(area)s mm2 of a mark."),
        ),
        (
            r"The (?:marks are of the region|scans are of the modality) .+",
            _m("The model was made from marks of another region, or from scans of another kind."),
        ),
        (r"The calibre of an exhibit is not known\.", _m("The calibre of an exhibit is not known.")),
        (
            r"The calibre (?P<calibre>.+) is not among those of the model: (?P<known>.+)\.",
            _m("The calibre %(calibre)s is not among those of the model: %(known)s."),
        ),
        (
            r"The model does not say at which lateral resolution its scans were measured\.",
            _m("The model does not say at which lateral resolution its scans were measured."),
        ),
        (
            r"A lateral resolution of (?P<found>\S+) um is outside the model's (?P<low>\S+) to (?P<high>\S+) um\.",
            _m("A lateral resolution of %(found)s µm is outside the model's %(low)s to %(high)s µm."),
        ),
        (
            r"The score is of matcher version (?P<found>\S+); the model was made with (?P<made>\S+)\.",
            _m("The score is of matcher version %(found)s; the model was made with %(made)s."),
        ),
        (
            r"The score was made with other parameters than those of the model\.",
            _m("The score was made with other parameters than those of the model."),
        ),
        (
            r"A mark shows (?P<found>\S+) mm2; the model was made from marks of at least (?P<least>\S+) mm2\.",
            _m("A mark shows %(found)s mm²; the model was made from marks of at least %(least)s mm²."),
        ),
        (
            r"One mark shows (?P<found>\S+) of the area of the other; the model was made from pairs with at least "
            r"(?P<least>\S+)\.",
            _m(
                "One mark shows %(found)s of the area of the other; the model was made from pairs with at least "
                "%(least)s."
            ),
        ),
        (
            r"The lines of a mark have little direction \((?P<found>\S+)\); the model was made from marks with at "
            r"least (?P<least>\S+)\. Noise may cover the mark\.",
            _m(
                "The lines of a mark have little direction (%(found)s); the model was made from marks with at least "
                "%(least)s. Noise may cover the mark."
            ),
        ),
        (
            r"A mark lies to one side of its centre \((?P<found>\S+)\); the model was made from marks with at most "
            r"(?P<most>\S+)\.",
            _m(
                "A mark lies to one side of its centre (%(found)s); the model was made from marks with at most "
                "%(most)s."
            ),
        ),
        (
            r"The model does not say how much the marks show that it was made from: make it anew\.",
            _m("The model does not say how much the marks show that it was made from: make it anew."),
        ),
        (
            r"How much the marks show is not known: the scans wait to be correlated anew\.",
            _m("How much the marks show is not known: the scans wait to be correlated anew."),
        ),
        (
            r"This score was made by matcher version (?P<there>.+); this node has version (?P<here>\S+): .+\.",
            _m(
                "This score was made by matcher version %(there)s; this node has version %(here)s: scores of the two "
                "cannot be compared."
            ),
        ),
    )
]
"""Why no likelihood ratio is validated, or two scores are not comparable, in the words of
``flows/node/likelihood_ratio.py``, ``flows/node/regions.py`` and the matcher."""


@dataclass(frozen=True)
class ShownRefusal:
    """What a page says of an error. ``sentence`` is None where the node's own sentence is in the page's language."""

    sentence: str | None
    detail: str


def refusal(code: str, detail: str) -> ShownRefusal:
    """Of an error that has this code, which ``SENTENCES`` knows."""
    return ShownRefusal(None if spoken().code == SOURCE else gettext(SENTENCES[code]), detail)


def refusal_of(error: ExchangeError) -> ShownRefusal:
    """By the error's code, else by that of its class."""
    codes = [error.code, *(kind.code for kind in type(error).__mro__ if issubclass(kind, ExchangeError))]
    return refusal(next(code for code in codes if code in SENTENCES), str(error))


def no_effect(why: NoEffect) -> str:
    """Why a statement of a hit counts for nothing."""
    return gettext(SENTENCES[why])


def reason(sentence: str) -> str:
    """Why a likelihood ratio or a score is not validated; a sentence that is not known here stays as it is."""
    for pattern, text in _REASONS:
        if (found := pattern.fullmatch(sentence)) is not None:
            return gettext(text, **found.groupdict())
    return sentence


_MODELS = {
    "whole marks": _m("By the model for whole marks."),
    "a part with a whole mark": _m("By the model for a part with a whole mark."),
    "parts": _m(
        "By the model for parts of marks. Two parts may show different areas: it never speaks for two firearms."
    ),
}


def model_for(marks: str) -> str:
    """Which of the node's calibration models a likelihood ratio is by, and what that one never says."""
    return gettext(_MODELS[marks]) if marks in _MODELS else ""


def suspicion(found: Suspicion) -> str:
    """That the key which signed something was in wrong hands, since when that is known, and whether it stands."""
    told = {"since": moment(found.since), "place": found.place, "issuer": found.issuer}
    if not found.believed:
        return gettext(
            "Not believed: the key that signed this is under suspicion since %(since)s, from place %(place)s of the "
            "log of %(issuer)s on.",
            **told,
        )
    return gettext(
        "The key that signed this is under suspicion since %(since)s, from place %(place)s of the log of %(issuer)s "
        "on. This stands before that place: it is believed.",
        **told,
    )


def standing(node: Node, said: Statement) -> str:
    """That whoever signed has another role by now, or is no user any more; else nothing."""
    found = changed_standing(node, said)
    if found is None:
        return ""
    who, signed_as = said.made_by.pseudonym, term(found.signed_as)
    if found.today is None:
        return gettext("%(who)s signed as %(role)s, and is no user of this node any more.", who=who, role=signed_as)
    today = term(found.today)
    return gettext("%(who)s signed as %(role)s, and is %(today)s today.", who=who, role=signed_as, today=today)
