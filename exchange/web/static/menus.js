// Menus of the header: an open one closes on Escape, where the focus goes back to it, and on a press elsewhere. Without
// this script they open and close by themselves.

const open = () => document.querySelector(".pulldown[open]");

document.addEventListener("keydown", (event) => {
  const menu = open();
  if (event.key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.addEventListener("pointerdown", ({ target }) => {
  for (const menu of document.querySelectorAll(".pulldown[open]")) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener("focusin", ({ target }) => {
  const menu = open();
  if (menu && !menu.contains(target)) menu.open = false;
});
