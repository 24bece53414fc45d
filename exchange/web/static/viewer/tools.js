// What is laid on the stage by its points: a distance, an angle, a profile line, marks. Each function changes the view
// that it is given; places are CSS pixels on a stage {width, height}, points are on the stage in micrometres.
//
//   measure  [x, y, x, y]             from, to
//   profile  [x, y, x, y]             from, to
//   angle    [x, y, x, y(, x, y)]     corner, end of the first leg, end of the second
//   marks    [{kind, x_um, y_um, radius_um, text}]: a point, or a ring where the radius is not 0

import { fromScreen, toScreen } from "./frame.js";
import { MOST_MARKS } from "./mark-data.js";
import { here, onStage, paneAt, scaleOf } from "./moves.js";

const GRAB_PX = 12;
const LEAST_RING_PX = 6;

const pairs = (flat) => (flat ?? []).reduce((found, _, i) => (i % 2 ? found : [...found, [flat[i], flat[i + 1]]]), []);

/** The points of the tool in hand. */
export function pointsOf(view) {
  return view.tool === "mark" ? view.marks.map((mark) => [mark.x_um, mark.y_um]) : pairs(view[view.tool]);
}

function put(view, index, [x, y]) {
  if (view.tool === "mark") Object.assign(view.marks[index], { x_um: x, y_um: y });
  else [view[view.tool][2 * index], view[view.tool][2 * index + 1]] = [x, y];
}

function placeOn(view, stage, at, pane = paneAt(view, stage, at)) {
  return fromScreen(view.camera, scaleOf(view, stage), pane.middle, at);
}

/**
 * A hand comes down at a place and begins to move: the point that is there is taken, else something new begins. Returns
 * what is held: {index, ring: whether a new mark grows into a ring}, or null where nothing can be.
 */
export function take(view, stage, at, kind) {
  const pane = paneAt(view, stage, at);
  const points = pointsOf(view);
  const near = points.findLastIndex((point) => {
    const [x, y] = toScreen(view.camera, scaleOf(view, stage), pane.middle, point);
    return Math.hypot(x - at[0], y - at[1]) <= GRAB_PX;
  });
  if (near >= 0) return { index: near, ring: false };
  const place = placeOn(view, stage, at);
  if (view.tool === "mark") return addMark(view, place, kind) ? { index: view.marks.length - 1, ring: true } : null;
  if (view.tool === "angle" && points.length === 2) {
    view.angle.push(...place);
    return { index: 2, ring: false };
  }
  view[view.tool] = [...place, ...place];
  return { index: 1, ring: false };
}

/** The held point goes where the hand is, through the camera of the pane that it came down in. */
export function hold(view, stage, held, start, now) {
  const place = placeOn(view, stage, now, paneAt(view, stage, start));
  if (held.ring) {
    const mark = view.marks[held.index];
    const radius = Math.hypot(place[0] - mark.x_um, place[1] - mark.y_um);
    mark.radius_um = radius * scaleOf(view, stage) < LEAST_RING_PX ? 0 : radius;
    return;
  }
  put(view, held.index, place);
  if (view.tool === "measure") view.measured_on = alone(view, stage, start, now);
}

/** The one specimen that both ends of what is measured lie on, where they do. */
function alone(view, stage, start, now) {
  const [first, last] = [start, now].map((at) => paneAt(view, stage, at));
  return first.sides.length === 1 && first.show === last.show ? ["query", "reference"][first.sides[0]] : null;
}

/** A mark at a point; false where there are as many as there may be. */
export function addMark(view, [x, y], kind) {
  if (view.marks.length >= MOST_MARKS) return false;
  view.marks.push({ kind, x_um: x, y_um: y, radius_um: 0, text: "" });
  return true;
}

/** A click marks the point under it. */
export function markAt(view, stage, at, kind) {
  return addMark(view, at ? placeOn(view, stage, at) : here(view), kind);
}

/** A line across the middle of the view, to be seen at once and then moved by its ends. */
export function firstLine(view, stage) {
  const pane = paneAt(view, stage, null);
  const half = 0.3 * Math.min(stage.width, view.mode === "side-by-side" ? stage.width / 2 : stage.width);
  const ends = [-half, half].map((across) => [pane.middle[0] + across, pane.middle[1]]);
  view.profile = ends.flatMap((at) => fromScreen(view.camera, scaleOf(view, stage), pane.middle, at));
}

/** By keys: the point at `index` moves; where there is none yet, two begin in the middle of the view. Returns the index. */
export function step(view, stage, index, dx, dy) {
  const by = onStage(view, stage, dx, dy);
  if (view.tool !== "mark" && !view[view.tool]) {
    view[view.tool] = [...here(view), ...here(view)];
    if (view.tool === "measure") view.measured_on = null;
  }
  const points = pointsOf(view);
  const at = Math.min(index ?? points.length - 1, points.length - 1);
  if (at < 0) return null;
  put(view, at, [points[at][0] + by[0], points[at][1] + by[1]]);
  return at;
}

/** By keys: the next point is in hand; the second leg of an angle begins at its corner. Returns its index. */
export function next(view, index) {
  const points = pointsOf(view);
  if (!points.length) return null;
  if (view.tool === "angle" && points.length === 2) {
    view.angle.push(view.angle[0], view.angle[1]);
    return 2;
  }
  return ((index ?? points.length - 1) + 1) % points.length;
}

/** Between both legs, 0 to 180 degrees; null while there is one alone. */
export function angleOf(flat) {
  if (flat?.length !== 6) return null;
  const [corner, one, other] = pairs(flat);
  const [a, b] = [one, other].map((end) => Math.atan2(end[1] - corner[1], end[0] - corner[0]));
  const between = (Math.abs(a - b) * 180) / Math.PI;
  return between > 180 ? 360 - between : between;
}
