// <ffp-comparison>: the virtual comparison microscope. Attributes, events and words: see the class.

import { actsOf } from "./viewer/acts.js";
import { Bench } from "./viewer/bench.js";
import { Chart } from "./viewer/chart.js";
import { buildControls, showBench, showControls, texts } from "./viewer/controls.js";
import { Fitting } from "./viewer/fitting.js";
import { AT_REST, centredPose, registrationOf } from "./viewer/frame.js";
import { listen, listenDivider, listenKeys } from "./viewer/gestures.js";
import { Hand } from "./viewer/hand.js";
import { History } from "./viewer/history.js";
import { Keeping } from "./viewer/keeping.js";
import { openKeys } from "./viewer/keys-dialog.js";
import { made } from "./viewer/made.js";
import { MarkList } from "./viewer/marks.js";
import { placedCells } from "./viewer/overlay.js";
import { Pace } from "./viewer/pace.js";
import { pictureOf } from "./viewer/print.js";
import { profilesOf } from "./viewer/section.js";
import { Shading } from "./viewer/shading.js";
import { usualHeights } from "./viewer/relief.js";
import { drawStage } from "./viewer/stage.js";
import { fetchSurfaces, formOf } from "./viewer/surface.js";
import { clamped, firstView, mergedView, slid } from "./viewer/view.js";
import { reasonOf, statusOf } from "./viewer/words.js";

const SETTLED_MS = 140;
const TYPICAL_SLOPE = 0.28; // as the picture of a candidate exaggerates
const FLATTEST_SLOPE = 0.015; // beyond this, noise would be exaggerated
const FINEST = 2; // canvas pixels to a CSS pixel
const LAID_NOTHING = { tool: null, measure: null, measured_on: null, angle: null, profile: null, marks: [] };

/**
 * Attributes: `query-heights`, `reference-heights` (addresses); `comparison`, the matcher's own JSON, or in its place
 * `registration` {dx_um, dy_um, angle_deg}, the reference's pose on the query (see frame.js), `cells` (the matcher's),
 * `cells-on` (a or b) and `cell-size-um`; `cells-later`, the address of the matcher's JSON with cells, where there are none
 * yet; `query-is`, which of the matcher's scans the query is, a by default; `label-query`, `label-reference`; `view`, a
 * saved view; `fallback`, the address of a picture for where there is no WebGL 2; `keep`, the name under which what is not
 * saved is kept in this tab; `data-text-*`.
 * Sets `data-state` (loading, ready, lost, fallback, failed), `data-ready-ms` and `data-drawn`, the pixels of the last
 * picture. Fires `ffp-state` {state} and, when a change has settled, `ffp-view`, whose detail is the view: JSON that the
 * property and the attribute `view` take back. Inside of a workbench (see bench.js) it is the stage of that.
 */
class Comparison extends HTMLElement {
  static observedAttributes = ["query-heights", "reference-heights", "comparison", "registration", "cells", "cells-on",
    "cell-size-um", "query-is", "view"];

