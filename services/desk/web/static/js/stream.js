// One connection to `/live`, kept up. Runs in the SharedWorker, or in the tab where there is none.

/**
 * @typedef {{seq: number, topic: string, html?: string, data?: Record<string, unknown>}} LiveEvent
 * @typedef {{onEvent: (event: LiveEvent) => void, onState: (state: "live" | "lost" | "signed-out") => void}} Listener
 */

const FIRST_DELAY = 250;
const LONGEST_DELAY = 15_000;
/** The server speaks at least each 15 s; two missed beats and a bit mean that the line is dead. */
const SILENCE = 35_000;

/** Follows the stream for ever and resumes after the last event that came. */
export class Stream {
  /**
   * @param {string} url
   * @param {number} after the last event known
   * @param {Listener} listener
   */
  constructor(url, after, listener) {
    this.url = url;
    this.after = after;
    this.listener = listener;
    this.stopped = false;
    /** @type {AbortController | null} */
    this.connection = null;
  }

  /** Connect, read, and connect again with a jittered back-off. */
  async run() {
    let delay = FIRST_DELAY;
    while (!this.stopped) {
      const heard = await this.read().catch(() => false);
      if (this.stopped) return;
      if (heard) delay = FIRST_DELAY;
      this.listener.onState("lost");
      await new Promise((resolve) => setTimeout(resolve, delay * (0.5 + Math.random())));
      delay = Math.min(delay * 2, LONGEST_DELAY);
    }
  }

  /** End it for good. */
  stop() {
    this.stopped = true;
    this.connection?.abort();
  }

  /** Read one connection to its end. @returns {Promise<boolean>} whether anything was heard */
  async read() {
    const connection = (this.connection = new AbortController());
    let watchdog = setTimeout(() => connection.abort(), SILENCE);
    let heard = false;
    try {
      const answer = await fetch(`${this.url}?after=${this.after}`, {
        headers: { Accept: "text/event-stream" },
        cache: "no-store",
        redirect: "error",
        signal: connection.signal,
      });
      if (answer.status === 401) {
        this.stop();
        this.listener.onState("signed-out");
        return false;
      }
      if (!answer.ok || !answer.body) return false;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return heard;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => connection.abort(), SILENCE);
        heard = true;
        text += value;
        const parts = text.split("\n\n");
        text = parts.pop() ?? "";
        parts.forEach((part) => this.take(part));
      }
    } finally {
      clearTimeout(watchdog);
      connection.abort();
    }
  }

  /** @param {string} part one server-sent event, or a comment that only says "still here" */
  take(part) {
    this.listener.onState("live");
    let data = "";
    for (const line of part.split("\n")) {
      if (line.startsWith("id: ")) this.after = Number(line.slice(4));
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (data) this.listener.onEvent(JSON.parse(data));
  }
}
