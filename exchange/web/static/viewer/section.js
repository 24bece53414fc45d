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

/** What a chart of the view shows: see `Chart.show`. Null where no line is laid, or one without length. */
export function profilesOf(view, { surfaces, names, unit, locale }) {
  if (!view.profile || lengthOf(view.profile) === 0) return null;
  const count = samplesAlong(view.profile, surfaces);
  const poses = [AT_REST, view.reference];
  const found = levelled(surfaces.map((surface, side) => sectionOf(surface, poses[side], view.profile, count)));
  const sides = found.map((values, side) => ({ values, kind: surfaces[side].photograph ? "grey" : "height" }));
  return { length: lengthOf(view.profile), unit, locale, names, sides };
}
