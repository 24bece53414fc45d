// What buttons and keys do to a view.

import { LIE_FLAT, MODES, TOOLS } from "./names.js";
import { firstLine } from "./tools.js";

/**
 * Change the view by a command, where it changes anything here. `facts`: {stage: {width, height} in CSS
 * pixels, registration, cells}.
 */
export function obey(view, name, { stage, registration, cells }) {
  if (MODES.includes(name)) {
    view.mode = name;
    if (name === "tilted") view.tool = null;
    return;
  }
  if (view.mode === "tilted" && LIE_FLAT.includes(name)) return;
  if (TOOLS.includes(name)) {
    takeUp(view, name, stage);
    return;
  }
  switch (name) {
    case "link":
      view.linked = !view.linked;
      return;
    case "snap":
      if (registration) view.reference = { ...registration };
      return;
    case "cells":
    case "heat":
      view[name] = cells.length > 0 && !view[name];
      return;
    case "colours":
      view.colours = view.colours === "height" ? "relief" : "height";
      return;
    case "clear":
      layDown(view);
  }
}

/** Take a tool into the hand; the one that is in it is laid down, and what it laid is gone. Marks stay. */
function takeUp(view, name, stage) {
  if (view.tool === name) {
    layDown(view);
    return;
  }
  view.tool = name;
  if (name === "profile" && !view.profile) firstLine(view, stage);
}

function layDown(view) {
  if (view.tool !== "mark") {
    for (const laid of view.tool ? [view.tool] : ["measure", "angle", "profile"]) view[laid] = null;
  }
  if (!view.measure) view.measured_on = null;
  view.tool = null;
}
