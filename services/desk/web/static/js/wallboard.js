// The wallboard: numbers that the server rendered take their place, and the charts get a point a second.

import { Stream } from "./stream.js";
import { ago } from "./times.js";

/** @typedef {{now: number, t?: number, messages?: Record<string, number>, reply?: number | null, event?: number}} Point */

/** Seconds that the charts show. */
const SHOWN = 3600;
/** A point is kept each so many seconds; the newest one moves on until then. */
const KEPT_EVERY = 10;
/** After so many seconds without a point the charts are asked for anew. */
const GAP = 90;
/** Without a sign of life for so many seconds the page says so. */
const SILENT = 5;

/** Between two lines of the grid: whole messages, and seconds. */
const STEPS = [1, 2, 5, 10, 20, 60, 120, 300, 600, 1200, 3600, 7200, 14_400, 43_200, 86_400, 604_800];

const board = /** @type {HTMLElement} */ (document.getElementById("main"));
const page = board.dataset;
/** @type {{name: string, at: number}} */
let state = { name: "connecting", at: Date.now() };
/** The server's clock and ours at the same moment: a display on a wall may be minutes off. */
let server = { at: Number(page.now), here: performance.now() };
let lastEvent = page.event ? Number(page.event) : null;
let refreshing = false;

/** A display has larger letters than a desk: in relation to the usual ones. */
const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

const serverNow = () => server.at + (performance.now() - server.here) / 1000;
const language = document.documentElement.lang || "en";
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const axisClock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** "90 s", "12 min", "3 h". @param {number} seconds */
function brief(seconds) {
  const [size, unit] = seconds < 120 ? [1, "second"] : seconds < 7200 ? [60, "minute"] : [3600, "hour"];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "narrow", maximumFractionDigits: 0 }).format(seconds / size);
}

/** One chart with its table. */
class Chart {
  /**
   * @param {string} id
   * @param {(value: number) => string} show
   * @param {boolean} filled
   */
  constructor(id, show, filled) {
    this.figure = /** @type {HTMLElement} */ (document.getElementById(id));
    this.place = /** @type {HTMLElement} */ (this.figure.querySelector(".plot"));
    this.heads = /** @type {HTMLElement[]} */ ([...this.figure.querySelectorAll("thead [data-channel]")]);
    this.show = show;
    this.filled = filled;
    /** @type {(number | null)[][]} times, then one row for each series */
    this.data = [[], ...this.heads.map(() => [])];
    this.kept = 0;
    this.plot = this.draw();
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(this.place);
    this.figure.querySelector("details")?.addEventListener("toggle", () => this.fillTable());
  }

  size() {
    return { width: Math.max(120, this.place.clientWidth), height: Math.max(120, this.place.clientHeight) };
  }

