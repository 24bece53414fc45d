// The height profile of a specimen along a line of the stage: numbers alone.

import { AT_REST, fromStage } from "./frame.js";
import { heightBetween } from "./surface.js";

const MOST_SAMPLES = 1200;

/** So many samples that none of both surfaces' values along the line is passed over. */
export function samplesAlong(line, surfaces) {
  const long = lengthOf(line);
  const finest = Math.min(...surfaces.flatMap((surface) => [surface.pitchX, surface.pitchY]));
  return Math.max(2, Math.min(MOST_SAMPLES, Math.ceil(long / finest) + 1));
}

export function lengthOf([x1, y1, x2, y2]) {
  return Math.hypot(x2 - x1, y2 - y1);
}

/**
 * Values along [x, y, x, y] on the stage: Float64Array of `count`, NaN where nothing was measured; micrometres, or grey
 * levels of a photograph.
 */
export function sectionOf(surface, pose, [x1, y1, x2, y2], count) {
  return Float64Array.from({ length: count }, (_, i) => {
    const share = i / (count - 1);
    return heightBetween(surface, ...fromStage(pose, [x1 + share * (x2 - x1), y1 + share * (y2 - y1)]));
  });
}

/**
 * Both profiles on one zero: each above its own mean where both were measured, else where it was itself. What a scan
 * calls zero is its instrument's choice.
 */
export function levelled(sections) {
  const both = sections[0].map((_, i) => (sections.every((section) => section[i] === section[i]) ? 1 : 0));
  const shared = both.some(Boolean);
  return sections.map((section) => {
    const counted = section.filter((value, i) => value === value && (!shared || both[i]));
    const mean = counted.reduce((sum, value) => sum + value, 0) / (counted.length || 1);
    return section.map((value) => value - mean);
  });
}

/**
 * Where along a profile nothing was measured: [[from, to], ...], shares of its length between the last value before and
 * the first one after.
 */
export function gapsOf(values) {
  const gaps = [];
  const last = values.length - 1;
  for (let i = 0; i <= last; i++) {
    if (Number.isFinite(values[i])) continue;
    const from = i;
    while (i < last && !Number.isFinite(values[i + 1])) i++;
    gaps.push([Math.max(0, from - 1) / last, Math.min(last, i + 1) / last]);
  }
  return gaps;
}

/** How much of the line these gaps are, 0 to 1. */
export function missingShare(gaps) {
  return gaps.reduce((sum, [from, to]) => sum + to - from, 0);
}

/**
 * What a chart of the view shows: see `Chart.show`. Null where no line is laid, or one without
 * length, and while the stage is tilted, where no line is seen.
 */
export function profilesOf(view, { surfaces, names, unit, locale }) {
  if (!view.profile || view.mode === "tilted" || lengthOf(view.profile) === 0) return null;
  const count = samplesAlong(view.profile, surfaces);
  const poses = [AT_REST, view.reference];
  const found = levelled(surfaces.map((surface, side) => sectionOf(surface, poses[side], view.profile, count)));
  const sides = found.map((values, side) => ({ values, kind: surfaces[side].photograph ? "grey" : "height",
    gaps: gapsOf(values) }));
  return { length: lengthOf(view.profile), unit, locale, names, sides };
}
