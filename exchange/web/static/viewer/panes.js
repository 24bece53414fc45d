// Where on the stage a view shows which specimen.

import { HALVED } from "./names.js";
import { SHOW } from "./shading.js";

/** On a stage that is higher than wide, as a telephone's, two tilted specimens have more room below one another. */
const isStacked = (view, width, height) => view.mode === "tilted" && height > width;

/** How much of a stage {width, height} each pane has. */
export function paneSize(view, { width, height }) {
  if (isStacked(view, width, height)) return { width, height: height / 2 };
  return { width: HALVED.includes(view.mode) ? width / 2 : width, height };
}

/**
 * The panes of a view on a stage of this size in CSS pixels: [{left, right, top, bottom, middle: where the camera's point
 * is shown, show: of SHOW, sides: 0 for the query, 1 for the reference}].
 */
export function panesOf(view, width, height) {
  const pane = (left, right, middle, show, sides) =>
    ({ left, right, top: 0, bottom: height, middle: [middle, height / 2], show, sides });
  if (isStacked(view, width, height)) {
    const half = height / 2;
    const [above, below] = [SHOW.query, SHOW.reference].map((show, side) => pane(0, width, width / 2, show, [side]));
    return [
      { ...above, bottom: half, middle: [width / 2, half / 2] },
      { ...below, top: half, middle: [width / 2, 1.5 * half] },
    ];
  }
  switch (view.mode) {
    case "split": {
      const cut = view.divider * width;
      return [pane(0, cut, width / 2, SHOW.query, [0]), pane(cut, width, width / 2, SHOW.reference, [1])];
    }
    case "tilted":
    case "side-by-side": {
      const cut = width / 2;
      return [pane(0, cut, width / 4, SHOW.query, [0]), pane(cut, width, (3 * width) / 4, SHOW.reference, [1])];
    }
    default:
      return [pane(0, width, width / 2, SHOW[view.mode], [0, 1])];
  }
}
