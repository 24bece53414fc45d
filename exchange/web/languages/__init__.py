"""The languages of the pages and reports: which there are, which one is spoken, what a text or a term is in it.

English stands in the templates and in the code; what the others say stands in ``<code>/LC_MESSAGES/pages.po``, read as
it is. The terms of the field stand in ``glossary.toml``, which a laboratory may correct in its node's home.
"""

from exchange.web.languages.catalogue import CODES, NAMES, marked
from exchange.web.languages.spoken import Spoken, gettext, ngettext, spoken, term

__all__ = ["CODES", "NAMES", "Spoken", "gettext", "marked", "ngettext", "spoken", "term"]
