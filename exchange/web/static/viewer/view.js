// What of a comparison is looked at, and how: plain data, to be saved, sent and shown again.

import { AT_REST, TILT_DEG, upTo180 } from "./frame.js";
import { marksFrom } from "./mark-data.js";
import { MODES, SLIDERS, TOOLS } from "./names.js";

/** The least and the most that the stage is across. */
export const FIELD_UM = [10, 1000000];

/** How many numbers each of these may have. */
const LAID = { measure: [4], profile: [4], angle: [4, 6] };

export function firstView() {
  return {
    version: 1,
    mode: "split",
    camera: { x_um: 0, y_um: 0, field_um: 4000, angle_deg: 0 },
    reference: { ...AT_REST },
    linked: true,
    divider: 0.5,
    mix: 0.5,
    light: { azimuth_deg: 315, elevation_deg: 35 },
    exaggeration: 1,
    contrast: 1,
    colours: "relief",
    form: "raw",
    cells: false,
    heat: false,
    tilt: { tilt_deg: 50, turn_deg: -20, heights: 10 }, // of the mode "tilted"; heights: times what they are
    tool: null, // of TOOLS: what the hand does
    measure: null, // these: see tools.js
    measured_on: null, // "query" or "reference", where both ends lie on this one alone
    angle: null,
    profile: null,
    marks: [],
  };
}

/** A view with everything of `given` that is what it must be; the rest stays as it was. Nothing given is kept. */
export function mergedView(view, given) {
  const next = structuredClone(view);
  if (typeof given !== "object" || given === null) return next;
  if (MODES.includes(given.mode)) next.mode = given.mode;
  if (["relief", "height"].includes(given.colours)) next.colours = given.colours;
  if (["raw", "filtered"].includes(given.form)) next.form = given.form;
  for (const name of ["linked", "cells", "heat"]) if (typeof given[name] === "boolean") next[name] = given[name];
  for (const group of ["camera", "reference", "tilt"]) {
    for (const name of Object.keys(next[group])) {
      if (Number.isFinite(given[group]?.[name])) next[group][name] = given[group][name];
    }
  }
  next.camera.field_um = clamped(next.camera.field_um, FIELD_UM);
  next.tilt.tilt_deg = clamped(next.tilt.tilt_deg, TILT_DEG);
  next.tilt.turn_deg = upTo180(next.tilt.turn_deg);
  if (Number.isFinite(given.divider)) next.divider = clamped(given.divider, [0, 1]);
  const light = { azimuth: given.light?.azimuth_deg, elevation: given.light?.elevation_deg };
  for (const name of Object.keys(SLIDERS)) {
    const value = light[name] ?? given.tilt?.[name] ?? given[name];
    if (Number.isFinite(value)) slid(next, name, value);
  }
  if ([null, ...TOOLS].includes(given.tool)) next.tool = given.tool;
  if (next.mode === "tilted") next.tool = null; // tools lie flat
  for (const [name, lengths] of Object.entries(LAID)) {
    const laid = given[name];
    if (laid === null) next[name] = null;
    else if (Array.isArray(laid) && lengths.includes(laid.length) && laid.every(Number.isFinite)) next[name] = [...laid];
  }
  next.marks = marksFrom(given.marks) ?? next.marks;
  if ([null, "query", "reference"].includes(given.measured_on)) next.measured_on = given.measured_on;
  return next;
}

/** Set what a slider sets. */
export function slid(view, name, value) {
  const within = clamped(value, SLIDERS[name]);
  if (name === "azimuth") view.light.azimuth_deg = within;
  else if (name === "elevation") view.light.elevation_deg = within;
  else if (name === "heights") view.tilt.heights = within;
  else view[name] = within;
}

export function clamped(value, [least, most]) {
  return Math.min(most, Math.max(least, value));
}

/** Towards the light on the screen: x right, y down, z to the eye. 0 degrees is twelve o'clock, 90 three o'clock. */
export function towardsLight({ azimuth_deg: azimuth, elevation_deg: elevation }) {
  const [a, e] = [azimuth, elevation].map((degrees) => (degrees * Math.PI) / 180);
  return [Math.sin(a) * Math.cos(e), -Math.cos(a) * Math.cos(e), Math.sin(e)];
}
