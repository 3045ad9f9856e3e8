// Charts, drawn by uPlot.

/* global uPlot */

const dark = matchMedia("(prefers-color-scheme: dark)");
const drawings = new Set();
dark.addEventListener("change", () => drawings.forEach((each) => each.redraw()));

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888";
}

// Colours of lines without a colour of their own.
const OTHERS = ["presumed", "expired", "accepted", "unknown", "rejected", "replaced", "failed", "suppressed"];

/** A chart of lines over the last minutes. */
export class Chart {
  /**
   * @param place the element in which it is drawn
   * @param label its text alternative
   * @param write formats a value
   */
  constructor(place, label, write) {
    this.place = place;
    this.label = label;
    this.write = write;
    this.names = [];
    this.data = [[]];
    this.plot = null;
    place.setAttribute("role", "img");
    drawings.add(this);
    new ResizeObserver(() => this.resize()).observe(place);
  }

  /** Show lines: `lines` has a list of values for each name. */
  show(times, lines) {
    const names = Object.keys(lines);
    this.data = [times, ...Object.values(lines)];
    const last = names.map((name) => `${name} ${this.write(lines[name].at(-1) ?? null)}`).join(", ");
    this.place.setAttribute("aria-label", `${this.label}: ${last || "nothing yet"}`);
    if (this.plot === null || names.join() !== this.names.join()) {
      this.names = names;
      this.redraw();
    } else if (this.place.clientWidth) {
      this.plot.setData(this.data);
      this.showLast();
    }
  }

  // Without a cursor the legend shows the last values.
  showLast() {
    if (this.plot.cursor.idx === null || this.plot.cursor.idx === undefined || this.plot.cursor.left < 0) {
      this.plot.setLegend({ idx: this.data[0].length - 1 });
    }
  }

  redraw() {
    if (this.plot !== null) this.plot.destroy();
    this.plot = null;
    if (!this.place.clientWidth) return;
    const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
    const series = this.names.map((name, index) => ({
      label: name,
      stroke: colour(this.isKnown(name) ? name : OTHERS[index % OTHERS.length]),
      width: 2,
      points: { show: () => this.data[0].length < 3 },
      value: (_, value) => this.write(value),
    }));
    const options = {
      width: this.place.clientWidth,
      height: 220,
      series: [{ label: "time", value: "{HH}:{mm}:{ss}" }, ...series],
      axes: [{ ...axis, values: "{HH}:{mm}:{ss}", space: 80 }, { ...axis, size: 64, values: (_, all) => all.map((each) => this.write(each)) }],
      scales: { y: { range: (_, low, high) => [0, Math.max(high || 0, 0.001) * 1.1] } },
      cursor: { drag: { x: false, y: false } },
      legend: { live: true },
      hooks: { setCursor: [() => this.plot !== null && this.showLast()] },
    };
    this.plot = new uPlot(options, this.data, this.place);
    this.showLast();
  }

  isKnown(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`) !== "";
  }

  resize() {
    if (!this.place.clientWidth) return;
    if (this.plot === null) this.redraw();
    else if (this.plot.width !== this.place.clientWidth) this.plot.setSize({ width: this.place.clientWidth, height: 220 });
  }
}
