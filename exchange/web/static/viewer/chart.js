// The chart below the stage: both profiles along one line, on one scale where they are of one kind, and a cross-hair.

import { INK, lengthText, MEASURE, SIDES, TEXT } from "./ink.js";
import { made } from "./made.js";
import { missingShare } from "./section.js";

const SVG = "http://www.w3.org/2000/svg";
const LEAST_HEIGHT = 96;
const EDGE = { left: 64, right: 64, top: 12, bottom: 30 };
const GRID = "#3a414c";
const QUIET = "#aab2be";
const GROUND = "#15181d";
const STRIP = 12; // how tall the hatching of a gap of one specimen alone is
const LEAST_GAP = 2; // in pixels: a point that is missing here and there is no gap
const LEAST_SAID = 0.005; // of the line
const LETTER = 6.2; // how wide a letter of the words in a gap is, on average

function drawn(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Round steps that cut a range into about `parts`. */
export function ticksOf(low, high, parts) {
  const rough = (high - low) / parts;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/**
 * A chart that is read by the pointer and by keys: arrows move the cross-hair, Home and End too, Enter pins it, so that
 * steps are measured from there. `moved(share)` is told where along the line it stands, `closed()` that it is not wanted.
 */
export class Chart {
  #shown = null;
  #cursor = null;
  #pin = null;

  constructor(text, { moved, closed }, signal) {
    this.#text = text;
    this.#moved = moved;
    this.plot = made("div", { "class": "ffp-plot", "tabindex": "0", "role": "slider", "aria-label": text("chart"),
      "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0" });
    this.readout = made("p", { class: "ffp-readout" });
    const close = made("button", { type: "button", title: text("close-profile"), "aria-label": text("close-profile") }, "×");
    close.addEventListener("click", closed);
    this.legend = made("div", { class: "ffp-legend" });
    this.node = made("section", { class: "ffp-chart", "aria-label": text("profile"), hidden: "" },
      made("div", { class: "ffp-chart-head" }, this.legend, this.readout, close), this.plot);
    this.plot.addEventListener("pointermove", (event) => this.#to(this.#shareAt(event)), { signal });
    // not "click": that is lost where the chart is drawn anew between the button's way down and up
    this.plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#to(this.#shareAt(event));
      this.#pinHere();
    }, { signal });
    this.plot.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  #text;
  #moved;

  /** Where along the line it is read, 0 to 1; null while nobody does. */
  get cursor() {
    return this.#shown && this.#cursor;
  }

  /**
   * `shown`: null for nothing, or {length, unit, locale, names, sides: [{values, kind: "height" or "grey", gaps: from
   * `gapsOf`}]}: the values of each side at even steps along the line.
   */
  show(shown) {
    this.#shown = shown;
    this.node.hidden = shown === null;
    if (!shown) this.#pin = this.#cursor = null;
    else this.#draw();
  }

  /** As an element of its own, with the names of both sides; null while nothing is shown. */
  drawing() {
    const svg = this.#shown && this.plot.querySelector("svg");
    if (!svg) return null;
    const whole = svg.cloneNode(true);
    this.#shown.names.forEach((name, side) => whole.append(drawn("text", { "x": EDGE.left + 8 + side * 320, "y": 24,
      "fill": SIDES[side], "font-weight": 600 }, name)));
    return whole;
  }

  /** As a file of its own: {svg, width, height}; null while nothing is shown. */
  picture() {
    const whole = this.drawing();
    if (!whole) return null;
    whole.setAttribute("xmlns", SVG);
    const { width, height } = whole.viewBox.baseVal;
    return { svg: new XMLSerializer().serializeToString(whole), width, height };
  }

  #draw() {
    const width = Math.max(320, this.plot.clientWidth);
    const height = Math.max(LEAST_HEIGHT, this.plot.clientHeight);
    const { length, names, sides } = this.#shown;
    const inner = { width: width - EDGE.left - EDGE.right, height: height - EDGE.top - EDGE.bottom };
    const x = (share) => EDGE.left + share * inner.width;
    const y = rangesOf(sides).map(([low, high]) => (value) => EDGE.top + (1 - (value - low) / (high - low)) * inner.height);
    const svg = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true",
      "font-family": "system-ui, sans-serif", "font-size": 12 }, drawn("rect", { width, height, fill: GROUND }));
    this.#axes(svg, { width, inner, x, y, length });
    this.#gaps(svg, { x, inner });
    sides.forEach(({ values }, side) => {
      const d = pathOf(values, (i) => x(i / (values.length - 1)), y[side]);
      svg.append(drawn("path", { d, "fill": "none", "stroke": SIDES[side], "stroke-width": 1.75, "stroke-linejoin": "round" }));
    });
    this.#hair(svg, { x, y, inner });
    this.plot.replaceChildren(svg);
    this.legend.replaceChildren(...names.map((name, side) => {
      const swatch = drawn("svg", { width: 22, height: 10, "aria-hidden": "true" },
        drawn("line", { x1: 0, x2: 22, y1: 5, y2: 5, "stroke": SIDES[side], "stroke-width": 3 }));
      return made("span", {}, swatch, name);
    }));
    this.#say();
  }

  #axes(svg, { width, inner, x, y, length }) {
    const { unit, locale, sides } = this.#shown;
    const number = (value, most = 2) => value.toLocaleString(locale, { maximumFractionDigits: most });
    const line = (x1, y1, x2, y2) => svg.append(drawn("line", { x1, y1, x2, y2, "stroke": GRID, "stroke-width": 1 }));
    const words = (text, at, more = {}) => svg.append(drawn("text", { x: at[0], y: at[1], fill: QUIET, ...more }, text));
    const bottom = EDGE.top + inner.height;
    for (const tick of ticksOf(0, length, width / 110)) {
      line(x(tick / length), EDGE.top, x(tick / length), bottom);
      words(number(tick), [x(tick / length), bottom + 15], { "text-anchor": "middle" });
    }
    words(unit === "um" ? "µm" : "px", [width - EDGE.right + 8, bottom + 15]);
    const ranges = rangesOf(sides);
    const apart = sides[0].kind !== sides[1].kind;
    ranges.slice(0, apart ? 2 : 1).forEach(([low, high], side) => {
      const left = side === 0;
      for (const tick of ticksOf(low, high, 4)) {
        if (left) line(EDGE.left, y[side](tick), width - EDGE.right, y[side](tick));
        const at = [left ? EDGE.left - 8 : width - EDGE.right + 8, y[side](tick) + 4];
        words(number(tick, 3), at, { "text-anchor": left ? "end" : "start", ...(apart ? { fill: SIDES[side] } : {}) });
      }
      const name = sides[side].kind === "height" ? "µm" : this.#text("grey");
      words(name, [left ? 8 : width - 8, EDGE.top + 4], { "text-anchor": left ? "start" : "end" });
    });
  }

  /**
   * Where nothing was measured: hatched over the whole height where it was on neither specimen, else in the colour of the
   * one that lacks it, above for the query and below for the reference.
   */
  #gaps(svg, { x, inner }) {
    const { sides, names } = this.#shown;
    const [query, reference] = sides.map(({ gaps }) => gaps);
    const both = overlapOf(query, reference);
    const bottom = EDGE.top + inner.height;
    const stretches = [
      ...both.map((gap) => ({ gap, top: EDGE.top, tall: inner.height, colour: QUIET, said: this.#text("not-measured") })),
      ...[query, reference].flatMap((gaps, side) => gaps.flatMap((gap) => without(gap, both)).map((gap) => ({
        gap, top: side ? bottom - STRIP : EDGE.top, tall: STRIP, colour: SIDES[side],
        said: `${names[side]}: ${this.#text("not-measured")}`,
      }))),
    ];
    for (const { gap, top, tall, colour, said } of stretches) {
      const [from, to] = gap.map(x);
      if (to - from < LEAST_GAP) continue;
      svg.append(drawn("rect", { x: from, y: top, width: to - from, height: tall, fill: GROUND }),
        drawn("path", { "class": "ffp-gap", "d": hatching(from, top, to - from, tall), "stroke": colour, "stroke-width": 1,
          "fill": "none", "opacity": 0.75 }));
      this.#wordsIn(svg, said, [from, to], top + tall / 2, colour);
    }
  }

  /** Words in the middle of a stretch, on the ground; the short ones where the long ones have no room, or none. */
  #wordsIn(svg, said, [from, to], middle, colour) {
    const words = [said, this.#text("not-measured")].find((one) => one.length * LETTER + 8 <= to - from);
    if (!words) return;
    const wide = words.length * LETTER + 8;
    svg.append(drawn("rect", { x: (from + to - wide) / 2, y: middle - 7, width: wide, height: 14, fill: GROUND }),
      drawn("text", { "x": (from + to) / 2, "y": middle + 4, "fill": colour, "font-size": 11, "text-anchor": "middle" }, words));
  }

  /** How much of the line was not measured, in whole sentences; "" where all of it was. */
  #missing() {
    const { sides, names, locale } = this.#shown;
    return sides.map(({ gaps }, side) => {
      const share = missingShare(gaps);
      if (share < LEAST_SAID) return "";
      const percent = (100 * share).toLocaleString(locale, { maximumFractionDigits: 0 });
      return this.#text("gap", { name: names[side], share: `${percent} %` });
    }).filter(Boolean).join(" ");
  }

  #hair(svg, { x, y, inner }) {
    const bottom = EDGE.top + inner.height;
    for (const [share, colour, dash] of [[this.#pin, MEASURE, "4 3"], [this.#cursor, TEXT, ""]]) {
      if (share === null) continue;
      const at = x(share);
      svg.append(drawn("line", { "x1": at, "x2": at, "y1": EDGE.top, "y2": bottom, "stroke": colour, "stroke-width": 1,
        "stroke-dasharray": dash }));
      this.#valuesAt(share).forEach((value, side) => {
        if (!Number.isFinite(value)) return;
        svg.append(drawn("circle", { cx: at, cy: y[side](value), r: 4, fill: SIDES[side], stroke: INK }));
      });
    }
  }

  #valuesAt(share) {
    return this.#shown.sides.map(({ values }) => values[Math.round(share * (values.length - 1))]);
  }

  /** What the cross-hair reads, in whole sentences; of a pinned place also how far everything is from it. */
  #say() {
    const { length, unit, locale, names, sides } = this.#shown;
    const share = this.#cursor;
    this.plot.setAttribute("aria-valuenow", String(Math.round(100 * (share ?? 0))));
    if (share === null) {
      const hint = [this.#missing(), this.#text("chart-hint")].filter(Boolean).join(" ");
      this.readout.textContent = hint;
      this.plot.setAttribute("aria-valuetext", hint);
      return;
    }
    const signed = (value, side) => {
      if (!Number.isFinite(value)) return this.#text("not-measured");
      const digits = { signDisplay: "exceptZero", minimumFractionDigits: 2, maximumFractionDigits: 2 };
      return `${value.toLocaleString(locale, digits)}${sides[side].kind === "height" ? " µm" : ""}`;
    };
    const along = (part) => lengthText(part * length, { unit, locale }, 4, Infinity);
    const now = this.#valuesAt(share);
    const filled = { at: along(share), query: names[0], reference: names[1], first: signed(now[0], 0),
      second: signed(now[1], 1) };
    let said = this.#text("read", filled);
    if (this.#pin !== null) {
      const then = this.#valuesAt(this.#pin);
      const from = { at: along(Math.abs(share - this.#pin)), query: names[0], reference: names[1],
        first: signed(now[0] - then[0], 0), second: signed(now[1] - then[1], 1) };
      said = `${said} ${this.#text("from-pin", from)}`;
    }
    this.readout.textContent = said;
    this.plot.setAttribute("aria-valuetext", said);
  }

  #shareAt(event) {
    const box = this.plot.getBoundingClientRect();
    return (event.clientX - box.left - EDGE.left) / (box.width - EDGE.left - EDGE.right);
  }

  #to(share) {
    if (!this.#shown) return;
    this.#cursor = Math.min(1, Math.max(0, share));
    this.#draw();
    this.#moved(this.#cursor);
  }

  #pinHere() {
    if (!this.#shown || this.#cursor === null) return;
    this.#pin = this.#pin === this.#cursor ? null : this.#cursor;
    this.#draw();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = this.#cursor ?? 0.5;
    const step = event.shiftKey ? 0.05 : 0.005;
    const to = { ArrowLeft: now - step, ArrowDown: now - step, ArrowRight: now + step, ArrowUp: now + step, Home: 0, End: 1 };
    if (event.key in to) this.#to(this.#cursor === null && event.key.startsWith("Arrow") ? now : to[event.key]);
    else if (event.key === "Enter") this.#pinHere();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** One range for both sides where they are of one kind, with a little air; with more where the hatching of gaps stands. */
function rangesOf(sides) {
  const range = (shown) => {
    const found = shown.flatMap(({ values }) => Array.from(values).filter(Number.isFinite));
    const [low, high] = [Math.min(0, ...found), Math.max(0, ...found)];
    const air = (sides.some(({ gaps }) => gaps.length) ? 0.18 : 0.06) * (high - low) || 0.5;
    return [low - air, high + air];
  };
  if (sides[0].kind !== sides[1].kind) return sides.map((side) => range([side]));
  const shared = range(sides);
  return [shared, shared];
}

/** A line that is broken where nothing was measured. */
function pathOf(values, x, y) {
  let [d, pen] = ["", false];
  values.forEach((value, i) => {
    if (Number.isFinite(value)) d += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = Number.isFinite(value);
  });
  return d;
}

/** Where two lists of gaps both are. */
function overlapOf(one, other) {
  return one.flatMap(([from, to]) => other
    .map(([start, end]) => [Math.max(from, start), Math.min(to, end)])
    .filter(([start, end]) => end > start));
}

/** What is left of a gap without others. */
function without(gap, others) {
  return others.reduce((left, [start, end]) => left.flatMap(([from, to]) =>
    [[from, Math.min(to, start)], [Math.max(from, end), to]].filter(([a, b]) => b > a)), [gap]);
}

/** Slanting lines over a rectangle, none beyond it: no pattern, which would need a name on the page. */
function hatching(left, top, width, height) {
  let d = "";
  for (let at = -height; at < width; at += 6) {
    const [from, to] = [Math.max(0, at), Math.min(width, at + height)];
    d += `M${(left + from).toFixed(1)} ${(top + height - (from - at)).toFixed(1)}`;
    d += `L${(left + to).toFixed(1)} ${(top + height - (to - at)).toFixed(1)}`;
  }
  return d;
}
