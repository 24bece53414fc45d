// Marks as plain data: how many there may be, how long their texts, and what is a mark at all.

import { KINDS } from "./names.js";

export const MOST_MARKS = 40;
export const LONGEST_TEXT = 120;

/** What of `given` is a list of marks; null where it is none. */
export function marksFrom(given) {
  if (!Array.isArray(given)) return null;
  const numbers = (mark) => [mark?.x_um, mark?.y_um, mark?.radius_um].every(Number.isFinite) && mark.radius_um >= 0;
  return given
    .filter((mark) => numbers(mark) && KINDS.includes(mark.kind) && typeof mark.text === "string")
    .slice(0, MOST_MARKS)
    .map(({ kind, x_um, y_um, radius_um, text }) => ({ kind, x_um, y_um, radius_um, text: text.slice(0, LONGEST_TEXT) }));
}
