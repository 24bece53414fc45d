"""Calibres whose cartridges one firearm may have fired, as made or as commonly converted: the marks on two such cases
are worth comparing although the designations differ.

Such a pair costs comparisons and no conclusion; one that is missing costs a hit. A laboratory that knows of others
gives them to ``schemas.calibre.compatible_calibres``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_WIKI_8X50R: Final = "https://en.wikipedia.org/wiki/8%C3%9750mmR_Mannlicher"
_WOUNDS: Final = "A textbook's chapter on cartridges: https://www.guwsmedical.info/contact-wounds/acp-765-x-17sr.html"
_FR_22_LONG: Final = "https://kampuspedia.com/fr/.22_Long, a copy of the French Wikipedia's page"


@dataclass(frozen=True, slots=True)
class CalibrePair:
    """``source``: a text that was read and names the reason, an authority or not. Without one the reason is common
    knowledge of the field that has not been checked against a text yet."""

    one: str
    other: str
    reason: str
    source: str | None = None

    @property
    def verified(self) -> bool:
        return self.source is not None


_SHORTER: Final = "the shorter case of the same family goes into the longer one's chamber"
_ALARM: Final = "alarm pistols are converted to it"
_BARRELS: Final = "one pistol with exchangeable barrels: breech, firing pin, extractor and ejector stay"
_RIFLE_BARRELS: Final = "rifles with exchangeable barrels: the bolt stays"
_LOOSE: Final = "chambers so near that firearms made for one fire the other"

PAIRS: Final[tuple[CalibrePair, ...]] = (
    # Revolvers and their shorter cartridges
    CalibrePair(".38 Special", ".357 Magnum", _SHORTER, _WOUNDS),
    CalibrePair(".38 Long Colt", ".38 Special", _SHORTER),
    CalibrePair(".38 Long Colt", ".357 Magnum", _SHORTER),
    CalibrePair(".38 Short Colt", ".38 Special", _SHORTER),
    CalibrePair(".44 Special", ".44 Magnum", _SHORTER),
    CalibrePair(".44 S&W Russian", ".44 Special", _SHORTER),
    CalibrePair(".44 S&W Russian", ".44 Magnum", _SHORTER),
    CalibrePair(".45 Colt", ".454 Casull", _SHORTER),
    CalibrePair(".45 Colt", ".460 S&W Magnum", _SHORTER),
    CalibrePair(".454 Casull", ".460 S&W Magnum", _SHORTER),
    CalibrePair(".32 S&W", ".32 S&W Long", _SHORTER),
    CalibrePair(".32 S&W", ".32 H&R Magnum", _SHORTER),
    CalibrePair(".32 S&W Long", ".32 H&R Magnum", _SHORTER),
    CalibrePair(".32 S&W Long", ".327 Federal Magnum", _SHORTER),
    CalibrePair(".32 H&R Magnum", ".327 Federal Magnum", _SHORTER),
    CalibrePair("7.62 mm Nagant", ".32 S&W", "Nagant revolvers fire it in place of their own cartridge"),
    CalibrePair("7.62 mm Nagant", ".32 S&W Long", "Nagant revolvers fire it in place of their own cartridge"),
    CalibrePair("7.65 mm Browning", ".32 S&W Long", "its semi-rimmed case goes into a .32 revolver", _WOUNDS),
    CalibrePair(".45 ACP", ".45 Auto Rim", "revolvers M1917 fire both"),
    CalibrePair(".410 bore", ".45 Colt", "revolvers and rifles made for both"),
    # Pistols
    CalibrePair("9 mm Browning Court", "9 mm Makarov", _LOOSE),
    CalibrePair("9 mm Ultra", "9 mm Makarov", _LOOSE),
    CalibrePair("9 mm Browning Court", "9 mm Ultra", _LOOSE),
    CalibrePair("7.62 mm Tokarev", "7.63 mm Mauser", _LOOSE),
    CalibrePair("9 mm Glisenti", "9 mm Luger", "the same case, loaded less"),
    CalibrePair("9x21 Gyurza", "9x21", "cases of one length"),
    CalibrePair("9 mm Luger", "9x21", _BARRELS),
    CalibrePair("9 mm Luger", "7.65 mm Parabellum", _BARRELS),
    CalibrePair(".40 S&W", ".357 SIG", _BARRELS),
    CalibrePair(".40 S&W", "10 mm Auto", _SHORTER),
    CalibrePair(".38 Super Auto", "9 mm Luger", _BARRELS),
    CalibrePair("9 mm Steyr", "9 mm Luger", "Steyr M12 pistols were rebarrelled for it"),
    CalibrePair("9 mm Bergmann-Bayard", "9 mm Luger", "Astra 400 pistols fire both"),
    CalibrePair("9 mm Bergmann-Bayard", "9 mm Steyr", _LOOSE),
    # Alarm, gas and less lethal weapons
    CalibrePair("9 mm P.A.", "9 mm Browning Court", _ALARM),
    CalibrePair("9 mm P.A.", "9 mm Luger", _ALARM),
    CalibrePair("9 mm P.A.", "9 mm Makarov", _ALARM),
    CalibrePair("9 mm P.A.", "7.65 mm Browning", _ALARM),
    CalibrePair("8 mm K", "7.65 mm Browning", _ALARM),
    CalibrePair("8 mm K", "6.35 mm Browning", _ALARM),
    CalibrePair(".315 K", "6.35 mm Browning", _ALARM),
    CalibrePair(".22 Long K", ".22 LR", _ALARM),
    CalibrePair(".22 Long K", ".22 Short", _ALARM),
    CalibrePair("6 mm Flobert K", ".22 Short", _ALARM),
    CalibrePair("6 mm Flobert K", "6 mm Flobert", _ALARM),
    CalibrePair("10x28", "9 mm Makarov", "less lethal pistols made of Makarov pistols are converted back"),
    CalibrePair("10x22T", "9 mm Makarov", "less lethal pistols made of Makarov pistols are converted back"),
    CalibrePair("10x22T", "9 mm P.A.", "less lethal pistols of one make exist in both"),
    CalibrePair("12 gauge", "12 gauge K", "the same chamber"),
    CalibrePair("16 gauge", "16 gauge K", "the same chamber"),
    # Rimfire
    CalibrePair(".22 Short", ".22 LR", _SHORTER),
    CalibrePair(".22 Long", ".22 LR", _SHORTER, _FR_22_LONG),
    CalibrePair(".22 Short", ".22 Long", _SHORTER),
    CalibrePair(".22 CB Cap", ".22 LR", _SHORTER),
    CalibrePair("6 mm Flobert", ".22 LR", _SHORTER),
    CalibrePair("6 mm Flobert", ".22 Short", _SHORTER),
    CalibrePair("6 mm Flobert", ".22 CB Cap", _LOOSE),
    CalibrePair("6 mm Flobert", "6 mm ME Flobert", _LOOSE),
    CalibrePair(".22 WRF", ".22 WMR", _SHORTER),
    CalibrePair(".17 HMR", ".22 WMR", _RIFLE_BARRELS),
    # Rifles
    CalibrePair("5.56x45", ".300 AAC Blackout", _RIFLE_BARRELS),
    CalibrePair("5.56x45", ".222 Remington", _SHORTER),
    CalibrePair("8x57 I", "8x57 IS", _LOOSE),
    CalibrePair("8x57 IR", "8x57 IRS", _LOOSE),
    CalibrePair("8x50R Mannlicher", "8x56R", "rifles were rechambered for it", _WIKI_8X50R),
)
