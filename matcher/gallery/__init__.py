"""A persistent gallery: memory-mapped descriptors and prepared scans, one writer, any number of readers.

>>> from matcher import Gallery, GalleryWriter  # doctest: +SKIP
>>> with GalleryWriter(folder) as writer:  # doctest: +SKIP
...     writer.append([(Reference(digest, "9 mm Luger", "breech_face", "topography", "RS"), prepare(scan))])
>>> Gallery(folder).correlate([prepare(query)])[0].candidates  # doctest: +SKIP
"""

from matcher.gallery.gallery_query import Candidate, CandidateList, Gallery
from matcher.gallery.gallery_writer import GalleryWriter
from matcher.gallery.schema import Filters, Reference

__all__ = ["Candidate", "CandidateList", "Filters", "Gallery", "GalleryWriter", "Reference"]
