// What the first picture of a stage need not wait for: saved views, cells that nobody asked for yet, the way to paper, what
// was typed for a conclusion. It is brought once the stage has drawn, or said that it cannot.

const viewer = document.querySelector("ffp-comparison");
const begun = new AbortController();

async function bring() {
  if (["loading", undefined].includes(viewer.dataset.state)) return;
  begun.abort();
  const style = document.createElement("link");
  Object.assign(style, { rel: "stylesheet", media: "print", href: new URL("./sheet.css", import.meta.url) });
  document.head.append(style);
  const parts = ["./saved-views.js", "./cells-later.js", "./sheet.js", "./kept-conclusion.js"];
  const [saved, cells] = await Promise.all(parts.map((part) => import(part)));
  saved.showSavedViews();
  cells.bringCells(viewer);
}

viewer.addEventListener("ffp-state", bring, { signal: begun.signal });
bring();
