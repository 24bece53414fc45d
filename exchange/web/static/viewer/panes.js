// Where on the stage a view shows which specimen.

import { SHOW } from "./shading.js";

/**
 * The panes of a view on a stage of this size in CSS pixels: [{left, right, middle: where the camera's point is shown,
 * show: of SHOW, sides: 0 for the query, 1 for the reference}].
 */
export function panesOf(view, width, height) {
  const pane = (left, right, middle, show, sides) => ({ left, right, middle: [middle, height / 2], show, sides });
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
