"""The public site of one simulated region, with the coordinator's public regional reports."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from exchange.coordination.public_site.publication import Publication, publication_of
from exchange.coordination.public_site.site import site_files
from exchange.coordination.region.combine import combine_reports
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region_files.read_reports import read_reports
from exchange.coordination.region_files.report_file import Believed, DeskKeys
from exchange.jurisdictions.directory import shipped_directory
from tests.exchange.coordination.region.region_world import H1, H2, YEAR
from tests.exchange.coordination.region.releases import Released, released_region

__all__ = ["released_region"]


@dataclass(frozen=True)
class MadeSite:
    publication: Publication
    files: dict[str, bytes]

    @property
    def pages(self) -> dict[str, str]:
        return {name: content.decode() for name, content in self.files.items() if name.endswith(".html")}


def files_of(region: Released) -> list[tuple[str, bytes]]:
    """All that a coordinator has at the end of the year: the nodes' files, and what was combined of them."""
    found = []
    who = Believed(fingerprints=region.world.fingerprints())
    for period in (H1, H2, YEAR):
        read = read_reports(region.files[period], period, who, region.world.recipient)
        made = combine_reports(read, period, shipped_indicators())
        found += [(f"{period}-{name}", data) for name, data in region.files[period]]
        found.append((f"region-{period}-public.json", write_region(made.public, shipped_directory())))
    return found


def publication(region: Released) -> Publication:
    keys = DeskKeys(Believed(fingerprints=region.world.fingerprints()), None)
    return publication_of(files_of(region), (), keys, shipped_indicators())


@pytest.fixture(scope="module")
def made_site(released_region: Released) -> MadeSite:
    found = publication(released_region)
    return MadeSite(found, site_files(found))
