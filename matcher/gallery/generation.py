"""A gallery's folder: generations, one for each set of parameters, and the one that serves.

    current                         the generation that readers open
    <parameters digest>-<format>/   a generation
        manifest                    its layout and shards, in their order
        lock                        held by its writer
        <shard>/                    see ``matcher.gallery.shard``

Generations never share a file, so scans of two sets of parameters cannot be mixed; and one is filled while another
serves.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from matcher.errors import NotComparable
from matcher.gallery.files import damaged, delete, read_text, replace_text, sync_folder
from matcher.gallery.schema import FORMAT, layout


@dataclass(frozen=True)
class Generation:
    """One generation's folder."""

    folder: Path

    @staticmethod
    def of(gallery: Path, parameters_digest: str) -> Generation:
        return Generation(gallery / f"{parameters_digest}-{FORMAT}")

    @property
    def exists(self) -> bool:
        return (self.folder / "manifest").is_file()

    def create(self) -> None:
        """An empty generation. When this returns it is on disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_shards([])
        sync_folder(self.folder.parent)

    def shards(self) -> list[Path]:
        """The shards' folders, in the order of their rows.

        Raises ``GalleryDamaged`` for a manifest that is not what was written, ``NotComparable`` for another layout.
        """
        content = json.loads(read_text(self.folder / "manifest"))
        if content["layout"] != layout():
            raise NotComparable("the gallery has the layout of another release: rebuild it")
        return [self.folder / name for name in content["shards"]]

    def write_shards(self, shards: list[Path]) -> None:
        """Replace the list of shards, at once: a reader sees the old or the new one."""
        content = {"layout": layout(), "shards": [shard.name for shard in shards]}
        replace_text(self.folder / "manifest", json.dumps(content))

    def new_shard(self) -> Path:
        """A name that was never used: what a process remembers of a shard is true for ever."""
        return self.folder / f"shard-{secrets.token_hex(8)}"

    def delete_strays(self, kept: list[Path]) -> None:
        """Delete shards that no manifest names: half made ones, and those that were compacted away."""
        named = {folder.name for folder in kept}
        for folder in self.folder.glob("shard-*"):
            if folder.name not in named:
                delete(folder)


def current_digest(gallery: Path) -> str | None:
    """The digest of the parameters whose generation serves, or None where there is no gallery yet.

    A generation of another format counts as none. Raises ``GalleryDamaged`` where the file is altered.
    """
    path = gallery / "current"
    try:
        name = read_text(path)
    except FileNotFoundError:
        return None
    digest, separator, form = name.partition("-")
    if not separator:
        raise damaged(path, "names no generation")
    return digest if form == str(FORMAT) else None


def publish_generation(gallery: Path, generation: Generation) -> None:
    """Let readers have this generation from now on, at once and for good."""
    replace_text(gallery / "current", generation.folder.name)


def delete_others(gallery: Path, kept: Generation) -> None:
    """Delete every other generation, also what is left of one. Readers of one that still serves must be gone."""
    for folder in gallery.iterdir():
        if folder.is_dir() and folder.name != kept.folder.name:
            delete(folder)
