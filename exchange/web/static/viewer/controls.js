// The buttons and sliders around the stage, and every word that they say.

import { made } from "./made.js";
import { LIE_FLAT, MODES, SLIDERS, TOOLS } from "./names.js";

/** English defaults; the attribute data-text-<key> of the element replaces one, {names} in it are filled in. */
export const TEXTS = {
  "query": "Query", "reference": "Reference",
  "stage": "Comparison stage. Drag to move, wheel or plus and minus to zoom, square brackets to turn, arrows to nudge.",
  "divider": "Dividing line", "view": "View", "split": "Split", "side-by-side": "Side by side", "overlay": "Overlay",
  "difference": "Difference", "tilted": "3-D", "link": "Linked", "snap": "Snap to registration", "reset": "Reset", "cells": "Cells",
  "heat": "Correlation", "correlation": "Correlation of cells",
  "tools": "Tools", "measure": "Distance", "angle": "Angle", "profile": "Profile", "mark": "Marks",
  "colours": "Height colours", "form": "Filtered",
  "azimuth": "Light from", "elevation": "Light height",
  "exaggeration": "Slopes ×", "contrast": "Contrast", "mix": "Query to reference",
  "loading": "Loading both scans…", "failed": "The comparison cannot be shown: {reason}",
  "no-webgl2": "this browser draws no WebGL 2. Another browser, or its hardware acceleration, may help.",
  "lost": "The graphics card was lost; the stage comes back as soon as the browser has it again.",
  "fallback": "The picture that the node drew stands in place of the stage.",
  "fallback-picture": "Both scans in one registered frame, drawn by the node",
  "no-filtered": "There is no filtered form of one of these scans; both are shown as measured.",
  "registered": "On the registration.", "off": "{distance} and {angle}° off the registration.",
  "unregistered": "Not registered.", "free": "Free: the specimen under the pointer moves alone.",
  "lit": "Light from {azimuth}°, {elevation}° high, slopes × {exaggeration}.",
  "field": "{field} across.", "congruent": "{congruent} of {cells} cells congruent.",
  "measured": "Distance {distance}.",
  "step": "Height difference {step} µm.",
  "measure-hint": "Drag across the stage to measure, or press arrow keys to measure from its middle.",
  "angle-hint": "Drag from the corner along one leg, then drag the other; by keys: arrows, Enter, arrows.",
  "profile-hint": "Drag a line across the stage; its heights are drawn below.",
  "mark-hint": "Click to mark a point, drag to ring a place; Enter marks the middle of the view.",
  "angle-measured": "Angle {angle}°.", "profile-laid": "Profile along {length}.", "marked": "Marks: {count}.",
  "chart": "Height profile of both specimens. Arrow keys move the cross-hair, Enter pins it.",
  "chart-hint": "Point at the chart to read it, click to measure from there.", "close-profile": "Close the profile",
  "grey": "grey", "not-measured": "not measured",
  "read": "At {at}: {query} {first}, {reference} {second}.",
  "from-pin": "{at} from the pin: {query} {first}, {reference} {second}.",
  "marks": "Marks on the stage", "new-mark": "Kind of the next mark",
  "agreement": "Agreement", "disagreement": "Disagreement", "note": "Note", "undo": "Undo",
  "mark-kind": "Kind of mark {number}", "mark-text": "Words of mark {number}", "mark-remove": "Delete mark {number}",
  "mark-placeholder": "What is seen here",
  "raw-shown": "Heights as measured.", "filtered-shown": "Heights filtered.",
  "heights": "Heights ×", "heights-times": "Heights × {heights}",
  "tilted-by": "Tilted by {tilt}°, turned by {turn}°, heights × {heights}; lengths across the screen are true.",
  "tilted-hint": "Drag or press arrow keys to turn and tilt, drag with Shift to move. Tools and cells are in the flat views.",
  "overlay-query": "Green: brighter on {name}.", "overlay-reference": "Magenta: brighter on {name}.",
  "overlay-both": "Grey: alike on both, darker where one was measured alone.", "overlay-one": "{name} alone.",
  "difference-query": "Red: {name} is higher.", "difference-reference": "Blue: {name} is higher.",
  "difference-both": "White: level with each other.",
  "grey-query": "Red: {name} is brighter.", "grey-reference": "Blue: {name} is brighter.",
  "grey-both": "White: of one brightness.",
  "gap": "Not measured along the line: {share} % of {name}.",
};

export function texts(element) {
  return (key, filled = {}) => {
    const said = element.getAttribute(`data-text-${key}`) ?? TEXTS[key] ?? key;
    return said.replace(/\{(\w+)\}/g, (whole, name) => filled[name] ?? whole);
  };
}

