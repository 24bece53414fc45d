// One file on its way: announced, sent piece by piece from where the server is, tried again while the line is broken.

import { inSession } from "../session.js";
import { awayMs } from "../viewer/patience.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;
const MOST_TRIES = 20; // in a row, without a byte getting through

class Refused extends Error {}

/** The node wants to be asked again later. */
class Later extends Error {
  constructor(awayMs) {
    super();
    this.awayMs = awayMs;
  }
}

export class Sending {
  #end = new AbortController();
  #file;
  #row;
  #ways;
  #id = null;
  #sent = 0;

  constructor(file, row, ways) {
    this.#file = file;
    this.#row = row;
    this.#ways = ways;
  }

  say(name, values = {}) {
    const percent = Math.floor((100 * this.#sent) / Math.max(1, this.#file.size));
    this.#row.querySelector("progress").value = percent;
    this.#row.querySelector("[data-said]").textContent = this.#ways.words(name, { percent: `${percent} %`, ...values });
  }

  /** Resolves when the file is whole and read, was cancelled, or was given up. */
  async run() {
    if (this.#end.signal.aborted) return;
    this.#row.querySelector("[data-again]").hidden = true;
    try {
      await this.#arrive();
      this.say("Reading");
      const card = document.getElementById(`file-${this.#id}`);
      if (await this.#ways.read(this.#id, card ?? this.#row)) this.#row.remove();
      else throw new Refused(this.#ways.words("Refused"));
    } catch (error) {
      if (this.#end.signal.aborted) return;
      this.#row.dataset.state = "failed";
      if (error instanceof Refused) this.#row.querySelector("[data-said]").textContent = error.message;
      else this.say("Stopped");
      this.#row.querySelector("[data-again]").hidden = false;
    }
  }

  async cancel() {
    this.#end.abort();
    this.#row.remove();
    if (this.#id) await this.#ways.remove(this.#id);
  }

  async #arrive() {
    const { name, size, lastModified } = this.#file;
    const said = JSON.stringify({ name, size, modified: lastModified });
    let told = await this.#stubborn(() => this.#ask("/files", said, "application/json"));
    this.#id = told.file_id;
    this.#row.dataset.of = this.#id;
    const piece = told.piece;
    while (!told.whole) {
      this.#sent = told.offset;
      this.say("Sending");
      const from = told.offset;
      const part = this.#file.slice(from, from + piece);
      told = await this.#stubborn(() => this.#ask(`/files/${this.#id}/from/${from}`, part, "application/octet-stream"));
    }
    this.#sent = size;
  }

  /** Asks again, at growing intervals, as long as nobody answers; what the node refuses it refuses at once. */
  async #stubborn(ask) {
    let wait = FIRST_WAIT_MS;
    for (let tried = 1; ; tried += 1) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof Later && !this.#end.signal.aborted) {
          this.say("Waiting");
          await this.#pause(error.awayMs);
          tried = 0;
          continue;
        }
        if (error instanceof Refused || this.#end.signal.aborted || tried >= MOST_TRIES) throw error;
        this.say("Broken");
        this.#row.dataset.state = "broken";
        await this.#pause(wait);
        wait = Math.min(2 * wait, LONGEST_WAIT_MS);
      }
    }
  }

  /** Ends early when the browser says that the line is back. */
  #pause(wait) {
    return new Promise((resolve) => {
      const timer = setTimeout(done, wait);
      function done() {
        clearTimeout(timer);
        window.removeEventListener("online", done);
        resolve();
      }
      window.addEventListener("online", done);
    });
  }

  async #ask(path, body, type) {
    const options = { method: "POST", headers: { "Content-Type": type }, body, signal: this.#end.signal };
    const answer = await inSession(this.#ways.address + path, options, () => this.say("Ended"));
    this.#row.dataset.state = "sending";
    const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
    if (isJson && (answer.ok || answer.status === 409)) return answer.json(); // 409: the server says where it is
    const away = awayMs(answer);
    if (away !== null) throw new Later(away);
    if (answer.status >= 500 && answer.status !== 507) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    throw new Refused(page.querySelector("main p")?.textContent ?? this.#ways.words("Refused"));
  }
}
