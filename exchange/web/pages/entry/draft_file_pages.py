"""One file of a draft as its card shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from exchange.flows.entry.draft_form import is_stale, marked_in, of_file
from exchange.flows.entry.draft_scans import region_of
from exchange.flows.entry.drafts import Draft, DraftFile
from exchange.flows.node.region_masks import mask_digest
from exchange.flows.node.regions import COMPARED
from exchange.web.wording.refused_scans import refused_scan_words
from schemas import RegionMask

MM = 1000.0


@dataclass(frozen=True)
class Card:
    """``said``: what the examiner states of it; ``reading``: what was seen on it, None until it was read."""

    draft_id: str
    row: DraftFile
    said: dict[str, str]
    reading: dict[str, Any] | None
    here: int = 0

    @property
    def state(self) -> str:
        if self.row.sha256 is None:
            return "arriving"
        if self.reading is None or is_stale(self.row, self.said):
            return "arrived"
        return "refused" if "refused" in self.reading else "read"

    @property
    def why_refused(self) -> str:
        """In the reader's language, for the code that the matcher gave; empty for one that is not known here."""
        return refused_scan_words(str((self.reading or {}).get("code", "")))

    @property
    def form_fields(self) -> dict[str, str]:
        """What is stated of it, by the form's names."""
        return {f"file.{self.row.file_id}.{name}": value for name, value in self.said.items()}

    @property
    def mask(self) -> RegionMask | None:
        """The region as it was marked by hand."""
        return marked_in(self.row, self.said)

    @property
    def cells(self) -> dict[str, Any] | None:
        """What the brush starts from, for its script: how many cells, those that were found, those that were marked.
        None where a region is not compared, so that there is nothing to mend."""
        if self.state != "read" or self.reading is None or "grid" not in self.reading:
            return None
        region = COMPARED.get(self.said.get("roi", ""))
        if region is None or (self.is_photograph and region.relief is None):
            return None
        rows, columns = self.reading["grid"]
        found, mask = self.reading["found"], self.mask
        return {
            "rows": rows,
            "columns": columns,
            "found": found["bits"] if found else "",
            "marked": mask.bits if mask else "",
        }

    @property
    def picture_tag(self) -> str:
        """Changes with the picture."""
        parts = (self.said.get("roi", ""), self.said.get("lateral_resolution_um", ""), mask_digest(self.mask) or "")
        return "-".join(part[:16] for part in parts)

    @property
    def address(self) -> str:
        return f"/app/register/{self.draft_id}/files/{self.row.file_id}"

    @property
    def is_photograph(self) -> bool:
        return self.reading is not None and self.reading.get("modality") == "reflectance"

    @property
    def guessed(self) -> bool:
        """Whether the name tells of a region, and that one stands."""
        guess = region_of(self.row.name)
        return guess is not None and self.said.get("roi") == guess

    @property
    def size_mb(self) -> str:
        return f"{self.row.size / 1e6:.1f}"

    @property
    def pixel_um(self) -> tuple[float, float] | None:
        """(x, y) between points; of a photograph as stated."""
        spacing = self._report.get("spacing_um")
        if spacing:
            return spacing[1], spacing[0]
        try:
            stated = float(self.said.get("lateral_resolution_um", "").replace(",", "."))
        except ValueError:
            return None
        return (stated, stated) if self.is_photograph else None

    @property
    def points(self) -> tuple[int, int]:
        """(x, y)."""
        rows, columns = self._report.get("shape", (0, 0))
        return columns, rows

    @property
    def field_mm(self) -> tuple[str, str] | None:
        """(x, y)."""
        if self.pixel_um is None:
            return None
        x, y = (points * um / MM for points, um in zip(self.points, self.pixel_um, strict=True))
        return f"{x:.2f}", f"{y:.2f}"

    @property
    def measured(self) -> str:
        return f"{100.0 * self._report.get('coverage', 0.0):.0f}"

    @property
    def _report(self) -> dict[str, Any]:
        found: dict[str, Any] = (self.reading or {}).get("report", {})
        return found


def card_of(draft: Draft, row: DraftFile, here: int = 0) -> Card:
    reading = json.loads(row.reading) if row.reading else None
    return Card(draft.row.draft_id, row, of_file(draft.fields, row.file_id), reading, here)
