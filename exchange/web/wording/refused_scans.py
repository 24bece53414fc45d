"""Why a scan file cannot be used, in the language of the page: the general sentence for the matcher's code.

The matcher's own sentence is English and names the values; a page says it below, as it does with what a node refuses.
"""

from __future__ import annotations

from typing import Final

from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m

_DAMAGED: Final = _m("The file is damaged or cut short. Copy it anew from the instrument, or export it again.")
_NOT_READ: Final = _m(
    "This is no file that is read here. Export the measured surface as x3p, or the photograph as PNG, TIFF or JPEG."
)
_NO_HEIGHTS: Final = _m("The file holds no measured surface. Export the topography with its heights.")
_WRONG_HEADER: Final = _m("What the file says of itself cannot be right. Export it again as x3p.")
_NO_SURFACE: Final = _m("The file holds a line or single points. Send the scan of a whole surface on a regular grid.")
_TOO_LARGE: Final = _m("The file is larger, or holds more points, than is read here. Export the region alone.")
_SPACING: Final = _m("The distance between two points, as the file states it, cannot be right. Check the units.")
_PACKED: Final = _m("The file is packed in a way that is not read here. Export it without a password, as x3p.")
_PICTURE: Final = _m("This kind of picture is not read here. Export one picture with 8 or 16 bits, without layers.")
_MASK: Final = _m("The region that was marked does not fit this file. Mark it anew.")
_HERE: Final = _m("What the node keeps of this file is damaged. Tell the node's operator.")

REFUSED_SCANS: Final = {
    "archive-damaged": _DAMAGED,
    "bit-depth-not-supported": _PICTURE,
    "byte-order-not-supported": _WRONG_HEADER,
    "checksum-differs": _DAMAGED,
    "compression-ratio": _TOO_LARGE,
    "data-damaged": _DAMAGED,
    "data-missing": _NO_HEIGHTS,
    "data-size-differs": _DAMAGED,
    "dimensions-out-of-range": _TOO_LARGE,
    "dtd-forbidden": _WRONG_HEADER,
    "duplicate-entries": _DAMAGED,
    "empty-file": _DAMAGED,
    "encrypted": _PACKED,
    "entry-too-large": _TOO_LARGE,
    "feature-type-unknown": _WRONG_HEADER,
    "file-too-large": _TOO_LARGE,
    "header-invalid": _WRONG_HEADER,
    "image-damaged": _DAMAGED,
    "image-too-large": _TOO_LARGE,
    "implausible-units": _SPACING,
    "index-xml-invalid": _WRONG_HEADER,
    "irregular-grid": _NO_SURFACE,
    "main-xml-ambiguous": _WRONG_HEADER,
    "main-xml-invalid": _WRONG_HEADER,
    "main-xml-missing": _NOT_READ,
    "mask-differs": _MASK,
    "mask-not-black-and-white": _MASK,
    "multi-page": _PICTURE,
    "no-valid-points": _m("The file holds no valid point. Measure the exhibit again."),
    "not-a-surface": _NO_SURFACE,
    "not-an-image": _NOT_READ,
    "not-an-x3p": _NOT_READ,
    "pixel-size-implausible": _SPACING,
    "point-cloud-not-surface": _NO_SURFACE,
    "prepared-scan-damaged": _HERE,
    "profile-not-surface": _NO_SURFACE,
    "reference-damaged": _HERE,
    "rotation-not-usable": _WRONG_HEADER,
    "spacing-out-of-range": _SPACING,
    "too-many-entries": _TOO_LARGE,
    "truncated": _DAMAGED,
    "units-unknown": _SPACING,
    "unsafe-path": _PACKED,
    "unsupported-compression": _PACKED,
}


def refused_scan_words(code: str) -> str:
    """Empty for a code that a later release gave."""
    return _(REFUSED_SCANS[code]) if code in REFUSED_SCANS else ""
