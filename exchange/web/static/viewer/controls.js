// The buttons and sliders around the stage, and every word that they say.

import { icon } from "./icons.js";
import { shownKey } from "./keys.js";
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
  "show": "What is shown", "light": "Light", "bench": "Workbench",
  "redo": "Redo", "full": "Full screen", "panel": "Side panel", "keys": "All keys",
  "keys-pairs": "Pairs", "keys-shown": "What is shown", "keys-moves": "Move and turn", "keys-tools": "Measure and mark",
  "keys-bench": "Workbench", "next-pair": "Next pair", "previous-pair": "The pair before",
  "turn-left": "Turn to the left", "turn-right": "Turn to the right", "zoom-in": "Closer", "zoom-out": "Farther",
  "nudge-left": "To the left", "nudge-right": "To the right", "nudge-up": "Up", "nudge-down": "Down",
  "next": "Next point; a mark in the middle", "delete": "Delete the mark in hand", "clear": "Lay the tool down",
  "keys-hint": "Arrows, Enter, Delete and Esc act while the stage has the focus. With Shift, steps are larger.",
  "keys-on-stage": "All keys act only while the stage has the focus", "close": "Close",
  "kept": "Kept from {time}, not saved.", "discard": "Start afresh",
  "loading": "Loading both scans…", "failed": "The comparison cannot be shown: {reason}",
  "reason-unreachable": "The node was not reached.", "reason-sign-in": "Sign in first.",
  "reason-gone": "There is no such thing here, or it is not for you.",
  "reason-unusable": "This scan cannot be shown or compared in this way.", "reason-node": "The node cannot do this.",
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
  "gap": "Not measured along the line: {share} of {name}.",
};

export function texts(element) {
  return (key, filled = {}) => {
    const said = element.getAttribute(`data-text-${key}`) ?? TEXTS[key] ?? key;
    return said.replace(/\{(\w+)\}/g, (whole, name) => filled[name] ?? whole);
  };
}

const SHOWN = ["cells", "heat", "colours"];
/** Small buttons with a sign in place of words. */
const ACTS = ["link", "snap", "reset", "undo", "redo", "full", "keys", "panel"];
const PRESSED = ["link", "full", "cells", "heat", "colours", "form", ...MODES, ...TOOLS];
const OPENING = ["light", "panel"];
const SLIDERS_OF = { mix: "overlay", heights: "tilted" }; // of one mode alone

/**
 * Build the element's inside: the tools first, then the stage. `command(name)` for a button, `slide(name, value)` for a
 * slider; `can(name)`: whether a button leads anywhere on this page.
 */
export function buildControls(element, text, { command, slide, can }) {
  const button = (name, ...inside) => {
    const key = shownKey(name);
    const state = { ...(PRESSED.includes(name) ? { "aria-pressed": "false" } : {}),
      ...(OPENING.includes(name) ? { "aria-expanded": "false" } : {}) };
    const keys = { "aria-keyshortcuts": key.replace(" ", "+"), "title": `${text(name)} (${key})` };
    const node = made("button", { type: "button", "data-command": name, ...keys, ...state },
      ...(inside.length ? inside : [text(name)]));
    node.addEventListener("click", () => command(name));
    return node;
  };
  const small = (name) => {
    const node = button(name, icon(name));
    node.setAttribute("aria-label", text(name));
    return node;
  };
  const group = (name, ...buttons) =>
    made("div", { class: "ffp-segments", role: "group", "aria-label": text(name) }, ...buttons);
  const slider = (name) => {
    const [min, max, step] = SLIDERS[name];
    const input = made("input", { type: "range", name, min, max, step });
    input.addEventListener("input", () => slide(name, Number(input.value)));
    return made("label", { "data-slider": name }, made("span", {}, text(name)), input, made("output", {}));
  };
  const lighting = Object.keys(SLIDERS).filter((name) => name !== "mix");
  const sliders = made("div", { class: "ffp-sliders", role: "group", "aria-label": text("light"), hidden: "" },
    ...lighting.map(slider), button("form"));
  const toolbar = made("div", { class: "ffp-toolbar" }, group("view", ...MODES.map((mode) => button(mode))),
    group("show", ...SHOWN.map((name) => button(name)), button("light")),
    group("tools", ...TOOLS.map((name) => button(name))));
  const mix = slider("mix");
  mix.hidden = true;
  const extras = made("div", { class: "ffp-extras" }, mix);
  const tools = made("div", { class: "ffp-tools" }, toolbar, extras, sliders);
  const acts = made("div", { class: "ffp-acts", role: "group", "aria-label": text("bench") },
    ...ACTS.filter(can).map(small));
  const picture = made("canvas", { class: "ffp-picture", "aria-hidden": "true" });
  const overlay = made("canvas", { class: "ffp-overlay", "aria-hidden": "true" });
  const divider = made("div", { class: "ffp-divider", role: "separator", tabindex: "0", "aria-orientation": "vertical",
    "aria-label": text("divider"), "aria-valuemin": "0", "aria-valuemax": "100" });
  const stage = made("div", { class: "ffp-stage", tabindex: "0", role: "application", "aria-label": text("stage") },
    picture, overlay, divider);
  const status = made("p", { class: "ffp-status", role: "status" });
  const table = made("div", { class: "ffp-table" }, stage);
  element.replaceChildren(tools, acts, table, status);
  return { stage, table, toolbar, extras, picture, overlay, divider, status, sliders };
}

/** Bring two buttons to the workbench: {open: its side panel, full: whether the screen is its own}. */
export function showBench(element, { open, full }) {
  element.querySelector("[data-command=panel]")?.setAttribute("aria-expanded", String(open));
  element.querySelector("[data-command=full]")?.setAttribute("aria-pressed", String(full));
}

/** Bring buttons and sliders to a view. `history`: {undoable, redoable}. */
export function showControls(element, view, { registered, hasCells, locale, history }) {
  const pressed = { link: view.linked, cells: view.cells, heat: view.heat,
    colours: view.colours === "height", form: view.form === "filtered",
    ...Object.fromEntries(MODES.map((mode) => [mode, view.mode === mode])),
    ...Object.fromEntries(TOOLS.map((tool) => [tool, view.tool === tool])) };
  const tilted = view.mode === "tilted";
  const idle = { snap: !registered, ...Object.fromEntries(LIE_FLAT.map((name) => [name, tilted])),
    cells: tilted || !hasCells, heat: tilted || !hasCells, undo: !history.undoable, redo: !history.redoable };
  for (const node of element.querySelectorAll("button[data-command]")) {
    const name = node.dataset.command;
    if (name in pressed) node.setAttribute("aria-pressed", String(pressed[name]));
    if (name in idle) node.disabled = idle[name];
    if (name === "snap") node.hidden = !registered;
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
