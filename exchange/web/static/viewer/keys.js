// Every key of the workbench, and the one meaning that each has. Who listens to keys asks here, and the dialog that lists
// them is drawn from here.

/** Where a key acts: wherever nobody types, or on the stage alone, while the stage has the focus. */
export const PAGE = "page";
export const STAGE = "stage";

/**
 * In the order in which the dialog lists them. `keys`: as `keyOf` names them, with spaces between; `shown`: what stands on
 * the keyboard. The words of a command and of a group are in TEXTS, by their names.
 */
export const KEYS = [
  { command: "next-pair", keys: "j", shown: "J", where: PAGE, group: "keys-pairs" },
  { command: "previous-pair", keys: "k", shown: "K", where: PAGE, group: "keys-pairs" },
  { command: "split", keys: "1", shown: "1", where: PAGE, group: "keys-shown" },
  { command: "side-by-side", keys: "2", shown: "2", where: PAGE, group: "keys-shown" },
  { command: "overlay", keys: "3", shown: "3", where: PAGE, group: "keys-shown" },
  { command: "difference", keys: "4", shown: "4", where: PAGE, group: "keys-shown" },
  { command: "tilted", keys: "5", shown: "5", where: PAGE, group: "keys-shown" },
  { command: "cells", keys: "c", shown: "C", where: PAGE, group: "keys-shown" },
  { command: "heat", keys: "x", shown: "X", where: PAGE, group: "keys-shown" },
  { command: "colours", keys: "h", shown: "H", where: PAGE, group: "keys-shown" },
  { command: "form", keys: "t", shown: "T", where: PAGE, group: "keys-shown" },
  { command: "light", keys: "i", shown: "I", where: PAGE, group: "keys-shown" },
  { command: "link", keys: "l", shown: "L", where: PAGE, group: "keys-moves" },
  { command: "snap", keys: "r", shown: "R", where: PAGE, group: "keys-moves" },
  { command: "reset", keys: "0", shown: "0", where: PAGE, group: "keys-moves" },
  { command: "turn-left", keys: "[ , {", shown: "[", where: PAGE, group: "keys-moves" },
  { command: "turn-right", keys: "] . }", shown: "]", where: PAGE, group: "keys-moves" },
  { command: "zoom-in", keys: "+ =", shown: "+", where: PAGE, group: "keys-moves" },
  { command: "zoom-out", keys: "-", shown: "−", where: PAGE, group: "keys-moves" },
  { command: "nudge-left", keys: "ArrowLeft Shift+ArrowLeft", shown: "←", where: STAGE, group: "keys-moves" },
  { command: "nudge-right", keys: "ArrowRight Shift+ArrowRight", shown: "→", where: STAGE, group: "keys-moves" },
  { command: "nudge-up", keys: "ArrowUp Shift+ArrowUp", shown: "↑", where: STAGE, group: "keys-moves" },
  { command: "nudge-down", keys: "ArrowDown Shift+ArrowDown", shown: "↓", where: STAGE, group: "keys-moves" },
  { command: "measure", keys: "m", shown: "M", where: PAGE, group: "keys-tools" },
  { command: "angle", keys: "a", shown: "A", where: PAGE, group: "keys-tools" },
  { command: "profile", keys: "p", shown: "P", where: PAGE, group: "keys-tools" },
  { command: "mark", keys: "n", shown: "N", where: PAGE, group: "keys-tools" },
  { command: "next", keys: "Enter", shown: "Enter", where: STAGE, group: "keys-tools" },
  { command: "delete", keys: "Delete", shown: "Delete", where: STAGE, group: "keys-tools" },
  { command: "clear", keys: "Escape", shown: "Esc", where: STAGE, group: "keys-tools" },
  { command: "undo", keys: "z Ctrl+z", shown: "Z", where: PAGE, group: "keys-bench" },
  { command: "redo", keys: "Shift+z Ctrl+Shift+z Ctrl+y", shown: "Shift Z", where: PAGE, group: "keys-bench" },
  { command: "full", keys: "f", shown: "F", where: PAGE, group: "keys-bench" },
  { command: "panel", keys: "s", shown: "S", where: PAGE, group: "keys-bench" },
  { command: "keys", keys: "?", shown: "?", where: PAGE, group: "keys-bench" },
];

const BY_KEY = new Map(KEYS.flatMap((row) => row.keys.split(" ").map((key) => [key, row])));
const BY_COMMAND = new Map(KEYS.map((row) => [row.command, row]));

/** What stands on the key of a command. */
export const shownKey = (command) => BY_COMMAND.get(command)?.shown ?? "";

/** On a keyboard that writes another script a key is known by its place. */
const BY_PLACE = { BracketLeft: "[", BracketRight: "]" };
const byPlace = (code) => BY_PLACE[code] ?? /^Key([A-Z])$/.exec(code)?.[1].toLowerCase();

/** The name of what was pressed: "j", "Shift+z", "Ctrl+z", "ArrowLeft", "?". Null with a modifier of the browser. */
export function keyOf(event) {
  const third = event.getModifierState("AltGraph"); // writes brackets on many keyboards
  if (event.altKey && !third) return null;
  const foreign = event.key.length === 1 && event.key > "\u007f";
  const key = foreign ? byPlace(event.code) ?? event.key : event.key;
  const letter = /^[a-z]$/i.test(key);
  const control = (event.ctrlKey || event.metaKey) && !third ? "Ctrl+" : "";
  const shift = event.shiftKey && (letter || key.length > 1) ? "Shift+" : "";
  return control + shift + (letter ? key.toLowerCase() : key);
}

/** The row of the table that an event of the keyboard means; null for none. */
export const rowOf = (event) => BY_KEY.get(keyOf(event)) ?? null;

const NO_TEXT = ["radio", "checkbox", "range", "button", "submit", "reset"];

/** Whether somebody writes there. */
export function typing(target) {
  if (target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName)) return true;
  return target.tagName === "INPUT" && !NO_TEXT.includes(target.type);
}