  draw() {
    const style = getComputedStyle(this.figure);
    const probe = (/** @type {string} */ name) => {
      const element = this.figure.appendChild(document.createElement("i"));
      element.style.color = `var(${name})`;
      const { color } = getComputedStyle(element);
      element.remove();
      return color;
    };
    const font = `${12 * unit}px ${style.fontFamily}`;
    const axis = { stroke: probe("--muted"), font, grid: { stroke: probe("--line"), width: 1 }, ticks: { show: false } };
    const colours = this.heads.map((head) => getComputedStyle(head).color);
    const labels = this.heads.map((head) => head.textContent ?? "");
    const pen = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
    pen.font = font;
    const room = this.heads.length > 1 ? 12 + Math.max(...labels.map((label) => pen.measureText(label).width)) : 12;
    return new window.uPlot(
      {
        ...this.size(),
        padding: [12, Math.min(room, 120 * unit), 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: true, range: () => [serverNow() - SHOWN, serverNow()] }, y: { range: (/** @type {unknown} */ _, /** @type {number | null} */ __, /** @type {number | null} */ most) => [0, Math.max(this.filled ? 60 : 4, (most ?? 0) * 1.1)] } },
        axes: [
          { ...axis, size: 30 * unit, space: 70 * unit, values: (/** @type {unknown} */ _, /** @type {number[]} */ times) => times.map((time) => axisClock.format(time * 1000)) },
          { ...axis, size: 56 * unit, space: 34 * unit, incrs: STEPS, values: (/** @type {unknown} */ _, /** @type {number[]} */ values) => values.map((value) => this.show(value)) },
        ],
        series: [{}, ...colours.map((stroke) => ({ stroke, width: 2, points: { show: this.filled, size: 4, fill: stroke }, spanGaps: false, ...(this.filled ? { fill: stroke.replace(/^rgb\((.*)\)$/, "rgba($1, 0.14)") } : {}) }))],
        hooks: this.heads.length > 1 ? { draw: [(/** @type {any} */ plot) => this.label(plot, labels, colours, font)] } : {},
      },
      this.data,
      this.place,
    );
  }

  /** Write each line's name at its end, so that nobody has to match colours. @param {any} plot @param {string[]} labels @param {string[]} colours @param {string} font */
  label(plot, labels, colours, font) {
    const scale = devicePixelRatio;
    const ends = labels.map((text, index) => ({ text, colour: colours[index] ?? "", at: plot.valToPos(this.data[index + 1]?.at(-1) ?? 0, "y", true) }));
    ends.sort((a, b) => b.at - a.at);
    let free = Infinity;
    plot.ctx.save();
    plot.ctx.font = font.replace(/^[\d.]+px/, `${12 * unit * scale}px`);
    plot.ctx.textBaseline = "middle";
    plot.ctx.textAlign = "left";
    for (const end of ends) {
      const y = Math.min(end.at, free);
      free = y - 14 * unit * scale;
      plot.ctx.fillStyle = end.colour;
      plot.ctx.fillText(end.text, plot.bbox.left + plot.bbox.width + 6 * scale, y);
    }
    plot.ctx.restore();
  }

  /** Begin with the last hour. @param {number[]} times @param {(number | null)[][]} rows */
  start(times, rows) {
    this.data = [times.slice(), ...this.heads.map((_, index) => (rows[index] ?? times.map(() => 0)).slice())];
    this.kept = times.at(-1) ?? 0;
    this.plot.setData(this.data);
    this.fillTable();
  }

  /** One more point. @param {number} at @param {(number | null)[]} values */
  add(at, values) {
    const times = /** @type {number[]} */ (this.data[0]);
    const last = times.at(-1) ?? 0;
    if (at <= last) return;
    if (last > this.kept && at - this.kept < KEPT_EVERY) this.data.forEach((row) => row.pop());
    else this.kept = last;
    times.push(at);
    values.forEach((value, index) => this.data[index + 1]?.push(value));
    while (times.length && Number(times[0]) < at - SHOWN) this.data.forEach((row) => row.shift());
    this.plot.setData(this.data);
  }

  /** The table behind "Show numbers": every five minutes, newest first. */
  fillTable() {
    const details = this.figure.querySelector("details");
    const body = this.figure.querySelector("tbody");
    if (!body || !details?.open) return;
    const times = /** @type {number[]} */ (this.data[0]);
    const rows = [];
    let next = Infinity;
    for (let index = times.length - 1; index >= 0; index--) {
      const time = Number(times[index]);
      if (time > next) continue;
      next = time - 295;
      const row = document.createElement("tr");
      const head = row.appendChild(document.createElement("th"));
      head.scope = "row";
      head.textContent = clock.format(time * 1000);
      this.heads.forEach((_, series) => {
        const value = this.data[series + 1]?.[index];
        row.appendChild(document.createElement("td")).textContent = value === null || value === undefined ? "–" : this.show(value);
      });
      rows.push(row);
    }
    body.replaceChildren(...rows);
  }
}

/** @type {Chart[]} */
const charts = [];
const channels = () => (charts[0]?.heads ?? []).map((head) => head.dataset.channel ?? "");

/** @param {string} [text] the points as the page has them */
function startCharts(text = page.points ?? "{}") {
  const { times = [], messages = [], reply = [] } = JSON.parse(text);
  charts[0]?.start(times, messages);
  charts[1]?.start(times, [reply]);
}

/** @param {string} html */
function takeHtml(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const fresh of template.content.children) {
    const old = document.getElementById(fresh.id);
    if (old) window.Idiomorph.morph(old, fresh);
  }
}

