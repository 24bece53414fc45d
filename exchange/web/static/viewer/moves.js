// What hands do to a view: each function changes the view that it is given. Places and steps are CSS pixels on a stage
// {width, height}.
//
// Linked, both specimens move as one: the camera does. Free, the specimen under the pointer moves alone: the reference
// by its pose; the query by the camera, with the reference moved back by as much.
//
// Tilted, a hand that drags turns and tilts the stage, both specimens alike; with Shift it moves what lies there, as flat.

import { fromScreen, movedPose, TILT_DEG, turned, untilted, upTo180 } from "./frame.js";
import { panesOf } from "./panes.js";
import { clamped, FIELD_UM } from "./view.js";

const LINKED_KEY_STEPS = 12; // keys move a specimen finely, and the whole view coarsely
const DEGREES_A_PIXEL = 0.35; // a drag across half of the stage turns it by a quarter or more
const isTilted = (view) => view.mode === "tilted";

export const scaleOf = (view, stage) => stage.width / view.camera.field_um;
export const here = (view) => [view.camera.x_um, view.camera.y_um];
export const onStage = (view, stage, dx, dy) =>
  turned(dx / scaleOf(view, stage), dy / scaleOf(view, stage), -view.camera.angle_deg);

export function paneAt(view, stage, place) {
  const panes = panesOf(view, stage.width, stage.height);
  const holds = ({ right, bottom }) => // beyond the stage's edge a hand is still in the pane that it left
    (place[0] < right || right === stage.width) && (place[1] < bottom || bottom === stage.height);
  return (place && panes.find(holds)) ?? panes.at(-1);
}

/** The side that moves alone: 0 the query, 1 the reference; null while both are linked. */
function freeSide(view, stage, place) {
  return view.linked ? null : paneAt(view, stage, place).sides.at(-1);
}

export function pan(view, stage, dx, dy, place, shifted = false) {
  if (isTilted(view) && !shifted) {
    tilt(view, -dx * DEGREES_A_PIXEL, -dy * DEGREES_A_PIXEL); // what is in front follows the hand
    return;
  }
  const [x, y] = onStage(view, stage, ...(isTilted(view) ? untilted(view.tilt, [dx, dy]) : [dx, dy]));
  const side = freeSide(view, stage, place);
  if (side !== null) view.reference = movedPose(view.reference, { by: side ? [x, y] : [-x, -y] });
  if (side !== 1) Object.assign(view.camera, { x_um: view.camera.x_um - x, y_um: view.camera.y_um - y });
}

/** Turn a tilted stage around the middle of each pane, and tilt it further. */
function tilt(view, turnedBy, tiltedBy) {
  view.tilt.turn_deg = upTo180(view.tilt.turn_deg + turnedBy);
  view.tilt.tilt_deg = clamped(view.tilt.tilt_deg + tiltedBy, TILT_DEG);
}

export function turn(view, stage, degrees, place) {
  if (isTilted(view)) {
    tilt(view, degrees, 0);
    return;
  }
  const side = freeSide(view, stage, place);
  if (side !== null) {
    view.reference = movedPose(view.reference, { degrees: side ? degrees : -degrees, around: here(view) });
  }
  if (side !== 1) view.camera.angle_deg = upTo180(view.camera.angle_deg + degrees);
}

/** What lies under the place stays there; without a place, what lies in the middle. */
export function zoom(view, stage, factor, place) {
  const { middle } = paneAt(view, stage, place);
  const at = place && isTilted(view) ? beforeTilted(view.tilt, middle, place) : (place ?? middle);
  const before = fromScreen(view.camera, scaleOf(view, stage), middle, at);
  view.camera.field_um = clamped(view.camera.field_um / factor, FIELD_UM);
  const after = fromScreen(view.camera, scaleOf(view, stage), middle, at);
  view.camera.x_um += before[0] - after[0];
  view.camera.y_um += before[1] - after[1];
}

/** Where what lies under a place of a tilted stage lay while it was flat. */
function beforeTilted(tilt, middle, place) {
  const [x, y] = untilted(tilt, [place[0] - middle[0], place[1] - middle[1]]);
  return [middle[0] + x, middle[1] + y];
}

/** A step by keys: of the view, or of a specimen; of a tilted stage, in degrees. */
export function nudge(view, stage, dx, dy) {
  if (isTilted(view)) {
    tilt(view, -dx, -dy);
    return;
  }
  const steps = view.linked ? LINKED_KEY_STEPS : 1;
  pan(view, stage, steps * dx, steps * dy, null);
}
