// Hands on the stage: pointer, wheel and keys, told to whoever acts on them. Nothing here knows what is drawn.

import { rowOf, STAGE, typing } from "./keys.js";

const WHEEL_STEP = 1.0015;
const CLICK_PX = 3; // a hand that clicks is never quite still

/**
 * Listen on the stage. `acts`: {busy(dragging), pan(dx, dy, at, shifted), zoom(factor, at), turn(degrees, at), tool():
 * whether one is in hand, take(at), hold(start, now), tap(at)}; places and steps in CSS pixels from the stage's top left.
 */
export function listen(stage, acts, signal) {
  const pointers = new Map();
  let start = null;
  let moved = false;
  const placeOf = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("[role=separator]")) return;
    stage.setPointerCapture(event.pointerId);
    stage.focus({ preventScroll: true });
    pointers.set(event.pointerId, placeOf(event));
    start = placeOf(event);
    moved = false;
    acts.busy(true);
  }, { signal });

  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = placeOf(event);
    pointers.set(event.pointerId, now);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const [was, is] = [before, now].map(([x, y]) => [x - other[0], y - other[1]]);
      acts.zoom(Math.hypot(...is) / Math.max(Math.hypot(...was), 1), other);
      acts.turn(((Math.atan2(is[1], is[0]) - Math.atan2(was[1], was[0])) * 180) / Math.PI, other);
    } else if (acts.tool()) {
      if (!moved && Math.hypot(now[0] - start[0], now[1] - start[1]) < CLICK_PX) return;
      if (!moved) acts.take(start);
      moved = true;
      acts.hold(start, now);
    } else {
      acts.pan(now[0] - before[0], now[1] - before[1], start, event.shiftKey);
    }
  }, { signal });

  const end = (event) => {
    if (!pointers.delete(event.pointerId) || pointers.size) return;
    acts.busy(false);
    if (event.type !== "pointerup" || !acts.tool()) return;
    if (moved) acts.hold(start, placeOf(event)); // where it was let go: a busy browser leaves out the last move
    else acts.tap(start);
  };
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) stage.addEventListener(name, end, { signal });

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    acts.zoom(WHEEL_STEP ** (-event.deltaY * lines), placeOf(event));
  }, { signal, passive: false });
}

/**
 * Listen to the keys of the table, before whatever else on the page does: a key that means something here means nothing
 * else. Not while somebody writes, nor behind a dialog. `onStage()`: whether all keys act on the stage alone;
 * `can(command)`: whether it leads anywhere; `command(name, {shift})`.
 */
export function listenKeys(stage, { onStage, can, command }, signal) {
  document.addEventListener("keydown", (event) => {
    const row = event.defaultPrevented || typing(event.target) ? null : rowOf(event);
    if (!row || !can(row.command) || document.querySelector("dialog[open]")) return;
    if ((row.where === STAGE || onStage()) && event.target !== stage) return;
    event.preventDefault();
    command(row.command, { shift: event.shiftKey });
  }, { signal, capture: true });
}

/** A divider that drags and answers to arrow keys; `moved` gets its share of the width, 0 to 1. */
export function listenDivider(divider, stage, { share, busy, moved }, signal) {
  divider.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    divider.setPointerCapture(event.pointerId);
    busy(true);
  }, { signal });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const box = stage.getBoundingClientRect();
    moved((event.clientX - box.left) / box.width);
  }, { signal });
  divider.addEventListener("lostpointercapture", () => busy(false), { signal });
  divider.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.1 : 0.01;
    const to = { ArrowLeft: share() - step, ArrowRight: share() + step, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    moved(to);
  }, { signal });
}