const KEYS = { "split": "1", "side-by-side": "2", "overlay": "3", "difference": "4",
  "tilted": "5", "link": "L", "snap": "R", "reset": "0",
  "cells": "C", "heat": "X", "colours": "H", "form": "F", "measure": "M", "angle": "A", "profile": "P", "mark": "N" };
const ACTS = ["link", "snap", "reset", "cells", "heat", "colours", "form"];
const SLIDERS_OF = { mix: "overlay", heights: "tilted" }; // of one mode alone
const PRESSED = ["link", "cells", "heat", "colours", "form", ...TOOLS];

/** Build the element's inside. `command(name)` for a button, `slide(name, value)` for a slider. */
export function buildControls(element, text, { command, slide }) {
  const button = (name, extra) => {
    const keys = { "aria-keyshortcuts": KEYS[name], "title": `${text(name)} (${KEYS[name]})` };
    const node = made("button", { type: "button", "data-command": name, ...keys, ...extra }, text(name));
    node.addEventListener("click", () => command(name));
    return node;
  };
  const modes = made("div", { class: "ffp-segments", role: "group", "aria-label": text("view") },
    ...MODES.map((mode) => button(mode, { "aria-pressed": "false" })));
  const pressed = (name) => button(name, PRESSED.includes(name) ? { "aria-pressed": "false" } : {});
  const acts = made("div", { class: "ffp-acts" }, ...ACTS.map(pressed));
  const tools = made("div", { class: "ffp-segments", role: "group", "aria-label": text("tools") }, ...TOOLS.map(pressed));
  const sliders = made("div", { class: "ffp-sliders" }, ...Object.entries(SLIDERS).map(([name, [min, max, step]]) => {
    const input = made("input", { type: "range", name, min, max, step });
    const value = made("output", {});
    input.addEventListener("input", () => slide(name, Number(input.value)));
    return made("label", { "data-slider": name }, made("span", {}, text(name)), input, value);
  }));
  const picture = made("canvas", { class: "ffp-picture", "aria-hidden": "true" });
  const overlay = made("canvas", { class: "ffp-overlay", "aria-hidden": "true" });
  const divider = made("div", { class: "ffp-divider", role: "separator", tabindex: "0", "aria-orientation": "vertical",
    "aria-label": text("divider"), "aria-valuemin": "0", "aria-valuemax": "100" });
  const stage = made("div", { class: "ffp-stage", tabindex: "0", role: "application", "aria-label": text("stage") },
    picture, overlay, divider);
  const status = made("p", { class: "ffp-status", role: "status" });
  const toolbar = made("div", { class: "ffp-toolbar" }, modes, acts, tools);
  const table = made("div", { class: "ffp-table" }, stage);
  element.replaceChildren(toolbar, table, sliders, status);
  return { stage, table, picture, overlay, divider, status, sliders };
}

/** Bring buttons and sliders to a view. */
export function showControls(element, view, { registered, hasCells, locale }) {
  const pressed = { link: view.linked, cells: view.cells, heat: view.heat, colours: view.colours === "height",
    form: view.form === "filtered", ...Object.fromEntries(TOOLS.map((tool) => [tool, view.tool === tool])) };
  for (const node of element.querySelectorAll(".ffp-toolbar button[data-command]")) {
    const name = node.dataset.command;
    if (MODES.includes(name)) node.setAttribute("aria-pressed", String(view.mode === name));
    else if (name in pressed) node.setAttribute("aria-pressed", String(pressed[name]));
    if (name === "snap") node.hidden = !registered;
    node.disabled = (name === "snap" && !registered) || (["cells", "heat"].includes(name) && !hasCells)
      || (view.mode === "tilted" && LIE_FLAT.includes(name));
  }
  const values = { azimuth: view.light.azimuth_deg, elevation: view.light.elevation_deg, exaggeration: view.exaggeration,
    contrast: view.contrast, mix: view.mix, heights: view.tilt.heights };
  for (const label of element.querySelectorAll("[data-slider]")) {
    const name = label.dataset.slider;
    const value = values[name];
    const shown = name === "mix" ? value * 100 : value;
    const unit = { azimuth: "°", elevation: "°", mix: " %" }[name] ?? "";
    label.querySelector("input").value = value;
    label.querySelector("output").textContent = shown.toLocaleString(locale, { maximumFractionDigits: 2 }) + unit;
    label.hidden = view.mode !== (SLIDERS_OF[name] ?? view.mode);
  }
}
