"""Results of an examination, as the fields of a conclusion or of its verification."""

from __future__ import annotations

from typing import Any, Final

SCREEN: Final[dict[str, Any]] = {"result": {"basis": "screen", "conclusion": "possible_association"}}
INCONCLUSIVE: Final[dict[str, Any]] = {"result": {"basis": "screen", "conclusion": "inconclusive"}}
NOT_ASSOCIATED: Final[dict[str, Any]] = {"result": {"basis": "screen", "conclusion": "no_association_indicated"}}
EXHIBITS: Final[dict[str, Any]] = {"result": {"basis": "exhibits", "conclusion": "identification"}}
ON: Final = {"screen": SCREEN, "exhibits": EXHIBITS}
"""What agrees on either basis."""
