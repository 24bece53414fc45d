// One scale of colours, written twice: for the shader, and for the bar beside it. Both follow the same polynomials.

/** viridis, fitted by a polynomial of degree 6 in each channel: even steps of height are even steps to the eye. */
const VIRIDIS = [
  [0.2777273272, 0.0054073445, 0.3340998053],
  [0.1050930431, 1.4046135299, 1.3845901628],
  [-0.3308618287, 0.2148475595, 0.0950951630],
  [-4.6342304988, -5.7991009735, -19.3324409563],
  [6.2282699363, 14.1799333668, 56.6905526007],
  [4.7763849977, -13.7451453777, -65.3530326334],
  [-5.4354558559, 4.6458526122, 26.3124352496],
];

/** [r, g, b], 0 to 1, for a share of the range. */
export function heightColour(share) {
  const t = Math.min(1, Math.max(0, share));
  return [0, 1, 2].map((channel) => VIRIDIS.reduceRight((sum, row) => sum * t + row[channel], 0));
}

/** Blue where the reference is higher, red where the query is; grey where they agree. -1 to 1. */
export function differenceColour(share) {
  const t = Math.min(1, Math.max(-1, share));
  const end = t > 0 ? [0.86, 0.24, 0.2] : [0.2, 0.45, 0.9];
  return end.map((channel) => 0.9 + (channel - 0.9) * Math.abs(t));
}

/** Dark where a cell's content was not found again, bright where it was: 0 to 1; below 0 as 0. */
export function correlationColour(correlation) {
  return heightColour(correlation);
}

const row = (values) => `vec3(${values.map((value) => value.toFixed(10)).join(", ")})`;

export const COLOURS_GLSL = `
vec3 heightColour(float share) {
  float t = clamp(share, 0.0, 1.0);
  return ${VIRIDIS.map(row).join(" + t * (")}${")".repeat(VIRIDIS.length - 1)};
}
vec3 differenceColour(float share) {
  float t = clamp(share, -1.0, 1.0);
  vec3 end = t > 0.0 ? vec3(0.86, 0.24, 0.2) : vec3(0.2, 0.45, 0.9);
  return mix(vec3(0.9), end, abs(t));
}`;
