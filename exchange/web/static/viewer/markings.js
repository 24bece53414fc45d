// Draws what people laid on the stage: a distance, an angle, a profile line, marks. The same in each pane.

import { toScreen } from "./frame.js";
import { INK, lengthText, MARKS, MEASURE, outlined, plate, TEXT } from "./ink.js";
import { angleOf } from "./tools.js";

const SHOWN_TEXT = 32;

/** `scene`: as of `drawOverlay`. */
export function drawMarkings(context, scene, pane) {
  const at = (x, y) => toScreen(scene.camera, scene.scale, pane.middle, [x, y]);
  const { measure, angle, profile, marks, tool } = scene.laid;
  marks.forEach((mark, i) => drawMark(context, mark, i + 1, at(mark.x_um, mark.y_um), mark.radius_um * scene.scale));
  if (profile) drawProfileLine(context, scene, [at(...profile.slice(0, 2)), at(...profile.slice(2))], tool === "profile");
  if (angle) drawAngle(context, scene, angle, at, tool === "angle");
  if (measure) drawMeasure(context, scene, measure, [at(...measure.slice(0, 2)), at(...measure.slice(2))]);
}

function drawMeasure(context, scene, [x1, y1, x2, y2], ends) {
  const [[sx, sy], [ex, ey]] = ends;
  const long = Math.hypot(ex - sx, ey - sy) || 1;
  const [nx, ny] = [((ey - sy) / long) * 6, (-(ex - sx) / long) * 6];
  outlined(context, () => {
    context.beginPath();
    context.moveTo(sx, sy);
    context.lineTo(ex, ey);
    for (const [px, py] of ends) {
      context.moveTo(px - nx, py - ny);
      context.lineTo(px + nx, py + ny);
    }
  }, MEASURE);
  const distance = lengthText(Math.hypot(x2 - x1, y2 - y1), scene, 4, Infinity);
  plate(context, distance, (sx + ex) / 2, (sy + ey) / 2 - 16, "center", MEASURE);
}

function drawAngle(context, scene, flat, at, inHand) {
  const [corner, one, other] = [0, 2, 4].map((i) => (i < flat.length ? at(flat[i], flat[i + 1]) : null));
  const ends = [one, other].filter(Boolean);
  outlined(context, () => {
    context.beginPath();
    for (const end of ends) {
      context.moveTo(...corner);
      context.lineTo(...end);
    }
  }, MEASURE);
  if (inHand) [corner, ...ends].forEach((point) => drawHandle(context, point, MEASURE));
  const degrees = angleOf(flat);
  if (degrees === null) return;
  const [a, b] = ends.map((end) => Math.atan2(end[1] - corner[1], end[0] - corner[0]));
  const radius = Math.min(36, 0.6 * Math.min(...ends.map((end) => Math.hypot(end[0] - corner[0], end[1] - corner[1]))));
  const clockwise = (((b - a) % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI) <= Math.PI;
  outlined(context, () => {
    context.beginPath();
    context.arc(...corner, radius, a, b, !clockwise);
  }, MEASURE, 1.5);
  const middle = Math.atan2(Math.sin(a) + Math.sin(b), Math.cos(a) + Math.cos(b));
  const said = `${degrees.toLocaleString(scene.locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })}°`;
  plate(context, said, corner[0] + Math.cos(middle) * (radius + 30), corner[1] + Math.sin(middle) * (radius + 18),
    "center", MEASURE);
}

/** From its ring to its arrow; a dot where the chart is read. */
function drawProfileLine(context, scene, [from, to], inHand) {
  const along = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const wing = (turn) => [to[0] - 11 * Math.cos(along + turn), to[1] - 11 * Math.sin(along + turn)];
  outlined(context, () => {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.moveTo(...wing(0.45));
    context.lineTo(...to);
    context.lineTo(...wing(-0.45));
  }, TEXT, 1.5);
  drawHandle(context, from, TEXT);
  if (inHand) drawHandle(context, to, TEXT);
  if (scene.cursor === null) return;
  const read = [0, 1].map((i) => from[i] + scene.cursor * (to[i] - from[i]));
  context.fillStyle = MEASURE;
  context.strokeStyle = INK;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(...read, 5, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}

function drawHandle(context, [x, y], colour) {
  outlined(context, () => {
    context.beginPath();
    context.arc(x, y, 5, 0, 2 * Math.PI);
  }, colour, 1.5);
}

/** A ring or a cross of its kind, dashed for a disagreement; its number and what was written beside it. */
function drawMark(context, mark, number, [x, y], radius) {
  const colour = MARKS[mark.kind];
  context.setLineDash(mark.kind === "disagreement" ? [6, 4] : []);
  outlined(context, () => {
    context.beginPath();
    if (radius > 0) context.arc(x, y, radius, 0, 2 * Math.PI);
    else tick(context, x, y, mark.kind);
  }, colour);
  context.setLineDash([]);
  const text = mark.text.length > SHOWN_TEXT ? `${mark.text.slice(0, SHOWN_TEXT - 1)}…` : mark.text;
  const beside = radius > 0 ? radius * Math.SQRT1_2 : 8;
  plate(context, text ? `${number}  ${text}` : String(number), x + beside + 10, y - beside - 8, "left", colour);
}

/** Agreement: a plus; disagreement: a cross; a note: a square. */
function tick(context, x, y, kind) {
  const lines = {
    agreement: [[-9, 0, 9, 0], [0, -9, 0, 9]],
    disagreement: [[-7, -7, 7, 7], [7, -7, -7, 7]],
    note: [[-6, -6, 6, -6], [6, -6, 6, 6], [6, 6, -6, 6], [-6, 6, -6, -6]],
  }[kind];
  for (const [x1, y1, x2, y2] of lines) {
    context.moveTo(x + x1, y + y1);
    context.lineTo(x + x2, y + y2);
  }
}
