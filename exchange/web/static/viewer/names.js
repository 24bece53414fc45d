// The names that a view is made of, and the bounds of its numbers.

export const MODES = ["split", "side-by-side", "overlay", "difference", "tilted"];
/** Modes that show each specimen in a half of the stage. */
export const HALVED = ["side-by-side", "tilted"];
export const TOOLS = ["measure", "angle", "profile", "mark"];
/** What is laid on the stage, or drawn over it, and not shown while it is tilted. */
export const LIE_FLAT = [...TOOLS, "cells", "heat"];
/** Of marks. */
export const KINDS = ["agreement", "disagreement", "note"];

/** name: [least, most, step] */
export const SLIDERS = {
  azimuth: [0, 360, 1], elevation: [5, 85, 1], exaggeration: [0.5, 60, 0.5], contrast: [0.3, 3, 0.05], mix: [0, 1, 0.01],
  heights: [1, 200, 1],
};
