// The status line: what is shown, in words, for those who do not see it and those who want to be sure.

import { fromStage, toStage, upTo180 } from "./frame.js";
import { legendOf, legendWords } from "./overlay.js";
import { lengthOf } from "./section.js";
import { heightAt } from "./surface.js";
import { lengthText } from "./ink.js";
import { angleOf } from "./tools.js";

/** How far a pose lies off the registration in the middle of the view: {distance_um, angle_deg}. */
export function offRegistration(view, registration) {
  const here = [view.camera.x_um, view.camera.y_um];
  const moved = toStage(view.reference, fromStage(registration, here));
  return {
    distance_um: Math.hypot(moved[0] - here[0], moved[1] - here[1]),
    angle_deg: upTo180(view.reference.angle_deg - registration.angle_deg),
  };
}

/**
 * The sentences of the status line. `facts`: {registration, cells, unit, locale, surfaces, names, note, onPaper: where no
 * hand does anything}.
 */
export function statusOf(view, facts, text) {
  const { registration, cells, locale } = facts;
  const number = (value, digits = 1) => value.toLocaleString(locale, { maximumFractionDigits: digits });
  const said = [facts.note, text(view.mode) + "."];
  if (registration) {
    const off = offRegistration(view, registration);
    const near = off.distance_um < 0.5 && Math.abs(off.angle_deg) < 0.05;
    const filled = { distance: lengthText(off.distance_um, facts, 3), angle: number(off.angle_deg) };
    said.push(near ? text("registered") : text("off", filled));
  } else {
    said.push(text("unregistered"));
  }
  if (!view.linked) said.push(text("free"));
  said.push(...legendWords(legendOf(view, facts.surfaces), facts.names, text));
  const isTilted = view.mode === "tilted";
  if (isTilted) {
    const { tilt_deg: tilt, turn_deg: turn, heights } = view.tilt;
    said.push(text("tilted-by", { tilt: number(tilt, 0), turn: number(turn, 0), heights: number(heights, 0) }));
    if (!facts.onPaper) said.push(text("tilted-hint"));
  }
  if ((view.cells || view.heat) && cells.length && !isTilted) {
    said.push(text("congruent", { congruent: cells.filter((cell) => cell.congruent).length, cells: cells.length }));
  }
  if (view.measure) said.push(...measured(view, facts, text, number));
  const degrees = angleOf(view.angle);
  if (degrees !== null) said.push(text("angle-measured", { angle: number(degrees) }));
  if (view.profile) said.push(text("profile-laid", { length: lengthText(lengthOf(view.profile), facts, 4, Infinity) }));
  if (view.marks.length) said.push(text("marked", { count: number(view.marks.length, 0) }));
  if (view.tool && !finished(view)) said.push(text(`${view.tool}-hint`));
  if (!facts.surfaces.every((surface) => surface.photograph)) {
    said.push(text(view.form === "filtered" ? "filtered-shown" : "raw-shown"));
    const light = { azimuth: number(view.light.azimuth_deg, 0), elevation: number(view.light.elevation_deg, 0) };
    said.push(text("lit", { ...light, exaggeration: number(view.exaggeration) }));
  }
  said.push(text("field", { field: lengthText(view.camera.field_um, facts, 3) }));
  return said.filter(Boolean).join(" ");
}

const REASONS = { 401: "reason-sign-in", 403: "reason-gone", 404: "reason-gone", 422: "reason-unusable" };

/** Why there is nothing to see: of an Error of the way here, with the `status` of the node's answer where there was one. */
export function reasonOf(error, text) {
  if (error.status) return text(REASONS[error.status] ?? "reason-node");
  if (error instanceof TypeError) return text("reason-unreachable"); // as fetch says it
  return text(error.message === "no-webgl2" ? "no-webgl2" : "reason-unusable");
}

/** Whether what the tool in hand lays is all there. */
function finished(view) {
  if (view.tool === "angle") return angleOf(view.angle) !== null;
  return view.tool === "mark" ? view.marks.length > 0 : view[view.tool] !== null;
}

/** The distance; and the height difference, where both ends lie on the one specimen that the line was drawn on. */
function measured(view, facts, text, number) {
  const [x1, y1, x2, y2] = view.measure;
  const side = { query: 0, reference: 1 }[view.measured_on];
  const said = [text("measured", { distance: lengthText(Math.hypot(x2 - x1, y2 - y1), facts, 4, Infinity) })];
  const surface = facts.surfaces[side];
  if (surface && !surface.photograph && surface.measured) {
    const scanPlace = (place) => (side === 0 ? place : fromStage(view.reference, place));
    const [from, to] = [[x1, y1], [x2, y2]].map((place) => heightAt(surface, ...scanPlace(place)));
    if (Number.isFinite(from) && Number.isFinite(to)) said.push(text("step", { step: number(to - from, 2) }));
  }
  return said;
}
