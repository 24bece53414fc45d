// One frame: the panes of a view, the pictures in them, and what lies over these.

import { AT_REST, screenToValue } from "./frame.js";
import { drawOverlay, legendOf } from "./overlay.js";
import { panesOf } from "./panes.js";
import { towardsLight } from "./view.js";

/**
 * Draw a view. `parts`: {stage, overlay}; `facts`: {surfaces, cells, unit, locale, names, cursor, text, top: how much of
 * the stage lies under the tools, moving: whether a hand has not let go yet}; `density`: canvas pixels of the picture to a
 * CSS pixel. Lines and words over it are always sharp.
 */
export function drawStage(parts, shading, view, facts, density) {
  const { clientWidth: width, clientHeight: height } = parts.stage;
  const scale = width / view.camera.field_um;
  const poses = [AT_REST, view.reference];
  const { surfaces } = facts;
  const panes = panesOf(view, width, height).map((pane) => {
    const maps = poses.map((pose, side) => screenToValue(view.camera, scale, pane.middle, pose, surfaces[side]));
    return { ...pane, columns: maps.map((map) => map.slice(0, 3)), rows: maps.map((map) => map.slice(3)) };
  });
  const range = rangeOf(surfaces);
  const light = towardsLight(view.light);
  const lit = view.mode !== "difference" && surfaces.some((surface) => !surface.photograph);
  const amplitude = (range[1] - range[0]) / 2;
  const isTilted = view.mode === "tilted";
  const look = {
    light,
    exaggeration: view.exaggeration,
    contrast: view.contrast,
    mix: view.mix,
    colours: view.colours === "height",
    range,
    difference: amplitude,
    turns: poses.map((pose) => pose.angle_deg + view.camera.angle_deg),
    photographs: surfaces.map((surface) => surface.photograph),
    tilt: view.tilt,
    moving: facts.moving,
  };
  if (isTilted) {
    const sided = panes.map((pane) => {
      const [side] = pane.sides;
      return { ...pane, side, surface: surfaces[side], pose: poses[side], camera: view.camera, scale };
    });
    shading.drawTilted(width, height, density, sided, look);
  } else shading.draw(width, height, density, panes, look);
  const { overlay } = parts;
  const sharp = Math.max(density, window.devicePixelRatio);
  const size = [Math.round(width * sharp), Math.round(height * sharp)];
  if (overlay.width !== size[0] || overlay.height !== size[1]) [overlay.width, overlay.height] = size;
  const context = overlay.getContext("2d");
  context.setTransform(sharp, 0, 0, sharp, 0, 0);
  drawOverlay(context, {
    ...facts,
    width,
    height,
    panes,
    scale,
    poses,
    camera: view.camera,
    cells: (view.cells || view.heat) && !isTilted ? facts.cells : null,
    heat: view.heat,
    laid: isTilted ? null : view,
    light: lit ? light : null,
    heights: isTilted && lit ? view.tilt.heights : null,
    bars: barsOf(view, facts, range, amplitude),
    legend: legendOf(view, surfaces),
  });
}

/** The bars of colours that a view needs. */
function barsOf(view, { surfaces, cells }, range, amplitude) {
  const correlated = view.heat && cells.length && view.mode !== "tilted" ? { low: 0, high: 1, kind: "correlation" } : null;
  return [barOf(view, surfaces, range, amplitude), correlated].filter(Boolean);
}

/** That of heights, of which photographs have none, or of what they differ by; or null. */
function barOf(view, surfaces, range, amplitude) {
  if (view.mode === "difference") {
    const kinds = new Set(surfaces.map((surface) => surface.photograph));
    if (kinds.size > 1) return null; // heights less levels of grey are nothing
    return { low: -amplitude, high: amplitude, kind: "difference", grey: kinds.has(true) };
  }
  const coloured = view.colours === "height" && view.mode !== "overlay";
  if (!coloured || surfaces.every((surface) => surface.photograph)) return null;
  return { low: range[0], high: range[1], kind: "heights" };
}

/** One scale of heights for both sides: each above its own median. */
function rangeOf(surfaces) {
  const shown = surfaces.filter((surface) => !surface.photograph);
  if (!shown.length) return [-127, 128];
  const low = Math.min(...shown.map((surface) => surface.low - surface.median));
  const high = Math.max(...shown.map((surface) => surface.high - surface.median));
  return high > low ? [low, high] : [low - 0.5, low + 0.5];
}
