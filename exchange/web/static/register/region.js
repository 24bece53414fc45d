// The region of a scan in cells, and what was done to it, so that it can be undone. The bits are those of the contract's
// RegionMask: row after row, the most significant bit of each byte first, in Base64.

const MOST_STEPS = 200;

function unpacked(text, length) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return Uint8Array.from({ length }, (_, place) => (bytes[place >> 3] >> (7 - (place & 7))) & 1);
}

export class Region {
  #found;
  #before = []; // what it was before each step
  #undone = [];
  #begun = null;

  /** `found` and `marked`: bits in Base64, empty where nothing was found, or marked. */
  constructor({ rows, columns, found, marked }) {
    this.rows = rows;
    this.columns = columns;
    this.#found = unpacked(found, rows * columns);
    this.cells = marked ? unpacked(marked, rows * columns) : this.#found.slice();
  }

  get bits() {
    const bytes = new Uint8Array(Math.ceil(this.cells.length / 8));
    this.cells.forEach((inside, place) => {
      bytes[place >> 3] |= inside << (7 - (place & 7));
    });
    return btoa(String.fromCharCode(...bytes));
  }

  get count() {
    return this.cells.reduce((sum, inside) => sum + inside, 0);
  }

  get canUndo() {
    return this.#before.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  has(row, column) {
    return this.cells[row * this.columns + column] === 1;
  }

  /** What is painted until `end` is one step. */
  begin() {
    this.#begun ??= this.cells.slice();
  }

  /** The cells within half of `size` around a place, which need not be a cell's centre. */
  paint(row, column, size, inside) {
    const reach = size / 2;
    const top = Math.max(0, Math.ceil(row - reach));
    const left = Math.max(0, Math.ceil(column - reach));
    for (let y = top; y <= Math.min(this.rows - 1, row + reach); y++) {
      for (let x = left; x <= Math.min(this.columns - 1, column + reach); x++) {
        if (Math.hypot(y - row, x - column) <= reach) this.cells[y * this.columns + x] = inside ? 1 : 0;
      }
    }
  }

  /** Returns whether anything changed since `begin`. */
  end() {
    const before = this.#begun;
    this.#begun = null;
    if (!before || before.every((inside, place) => inside === this.cells[place])) return false;
    this.#before.push(before);
    if (this.#before.length > MOST_STEPS) this.#before.shift();
    this.#undone = [];
    return true;
  }

  backToFound() {
    this.begin();
    this.cells = this.#found.slice();
    return this.end();
  }

  /** What another page marked, in the place of what is here. */
  take(bits) {
    this.begin();
    this.cells = unpacked(bits, this.cells.length);
    return this.end();
  }

  undo() {
    return this.#step(this.#before, this.#undone);
  }

  redo() {
    return this.#step(this.#undone, this.#before);
  }

  #step(from, to) {
    if (!from.length) return false;
    to.push(this.cells);
    this.cells = from.pop();
    return true;
  }
}
