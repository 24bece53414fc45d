// What all that lies over the pictures is drawn with: colours, plates with words, lengths in words.

export const LIT = "#5edcac";
export const DIM = "rgba(170, 178, 190, 0.55)";
export const INK = "#10141a";
export const TEXT = "#eceff4";
export const PLATE = "rgba(16, 20, 26, 0.78)";
export const MEASURE = "#ffd166";
/** Of the query and of the reference in a chart: apart for every kind of colour vision. */
export const SIDES = ["#6db9e6", "#ff9f5a"];
/** By kind of mark. Their shapes differ too. */
export const MARKS = { agreement: "#5edcac", disagreement: "#ff8a7a", note: "#ffd166" };

export const NAME_FONT = "600 13px system-ui, sans-serif";

/** Words on a dark plate; `align`: which end of it stands at x. */
export function plate(context, text, x, y, align, colour) {
  context.font = NAME_FONT;
  context.textBaseline = "middle";
  context.textAlign = align;
  const width = context.measureText(text).width + 14;
  const left = align === "left" ? x - 7 : align === "right" ? x + 7 - width : x - width / 2;
  context.fillStyle = PLATE;
  context.beginPath();
  context.roundRect(left, y - 11, width, 22, 5);
  context.fill();
  context.fillStyle = colour;
  context.fillText(text, x, y + 0.5);
}

/** Stroke what `path` traces, dark below and coloured above: seen on any specimen. */
export function outlined(context, path, colour, width = 2) {
  context.strokeStyle = INK;
  context.lineWidth = width + 2;
  path();
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = width;
  path();
  context.stroke();
}

/** A length in words: micrometres, or millimetres from `millimetresFrom` on; pixels where no scale was noted. */
export function lengthText(length, { unit, locale }, digits = 4, millimetresFrom = 1000) {
  const inMillimetres = unit === "um" && length >= millimetresFrom;
  const [value, name] = inMillimetres ? [length / 1000, "mm"] : [length, unit === "um" ? "µm" : "px"];
  return `${value.toLocaleString(locale, { maximumSignificantDigits: digits })} ${name}`;
}
