// Hands on the stage: pointer, wheel and keys, told to whoever acts on them. Nothing here knows what is drawn.

const WHEEL_STEP = 1.0015;
const KEY_STEP_PX = 24;
const CLICK_PX = 3; // a hand that clicks is never quite still

/**
 * Listen on the stage. `acts`: {busy(dragging), pan(dx, dy, at, shifted), zoom(factor, at), turn(degrees, at), nudge(dx, dy),
 * tool(): whether one is in hand, take(at), hold(start, now), tap(at), command(name)}; places and steps in CSS pixels from
 * the stage's top left.
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

  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== stage) return;
    const act = keyAct(event);
    if (!act) return;
    event.preventDefault();
    act(acts);
  }, { signal });
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const COMMANDS = {
  l: "link", r: "snap", 0: "reset", c: "cells", x: "heat", h: "colours", f: "form",
  m: "measure", a: "angle", p: "profile", n: "mark", u: "undo", Enter: "next", Delete: "delete",
  1: "split", 2: "side-by-side", 3: "overlay", 4: "difference", 5: "tilted", Escape: "clear",
};

function keyAct(event) {
  const arrow = ARROWS[event.key];
  if (arrow) {
    const step = event.shiftKey ? KEY_STEP_PX : KEY_STEP_PX / 12;
    return (acts) => acts.nudge(arrow[0] * step, arrow[1] * step);
  }
  const fine = event.shiftKey ? 5 : 0.5;
  switch (event.key) {
    case "+": case "=": return (acts) => acts.zoom(1.2, null);
    case "-": return (acts) => acts.zoom(1 / 1.2, null);
    case "[": case "{": case ",": return (acts) => acts.turn(-fine, null);
    case "]": case "}": case ".": return (acts) => acts.turn(fine, null);
  }
  const command = COMMANDS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  return command && ((acts) => acts.command(command));
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
