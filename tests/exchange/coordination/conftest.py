"""Nodes, people, commands and files of the region for the tests of its coordination."""

from tests.exchange.cli.conftest import ffp as ffp
from tests.exchange.coordination.meetings.pack.sent import sent as sent
from tests.exchange.coordination.public_site.made_site import made_site as made_site
from tests.exchange.coordination.region.releases import released_region as released_region
from tests.exchange.flows.conftest import network as network
from tests.exchange.web.conftest import _no_memory_of_tries as _no_memory_of_tries
from tests.exchange.web.conftest import node as node
from tests.exchange.web.pages.conftest import invited as invited
from tests.exchange.web.pages.conftest import signed_in as signed_in
from tests.exchange.web.pages.conftest import somebody as somebody