  #view = firstView();
  #start = null;
  #surfaces = null;
  #registration = null;
  #cells = [];
  #given = null;
  #busy = false;
  #moving = false;
  #touched = false;
  #note = "";
  #text = texts(this);
  #hand = new Hand();
  #history = new History();
  #pace = new Pace();
  #charted = ""; // what the chart shows
  #underTools = 0; // how much of the stage, in CSS pixels

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    const { onStage, onList, command } = actsOf(this.#desk());
    this.#bench = new Bench(this, () => showBench(this, this.#bench), signal);
    const can = (name) => this.#bench.can(name);
    this.#parts = buildControls(this, this.#text, {
      command,
      can,
      slide: (name, value) => this.#move(() => {
        slid(this.#view, name, value);
        this.#touched ||= ["exaggeration", "heights"].includes(name);
      }),
    });
    showBench(this, this.#bench);
    this.#fitting = new Fitting(this.#parts);
    this.#chart = new Chart(this.#text, {
      moved: () => this.#redraw(),
      closed: () => this.#change(() => Object.assign(this.#view, { profile: null, tool: null })),
    }, signal);
    this.#parts.table.after(this.#chart.node);
    this.#marks = new MarkList(this.#text, onList);
    this.#parts.extras.prepend(this.#marks.kinds);
    if (this.#bench.marks) this.#bench.marks.replaceChildren(this.#marks.node);
    else this.#parts.table.append(this.#marks.node);
    listen(this.#parts.stage, onStage, signal);
    listenKeys(this.#parts.stage, { can, command, onStage: () => this.#bench.keysOnStage }, signal);
    listenDivider(this.#parts.divider, this.#parts.stage, {
      share: () => this.#view.divider,
      busy: (busy) => this.#setBusy(busy),
      moved: (share) => this.#move(() => { this.#view.divider = clamped(share, [0, 1]); }),
    }, signal);
    const observer = new ResizeObserver(() => this.#resized());
    for (const part of [this.#parts.stage, this.#parts.toolbar, this.#chart.plot]) observer.observe(part);
    signal.addEventListener("abort", () => observer.disconnect());
    this.#parts.picture.addEventListener("webglcontextlost", (event) => this.#lost(event), { signal });
    this.#parts.picture.addEventListener("webglcontextrestored", () => this.#restored(), { signal });
    try {
      this.#shading = new Shading(this.#parts.picture);
    } catch (error) {
      if (error.message === "no-webgl2") this.#fallBack();
      else this.#fail(error);
      return;
    }
    this.#read();
    if (this.hasAttribute("view")) this.view = this.getAttribute("view");
    this.#keeping = new Keeping(this, this.#text);
    this.#given ??= this.#keeping.takeUp(this.#parts.extras, this.#locale, () => this.#discard());
    this.#load();
  }

  disconnectedCallback() {
    this.#end.abort();
    this.#marks.node.remove();
    this.#loading?.abort();
    this.#shading?.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  attributeChangedCallback(name) {
    if (!this.#shading) return;
    if (name.endsWith("-heights")) {
      this.#surfaces = null;
      this.#load();
    } else if (name === "view") this.view = this.getAttribute("view");
    else {
      this.#read();
      this.#redraw();
    }
  }

  get view() {
    return structuredClone(this.#view);
  }

  set view(given) {
    const parsed = typeof given === "string" ? parsedJson(given) : given;
    if (!this.#surfaces) {
      this.#given = parsed;
      return;
    }
    const form = this.#view.form;
    this.#hand.empty();
    this.#change(() => { this.#view = mergedView({ ...this.#view, ...structuredClone(LAID_NOTHING) }, parsed); });
    this.#touched = true;
    if (this.#view.form !== form) this.#load();
  }

  /** What is shown is saved elsewhere: nothing of it need be kept here. */
  saved() {
    this.#keeping.need(this.#view);
    this.#keeping.forget();
  }

  /** The stage as a PNG with all that lies over it, and the profile: for a report. `most`: its width. A Blob. */
  picture({ most = Infinity } = {}) {
    return this.still((stage) => pictureOf(stage, most));
  }

  /**
   * What `take` makes of the stage as it is, to be drawn anew by it; null while nothing is drawn. It is given {parts,
   * draw(density): in canvas pixels to a CSS pixel, chart, said: what is shown, in words, marks: [{kind, words}]}.
   */
  still(take) {
    if (this.dataset.state !== "ready" || !this.#parts.stage.clientWidth) return null;
    const taken = take({
      parts: this.#parts,
      draw: (density) => this.#drawNow(density, 0, false),
      chart: this.#chart,
      said: statusOf({ ...this.#view, tool: null }, { ...this.#facts(), onPaper: true }, this.#text),
      marks: this.#view.marks.map(({ kind, text }) => ({ kind: this.#text(kind), words: text })),
    });
    this.#redraw();
    return taken;
  }

  #end = null;
  #bench = null;
  #fitting = null;
  #keeping = null;
  #parts = null;
  #chart = null;
  #marks = null;
  #shading = null;
  #loading = null;
  #settling = 0;
  #frame = 0;

  #read() {
    const comparison = parsedJson(this.getAttribute("comparison")) ?? {};
    const query = this.getAttribute("query-is") === "b" ? "b" : "a";
    const registration = parsedJson(this.getAttribute("registration"));
    this.#registration = registration ? { ...AT_REST, ...registration } : registrationOf(comparison, query);
    const cells = parsedJson(this.getAttribute("cells")) ?? comparison.cells ?? [];
    const on = this.getAttribute("cells-on") ?? comparison.cells_on ?? "a";
    const size = Number(this.getAttribute("cell-size-um") ?? comparison.cell_size_um ?? 0);
    this.#cells = size > 0 ? placedCells(cells, { on, size, query, registration: this.#registration }) : [];
  }

  async #load() {
    const addresses = ["query-heights", "reference-heights"].map((name) => this.getAttribute(name));
    this.#loading?.abort();
    if (addresses.some((address) => !address)) return;
    const loading = (this.#loading = new AbortController());
    const started = performance.now();
    this.#state("loading");
    this.#parts.status.textContent = this.#text("loading");
    const first = this.#surfaces === null;
    if (first) this.#view.form = this.#given?.form ?? formOf(addresses[0]);
    try {
      const { surfaces, form } = await fetchSurfaces(addresses, this.#view.form, loading.signal);
      this.#note = form === this.#view.form ? "" : this.#text("no-filtered");
      this.#view.form = form;
      this.#surfaces = surfaces;
      this.#charted = "";
      const slopes = this.#surfaces.map((surface, side) => this.#shading.load(side, surface));
      this.#settle(first, slopes);
      this.#underTools = this.#fitting.underAll;
      this.#drawNow();
      this.#shading.finish();
    } catch (error) {
      if (!loading.signal.aborted) this.#fail(error);
      return;
    }
    this.dataset.readyMs = String(Math.round(performance.now() - started));
    this.#state("ready");
    this.#tell();
    this.#changed();
  }

  /** What follows from the surfaces: where the view starts, and how much slopes are exaggerated. */
  #settle(first, slopes) {
    const shaded = slopes.filter((_, side) => !this.#surfaces[side].photograph);
    const typical = Math.max(...shaded, FLATTEST_SLOPE);
    if (!this.#touched) {
      slid(this.#view, "exaggeration", Math.round((2 * TYPICAL_SLOPE) / typical) / 2 || 0.5);
      slid(this.#view, "heights", usualHeights(typical));
      for (const part of ["exaggeration", "tilt"]) this.#followed(part);
    }
    if (!first) return;
    this.#view.reference = { ...(this.#registration ?? centredPose(...this.#surfaces)) };
    this.#fitting.fit(this.#view, this.#surfaces);
    this.#start = structuredClone({ ...this.#view, ...LAID_NOTHING });
    this.#keeping.need(this.#start);
    if (this.#given) this.#view = mergedView(this.#view, this.#given);
    if (!this.#given?.camera) this.#fit(); // side by side, each specimen has half of the stage
    this.#touched ||= this.#given !== null;
    this.#given = null;
    this.#history.begin(this.#view);
  }

  #fit() {
    this.#fitting.fit(this.#view, this.#surfaces);
    this.#followed("camera");
  }

  /** A part of the view is another by itself: nobody did that, and nobody need undo or keep it. */
  #followed(part) {
    this.#history.followed(this.#view, part);
    this.#keeping.followed(this.#view, part);
  }

  /** Something around the stage opened, closed or grew. */
  #resized() {
    if (this.#surfaces) {
      const fitted = this.#fitting.holds(this.#view);
      this.#fitting.resized(this.#view, this.#surfaces);
      this.#history.followed(this.#view, "camera");
      if (fitted) this.#keeping.followed(this.#view, "camera");
    }
    this.#charted = "";
    this.#redraw();
  }

  /** What acts on this element's state: see acts.js. */
  #desk() {
    const element = this;
    return {
      hand: this.#hand,
      get view() { return element.#view; },
      get size() { return element.#fitting.size; },
      get facts() { return { stage: this.size, registration: element.#registration, cells: element.#cells }; },
      change: (act) => this.#change(act),
      move: (act) => this.#move(act),
      busy: (busy) => this.#setBusy(busy),
      undo: () => this.#change(() => this.#step("undo")),
      redo: () => this.#change(() => this.#step("redo")),
      reset: () => this.#change(() => {
        const { mode, form, marks } = this.#view;
        this.#view = { ...structuredClone(this.#start), mode, form, marks };
        this.#fit();
      }),
      form: (form) => {
        if (!this.#surfaces) return;
        this.#view.form = form;
        this.#load();
      },
      write: (index) => {
        this.#bench.showPanel();
        this.#marks.show(this.#view, this.#hand);
        this.#marks.focus(index); // at once: whoever goes on typing means the mark
      },
      around: (name) => this.#around(name),
    };
  }

  /** What is done to the workbench, and to nothing that lies on it. */
  #around(name) {
    switch (name) {
      case "light": return this.#turnLight();
      case "full": return this.#bench.turnFull();
      case "panel": return this.#bench.turnPanel();
      case "keys":
        return openKeys(this, this.#text, {
          can: (command) => this.#bench.can(command),
          onStage: this.#bench.keysOnStage,
          choose: (wanted) => { this.#bench.keysOnStage = wanted; },
        });
      default: return this.#bench.go(name);
    }
  }

  #turnLight() {
    const { sliders, toolbar } = this.#parts;
    sliders.hidden = !sliders.hidden;
    toolbar.querySelector("[data-command=light]").setAttribute("aria-expanded", String(!sliders.hidden));
  }

  #step(way) {
    this.#hand.empty();
    this.#history[way](this.#view);
  }

  /** What was kept is not wanted: the stage is as it was at first. */
  #discard() {
    this.#change(() => {
      const { mode, form } = this.#view;
      this.#hand.empty();
      this.#view = { ...structuredClone(this.#start), mode, form };
      this.#fit();
    });
    this.#parts.stage.focus();
  }

  #setBusy(busy) {
    this.#busy = busy;
    if (busy) this.#pace.begin();
    this.toggleAttribute("data-dragging", busy);
    if (busy) this.#redraw();
    else if (this.#surfaces) this.#changed();
  }

  #change(act) {
    if (!this.#surfaces) return;
    const { mode } = this.#view;
    const fitted = this.#fitting.holds(this.#view);
    act();
    if (fitted && this.#fitting.holds(this.#view) && this.#view.mode !== mode) this.#fit();
    this.#changed();
  }

  /** As a change, one of many that follow each other fast. */
  #move(act) {
    if (!this.#moving && !this.#busy) this.#pace.begin();
    this.#moving = true;
    this.#change(act);
  }

  #changed() {
    this.#redraw();
    this.toggleAttribute("data-settling", true);
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#settled(), SETTLED_MS);
  }

  #settled() {
    this.#moving = false;
    if (!this.#busy) {
      this.#history.settled(this.#view);
      this.#keeping.settled(this.#view);
    }
    this.#redraw();
    this.#tell();
    this.toggleAttribute("data-settling", false);
    this.dispatchEvent(new CustomEvent("ffp-view", { detail: this.view, bubbles: true }));
  }

  #redraw() {
    if (this.#surfaces) this.#frame ||= requestAnimationFrame((now) => { this.#frame = 0; this.#drawFrame(now); });
  }

  #drawFrame(now) {
    const moves = this.#busy || this.#moving;
    if (moves) this.#pace.frame(now);
    else this.#underTools = this.#fitting.underAll;
    this.#drawNow(Math.min(window.devicePixelRatio, FINEST) * (moves ? this.#pace.share : 1));
  }

  get #locale() {
    return this.closest("[lang]")?.lang || undefined;
  }

  #facts() {
    const unit = this.#surfaces.every((surface) => surface.measured) ? "um" : "px";
    const names = ["query", "reference"].map((name) => this.getAttribute(`label-${name}`) ?? this.#text(name));
    return {
      names,
      unit,
      registration: this.#registration,
      cells: this.#cells,
      surfaces: this.#surfaces,
      note: this.#note,
      text: this.#text,
      cursor: this.#chart.cursor,
      locale: this.#locale,
    };
  }

  #tell() {
    const said = statusOf(this.#view, this.#facts(), this.#text);
    const { status } = this.#parts;
    if (this.dataset.state !== "ready" || status.textContent === said) return;
    status.textContent = said;
    status.title = said; // where there is no room for all of it
  }

  /** `top`: how much of the stage lies under the tools; `moving`: a hand has not let go yet. */
  #drawNow(
    density = Math.min(window.devicePixelRatio, FINEST), top = this.#underTools, moving = this.#busy || this.#moving,
  ) {
    const { stage, divider, picture } = this.#parts;
    this.#marks.show(this.#view, this.#hand);
    if (!this.#surfaces || !stage.clientWidth || !stage.clientHeight) return;
    if (["failed", "lost"].includes(this.dataset.state)) return;
    const facts = { ...this.#facts(), top, moving };
    this.#drawChart(facts);
    drawStage(this.#parts, this.#shading, this.#view, facts, density);
    this.dataset.drawn = `${picture.width}x${picture.height}`;
    divider.hidden = this.#view.mode !== "split";
    divider.style.left = `${this.#view.divider * 100}%`;
    divider.setAttribute("aria-valuenow", String(Math.round(this.#view.divider * 100)));
    const { registration, cells, locale } = facts;
    showControls(this, this.#view, { registered: registration !== null, hasCells: cells.length > 0, locale,
      history: this.#history });
  }

  /** The profiles are those of before for as long as their line, the poses and the heights are, and the stage is flat. */
  #drawChart(facts) {
    const { profile, reference, form, mode } = this.#view;
    const charted = profile && JSON.stringify([profile, reference, form, mode === "tilted"]);
    if (charted === this.#charted) return;
    this.#charted = charted;
    this.#chart.show(profilesOf(this.#view, facts));
  }

  /** Drivers are updated and cards fall asleep: what was drawn is drawn again once there is a context. */
  #lost(event) {
    event.preventDefault(); // else it is never restored
    this.#parts.status.textContent = this.#text("lost");
    this.#state("lost");
  }

  #restored() {
    this.#shading.prepare();
    this.#surfaces?.forEach((surface, side) => this.#shading.load(side, surface));
    this.#state(this.#surfaces ? "ready" : "loading");
    this.#drawNow();
    this.#tell();
  }

  #fallBack() {
    const address = this.getAttribute("fallback");
    if (!address) return this.#fail(new Error("no-webgl2"));
    const picture = made("img", { class: "ffp-fallback", src: address, alt: this.#text("fallback-picture") });
    this.#parts.stage.replaceWith(picture);
    const bench = ["full", "panel"];
    for (const button of this.querySelectorAll("button, input")) button.disabled = !bench.includes(button.dataset.command);
    this.#parts.status.textContent = [this.#text("failed", { reason: this.#text("no-webgl2") }), this.#text("fallback")].join(" ");
    this.#state("fallback");
  }

  #fail(error) {
    this.#parts.status.textContent = this.#text("failed", { reason: reasonOf(error, this.#text) });
    this.#state("failed");
  }

  #state(state) {
    this.dataset.state = state;
    this.setAttribute("aria-busy", String(state === "loading"));
    this.dispatchEvent(new CustomEvent("ffp-state", { detail: { state }, bubbles: true }));
  }
}

function parsedJson(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

customElements.define("ffp-comparison", Comparison);
