// The workbench around the stage: the side panel that folds, the full screen, the way to the next pair. Where there is no
// workbench, the stage is its own.

const REMEMBERED = "ffp-panel";
const FOLDED = "folded";

/** What this browser remembers; null where it remembers nothing, or may not. */
function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // forbidden by the browser: each page begins as it is made
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // forbidden, or full: it holds for this page
  }
}

const RAIL = { "next-pair": ".rail a[rel~=next]", "previous-pair": ".rail a[rel~=prev]" };
const STAGE_ONLY = "ffp-keys-on-stage";

export class Bench {
  #whole;
  #changed;

  /** `changed()`: told when the panel or the screen is another. */
  constructor(element, changed, signal) {
    this.#whole = element.closest("[data-workbench]") ?? element;
    this.#changed = changed;
    this.panel = this.#whole.querySelector("[data-panel]");
    this.marks = this.panel?.querySelector("[data-marks]") ?? null;
    const wanted = this.panel?.querySelector(":target, [role=alert]");
    if (this.panel && !wanted) this.#fold(remembered(REMEMBERED) === FOLDED);
    document.addEventListener("fullscreenchange", changed, { signal });
  }

  get open() {
    return this.panel !== null && !this.panel.hidden;
  }

  get full() {
    return document.fullscreenElement === this.#whole || "ffpFull" in document.documentElement.dataset;
  }

  /** Keys act on the stage alone: for who speaks to the computer, or whose hands tremble. */
  get keysOnStage() {
    return remembered(STAGE_ONLY) === "yes";
  }

  set keysOnStage(wanted) {
    remember(STAGE_ONLY, wanted ? "yes" : "no");
  }

  /** Whether a command leads anywhere here. */
  can(command) {
    if (command in RAIL) return document.querySelector(RAIL[command]) !== null;
    return command !== "panel" || this.panel !== null;
  }

  go(command) {
    document.querySelector(RAIL[command])?.click();
  }

  turnPanel() {
    if (!this.panel) return;
    this.#fold(this.open);
    this.#changed();
    remember(REMEMBERED, this.open ? "open" : FOLDED);
  }

  /** What is written next stands in the panel. */
  showPanel() {
    if (!this.panel || this.open) return;
    this.#fold(false);
    this.#changed();
  }

  async turnFull() {
    const { documentElement } = document;
    if ("ffpFull" in documentElement.dataset) delete documentElement.dataset.ffpFull;
    else if (document.fullscreenElement) await document.exitFullscreen();
    else {
      try {
        await this.#whole.requestFullscreen();
      } catch {
        documentElement.dataset.ffpFull = ""; // the browser forbids it: the stage then fills the window
      }
    }
    this.#changed();
  }

  #fold(folded) {
    this.panel.hidden = folded;
    this.#whole.toggleAttribute("data-folded", folded);
  }
}
