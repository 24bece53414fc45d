// All keys in one dialog, in their groups, as the table has them.

import { KEYS } from "./keys.js";
import { made } from "./made.js";

/** `can(command)`: whether it leads anywhere on this page; `onStage`, `choose(onStage)`: whether keys act on the stage alone. */
export function openKeys(parent, text, { can, onStage, choose }) {
  const rows = KEYS.filter(({ command }) => can(command));
  const line = ({ command, shown }) =>
    made("div", { "data-key": command }, made("dt", {}, made("kbd", {}, shown)), made("dd", {}, text(command)));
  const groups = [...new Set(rows.map(({ group }) => group))].map((group) => made("section", {},
    made("h3", {}, text(group)), made("dl", {}, ...rows.filter((row) => row.group === group).map(line))));
  const only = made("input", { type: "checkbox", ...(onStage ? { checked: "" } : {}) });
  only.addEventListener("change", () => choose(only.checked));
  const close = made("button", { type: "button" }, text("close"));
  const dialog = made("dialog", { "class": "ffp-keys", "aria-labelledby": "ffp-keys" },
    made("h2", { id: "ffp-keys" }, text("keys")), made("div", { class: "ffp-key-groups" }, ...groups),
    made("p", { class: "ffp-hint" }, text("keys-hint")),
    made("footer", {}, made("label", {}, only, text("keys-on-stage")), close));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("keydown", (event) => event.key === "?" && dialog.close());
  parent.append(dialog);
  dialog.showModal();
  close.focus();
}
