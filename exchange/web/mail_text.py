"""What stands in a letter: that something new waits, and where. Nothing of what, of whom, or from where."""

from __future__ import annotations

from exchange.flows.alerts.mail import Letter, LetterWriter, Occasion
from exchange.flows.node.node import Node
from exchange.web.languages import Spoken
from exchange.web.languages import gettext as _
from exchange.web.languages.spoken import directory_of, speaking
from exchange.web.languages.terms_glossary import glossary_of


def letters_of(node: Node) -> LetterWriter:
    """Writes in the language in which somebody asked for letters."""
    glossary = glossary_of(node.settings.home)

    def write(occasion: Occasion, language: str, code: str) -> Letter:
        with speaking(Spoken(language, glossary, directory=directory_of(node))):
            return _written(node, occasion, code)

    return write


def _written(node: Node, occasion: Occasion, code: str) -> Letter:
    address = f"{node.settings.url}/app/alerts"
    if occasion is Occasion.CODE:
        subject = _("A code for %(node)s", node=node.node_id)
        lines = [
            _(
                "Somebody asked that this address be told when something new waits at the node %(node)s.",
                node=node.node_id,
            ),
            _("If it was you, type this code in on the page Alerts within an hour: %(code)s", code=code),
            _("If it was not, do nothing: no other letter comes."),
        ]
    else:
        subject = _("Something new waits at %(node)s", node=node.node_id)
        lines = [
            _("Something new waits for you. Sign in to see what:"),
            address,
            _("This letter says no more on purpose. On the same page you can stop these letters."),
        ]
    return Letter(subject, "\n\n".join(lines) + "\n")
