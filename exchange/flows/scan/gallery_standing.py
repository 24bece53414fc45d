"""How far each gallery is, told from its files: any process may ask, also while another fills it."""

from __future__ import annotations

from dataclasses import dataclass

import matcher
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import GALLERIES
from exchange.flows.scan.gallery_check import last_round


@dataclass(frozen=True)
class GalleryStanding:
    """``references``: None where there is no gallery yet, or it cannot be read: then it is made anew when it is next
    needed. ``of``: how many it holds when it is filled, None where nobody fills it. ``shards``, ``checked``: how many
    there are, and how many of them were read again in the round that began at ``check_began``."""

    gallery: str
    references: int | None
    of: int | None
    shards: int
    checked: int
    check_began: str | None

    @property
    def in_words(self) -> str:
        if self.references is None:
            return f"{self.gallery}: not made yet"
        filled = f" of {self.of:,}, being filled" if self.of is not None else ""
        again = f", {self.checked} of {self.shards} shards read again" if self.check_began is not None else ""
        return f"{self.gallery}: {self.references:,}{filled}{again}"


def standing_of_galleries(node: Node) -> tuple[GalleryStanding, ...]:
    return tuple(_standing(node, parameters) for parameters in GALLERIES)


def _standing(node: Node, parameters: matcher.Parameters) -> GalleryStanding:
    name = f"{parameters.region}, {parameters.channel}"
    try:
        gallery = matcher.Gallery(node.galleries.folder(parameters), parameters)
        references, shards = gallery.count(), gallery.shards()
    except (matcher.MatcherError, OSError):
        return GalleryStanding(name, None, None, 0, 0, None)
    filling, known = node.galleries.filling(parameters), last_round(node, parameters)
    checked = len(set(known.shards) & set(shards)) if known is not None else 0
    of = max(filling[1], references) if filling is not None else None
    return GalleryStanding(name, references, of, len(shards), checked, known.began if known is not None else None)
