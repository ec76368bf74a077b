// Reports: charts of the figures once they are there, and dates of one's own only where they are asked for.

/** Between two lines of the grid of durations. */
const STEPS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000];

const language = document.documentElement.lang || "en";
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });

/** "90 s", "12 min", "3 h", "2 d". @param {number} seconds */
function brief(seconds) {
  const [size, unit] = seconds < 120 ? [1, "second"] : seconds < 7200 ? [60, "minute"] : seconds < 172_800 ? [3600, "hour"] : [86_400, "day"];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "narrow", maximumFractionDigits: 0 }).format(seconds / size);
}

/** @param {string | undefined} unit @param {number} value */
function show(unit, value) {
  return unit === "seconds" ? brief(value) : unit === "share" ? `${number.format(value)}%` : number.format(value);
}

/** @param {HTMLElement} figure */
function draw(figure) {
  const place = /** @type {HTMLElement} */ (figure.querySelector(".plot"));
  const { times, rows } = JSON.parse(figure.dataset.chart ?? "{}");
  const style = getComputedStyle(figure);
  const colour = (/** @type {string} */ name) => {
    const probe = figure.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const font = `12px ${style.fontFamily}`;
  const axis = { stroke: colour("--muted"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const size = () => ({ width: Math.max(120, place.clientWidth), height: Math.max(120, place.clientHeight) });
  const { unit, zone } = figure.dataset;
  const series = rows.map((/** @type {unknown} */ _, /** @type {number} */ index) => ({
    stroke: colour(`--series-${index + 1}`), width: 2, dash: index ? [6, 4] : [], spanGaps: false, points: { show: times.length < 40, size: 5, fill: colour(`--series-${index + 1}`) },
  }));
  const plot = new window.uPlot(
    {
      ...size(),
      padding: [12, 16, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      tzDate: (/** @type {number} */ at) => window.uPlot.tzDate(new Date(at * 1000), zone ?? "UTC"),
      scales: { y: { range: (/** @type {unknown} */ _, /** @type {number | null} */ __, /** @type {number | null} */ most) => [0, unit === "share" ? 100 : Math.max(unit === "seconds" ? 60 : 4, (most ?? 0) * 1.1)] } },
      axes: [
        { ...axis, size: 30, space: 70, values: (/** @type {unknown} */ _, /** @type {number[]} */ at) => names(at, figure.dataset) },
        { ...axis, size: 56, space: 34, ...(unit === "seconds" ? { incrs: STEPS } : { incrs: [1, 2, 5, 10, 20, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000, 100_000] }), values: (/** @type {unknown} */ _, /** @type {number[]} */ values) => values.map((value) => show(unit, value)) },
      ],
      series: [{}, ...series],
    },
    [times, ...rows],
    place,
  );
  new ResizeObserver(() => plot.setSize(size())).observe(place);
}

/** @param {number[]} at @param {DOMStringMap} asked */
function names(at, asked) {
  const short = new Intl.DateTimeFormat(language, asked.step === "hour" ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: asked.zone } : { day: "numeric", month: "short", timeZone: asked.zone });
  return at.map((time) => short.format(time * 1000));
}

function drawAll() {
  for (const figure of document.querySelectorAll("[data-chart]")) {
    if (figure instanceof HTMLElement && !figure.querySelector(".uplot") && JSON.parse(figure.dataset.chart ?? "{}").times?.length) draw(figure);
  }
}

/** Dates are asked for only where the period is one's own. */
function showDates() {
  const period = document.getElementById("report-period");
  const own = period instanceof HTMLSelectElement && period.value === "own";
  for (const field of document.querySelectorAll(".own-dates")) if (field instanceof HTMLElement) field.hidden = !own;
}

document.getElementById("report-period")?.addEventListener("change", showDates);
document.addEventListener("htmx:afterSettle", drawAll);
showDates();
drawAll();
