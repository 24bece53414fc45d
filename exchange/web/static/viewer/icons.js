// The few signs that stand for words on small buttons: lines on a field of 16 by 16.

const SVG = "http://www.w3.org/2000/svg";

const LINES = {
  "link": "M6.5 9.5l3-3M7 4.5l1.6-1.6a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5l-1.6 1.6a3.2 3.2 0 0 1-4.5-4.5L4.5 7",
  "snap": "M8 1.5v3M8 11.5v3M1.5 8h3M11.5 8h3M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  "reset": "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10M6 6h4v4H6z",
  "undo": "M5.5 3L2.5 6l3 3M2.5 6H10a3.5 3.5 0 0 1 0 7H6.5",
  "redo": "M10.5 3l3 3-3 3M13.5 6H6a3.5 3.5 0 0 0 0 7h3.5",
  "full": "M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3",
  "keys": "M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.5v.3M8 12.4v.1",
  "panel": "M2 3h12v10H2zM10 3v10",
};

export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ "viewBox": "0 0 16 16", "width": 16, "height": 16, "aria-hidden": "true",
    "focusable": "false" })) drawn.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ "d": LINES[name], "fill": "none", "stroke": "currentColor",
    "stroke-width": 1.5, "stroke-linecap": "round", "stroke-linejoin": "round" })) path.setAttribute(key, value);
  drawn.append(path);
  return drawn;
}
