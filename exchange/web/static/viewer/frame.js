// Where things lie. Three frames, all with x to the right and y downwards, angles from +x towards +y (clockwise):
//
//   scan    micrometres from a scan's first point
//   stage   the query's scan frame; the reference lies in it by its pose
//   screen  CSS pixels from the top left of the stage element, through the camera
//
// A pose {dx_um, dy_um, angle_deg} puts the reference's point q at R(angle) q + (dx, dy) on the stage. The query's pose
// is zero. A camera {x_um, y_um, field_um, angle_deg} shows the stage's point (x, y) in the middle of a pane, turned by
// its angle, with field_um micrometres across the whole stage element.

export const AT_REST = Object.freeze({ dx_um: 0, dy_um: 0, angle_deg: 0 });

const RADIANS = Math.PI / 180;

/** A vector turned by degrees from +x towards +y. */
export function turned(x, y, degrees) {
  const cosine = Math.cos(degrees * RADIANS);
  const sine = Math.sin(degrees * RADIANS);
  return [x * cosine - y * sine, x * sine + y * cosine];
}

export function toStage(pose, [x, y]) {
  const [tx, ty] = turned(x, y, pose.angle_deg);
  return [tx + pose.dx_um, ty + pose.dy_um];
}

export function fromStage(pose, [x, y]) {
  return turned(x - pose.dx_um, y - pose.dy_um, -pose.angle_deg);
}

/** The pose after the specimen was turned around a point of the stage, then moved. */
export function movedPose(pose, { degrees = 0, around = [0, 0], by = [0, 0] }) {
  const [dx, dy] = turned(pose.dx_um - around[0], pose.dy_um - around[1], degrees);
  return { dx_um: dx + around[0] + by[0], dy_um: dy + around[1] + by[1], angle_deg: upTo180(pose.angle_deg + degrees) };
}

export function upTo180(degrees) {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}

/**
 * The reference's pose by the matcher's own comparison of scan a with scan b.
 *
 * There a point p on a, (y, x), is expected at centre_b_um + R (p - centre_a_um) + shift_um on b, where R turns by
 * rotation_deg from +x towards +y. `query` says which of the two the stage calls the query.
 */
export function registrationOf(comparison, query) {
  const { rotation_deg: degrees, shift_um: shift, centre_a_um: a, centre_b_um: b } = comparison;
  if (degrees === undefined || !shift || !a || !b) return null;
  const onB = [b[1] + shift[1], b[0] + shift[0]];
  const onA = [a[1], a[0]];
  const [from, to, angle] = query === "a" ? [onB, onA, -degrees] : [onA, onB, degrees];
  const [x, y] = turned(from[0], from[1], angle);
  return { dx_um: to[0] - x, dy_um: to[1] - y, angle_deg: upTo180(angle) };
}

/** A camera on panes: `middle` is where on the screen the camera's point is shown, `scale` CSS pixels a micrometre. */
export function toScreen(camera, scale, middle, [x, y]) {
  const [sx, sy] = turned(x - camera.x_um, y - camera.y_um, camera.angle_deg);
  return [middle[0] + sx * scale, middle[1] + sy * scale];
}

export function fromScreen(camera, scale, middle, [x, y]) {
  const [sx, sy] = turned((x - middle[0]) / scale, (y - middle[1]) / scale, -camera.angle_deg);
  return [camera.x_um + sx, camera.y_um + sy];
}

/**
 * From a pixel of the screen to a value of a surface, as (xx, xy, x0, yx, yy, y0): column = xx sx + xy sy + x0,
 * row = yx sx + yy sy + y0.
 */
export function screenToValue(camera, scale, middle, pose, surface) {
  const at = (sx, sy) => {
    const [x, y] = fromStage(pose, fromScreen(camera, scale, middle, [sx, sy]));
    return [(x - surface.left) / surface.pitchX, (y - surface.top) / surface.pitchY];
  };
  const origin = at(0, 0);
  const right = at(1, 0);
  const down = at(0, 1);
  return [right[0] - origin[0], down[0] - origin[0], origin[0], right[1] - origin[1], down[1] - origin[1], origin[1]];
}

/**
 * From a value of a surface to CSS pixels from a pane's middle, as (xx, xy, x0, yx, yy, y0): x = xx column + xy row + x0.
 */
export function valueToScreen(camera, scale, pose, surface) {
  const at = (column, row) => {
    const place = [surface.left + column * surface.pitchX, surface.top + row * surface.pitchY];
    return toScreen(camera, scale, [0, 0], toStage(pose, place));
  };
  const origin = at(0, 0);
  const right = at(1, 0);
  const down = at(0, 1);
  return [right[0] - origin[0], down[0] - origin[0], origin[0], right[1] - origin[1], down[1] - origin[1], origin[1]];
}

/** How far a stage may be tilted: beyond, one ridge hides all that lies behind it. */
export const TILT_DEG = [0, 75];

/**
 * What lies on a tilted stage {tilt_deg, turn_deg} under a point, as it lay before the stage was turned and tilted. Both
 * in CSS pixels from the pane's middle. There is no perspective: lengths across the screen stay true.
 */
export function untilted(tilt, [x, y]) {
  return turned(x, y / Math.cos(tilt.tilt_deg * RADIANS), -tilt.turn_deg);
}

/** The camera that shows all that was measured of these [surface, pose] in a pane of this size, in CSS pixels. */
export function fittingCamera(placed, pane, stageWidth) {
  const points = placed.flatMap(([surface, pose]) => surface.rim.map((place) => toStage(pose, place)));
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = 0.94 * Math.min(pane.width / (right - left || 1), pane.height / (bottom - top || 1));
  return { x_um: (left + right) / 2, y_um: (top + bottom) / 2, field_um: stageWidth / scale, angle_deg: 0 };
}

/** Centres laid on each other: where the reference starts while nobody registered it. */
export function centredPose(query, reference) {
  const middle = (surface) => [
    surface.left + ((surface.width - 1) * surface.pitchX) / 2,
    surface.top + ((surface.height - 1) * surface.pitchY) / 2,
  ];
  const [q, r] = [middle(query), middle(reference)];
  return { dx_um: q[0] - r[0], dy_um: q[1] - r[1], angle_deg: 0 };
}