/** @param {{topic: string, html?: string, data?: Record<string, unknown>}} event */
function onEvent(event) {
  if (event.topic !== "wallboard") {
    void refresh();
    return;
  }
  const point = /** @type {Point} */ (/** @type {unknown} */ (event.data));
  server = { at: point.now, here: performance.now() };
  lastEvent = point.event ?? lastEvent;
  takeHtml(event.html ?? "");
  if (point.t !== undefined) {
    const { t, messages = {}, reply = null } = point;
    if (t - Number(charts[0]?.data[0]?.at(-1) ?? t) > GAP || Object.keys(messages).some((name) => !channels().includes(name))) void refresh();
    charts[0]?.add(t, channels().map((name) => messages[name] ?? 0));
    charts[1]?.add(t, [reply]);
  }
  say();
}

/** The last hour anew, and the lines of channels that were not there before. */
async function refresh() {
  if (refreshing) return;
  refreshing = true;
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.redirected) location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const lines = (/** @type {ParentNode} */ root) => [...root.querySelectorAll("#wall-messages thead [data-channel]")].map((head) => head.getAttribute("data-channel")).join();
    if (lines(fresh) !== lines(document)) location.reload();
    else startCharts(fresh.getElementById("main")?.dataset.points);
  } finally {
    // Not again at once: what is missing may stay missing.
    setTimeout(() => (refreshing = false), 10_000);
  }
}

/** Say what the newest is, or since when nothing is. */
function say() {
  const line = document.getElementById("wall-said");
  const text = line?.lastElementChild;
  const dot = line?.querySelector(".live");
  if (!line || !text || !(dot instanceof HTMLElement)) return;
  const silent = (performance.now() - server.here) / 1000;
  const lost = state.name === "lost" || silent > SILENT;
  const at = lost ? server.at : lastEvent;
  const said = at === null ? (page.saidNever ?? "") : ((lost ? page.saidLost : page.saidLive) ?? "").replace("{ago}", ago(new Date(at * 1000), serverNow() * 1000));
  if (text.textContent !== said) text.textContent = said;
  dot.dataset.state = lost ? "lost" : "live";
  line.toggleAttribute("data-lost", lost);
  // Aloud only when it changes, not each second.
  const aloud = document.getElementById("wall-state");
  if (aloud && aloud.dataset.lost !== String(lost)) {
    if (aloud.dataset.lost !== undefined) aloud.textContent = said;
    aloud.dataset.lost = String(lost);
  }
}

/** @param {{name: string, at: number}} fresh */
function onState(fresh) {
  if (fresh.name === "signed-out") location.reload();
  state = fresh;
  say();
}

/** One stream for all wallboards of this browser: it allows six connections to a host, and the console has one. */
function connect() {
  const url = page.live ?? "";
  const after = Number(page.after ?? 0);
  if ("SharedWorker" in window) {
    const worker = new SharedWorker(new URL("./live-worker.js", import.meta.url), { type: "module", name: `desk-wallboard-${language}-${document.body.className}` });
    worker.port.onmessage = ({ data }) => {
      if (data.state) onState(data.state);
      if (data.event) onEvent(data.event);
    };
    const hello = () => worker.port.postMessage({ url, after: Math.round(server.at * 1000) });
    worker.port.postMessage({ url, after });
    addEventListener("pagehide", () => worker.port.postMessage({ bye: true }));
    addEventListener("pageshow", (event) => event.persisted && hello());
    return;
  }
  /** @type {Stream | null} */
  let stream = null;
  const follow = () => {
    stream?.stop();
    stream = document.hidden ? null : new Stream(url, after, { onEvent, onState: (name) => onState({ name, at: Date.now() }) });
    void stream?.run();
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}

function startFullScreen() {
  const button = document.getElementById("wall-full");
  const label = button?.querySelector("span");
  if (!button || !label || !document.fullscreenEnabled) return;
  const enter = label.textContent;
  button.hidden = false;
  button.addEventListener("click", () => void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()));
  document.addEventListener("fullscreenchange", () => {
    label.textContent = document.fullscreenElement ? (page.saidFull ?? "") : enter;
  });
}

charts.push(new Chart("wall-messages", (value) => number.format(value), false), new Chart("wall-reply", brief, true));
startCharts();
startFullScreen();
connect();
say();
setInterval(say, 1000);
setInterval(() => charts.forEach((chart) => chart.fillTable()), 30_000);
