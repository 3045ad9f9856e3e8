// The overview: current figures, and charts of the last five minutes.

import { Chart } from "./charts.js";
import { byId, fillSelect, make } from "./dom.js";
import { follow, listen, snapshot } from "./live.js";
import { count, duration, states } from "./text.js";

let charts = null;
const figures = new Map();

/** Set up the page. */
export function begin() {
  charts = {
    states: new Chart(byId("chart-states"), "Outcomes a second", count),
    times: new Chart(byId("chart-times"), "Time to outcome", duration),
    depth: new Chart(byId("chart-depth"), "Notifications", count),
    lags: new Chart(byId("chart-lags"), "Notifications not taken", count),
  };
  byId("app-filter").addEventListener("change", (event) => follow(event.target.value));
  listen(draw);
}

/** Draw the page if it is shown. */
export function draw() {
  fillSelect(byId("app-filter"), Object.keys(snapshot.apps).sort(), "all");
  byId("app-filter").value = snapshot.app;
  if (snapshot.app !== "" && !(snapshot.app in snapshot.apps)) follow("");
  if (byId("overview").hidden) return;
  const points = snapshot.points;
  const last = points.at(-1);
  tiles(last);
  const times = points.map((each) => each.at);
  const seen = states.filter((state) => points.some((each) => state in each.states));
  charts.states.show(times, lines(seen.length ? seen : ["accepted"], (each, state) => each.states[state] ?? 0));
  charts.times.show(times, { p50: points.map((each) => each.p50), p95: points.map((each) => each.p95) });
  charts.depth.show(times, lines(["queue", "window"], (each, name) => each[name]));
  const sinks = [...new Set(points.flatMap((each) => Object.keys(each.lags)))].sort();
  byId("sinks").hidden = sinks.length === 0;
  charts.lags.show(times, lines(sinks, (each, name) => (Object.hasOwn(each.lags, name) ? each.lags[name] : null)));
}

function lines(names, value) {
  return Object.fromEntries(names.map((name) => [name, snapshot.points.map((each) => value(each, name))]));
}

function tiles(last) {
  const apps = snapshot.app === "" ? Object.values(snapshot.apps) : [snapshot.apps[snapshot.app]];
  const open = apps.filter((each) => each.circuit?.open).length;
  const days = apps.map((each) => each.certificate_days).filter((each) => each !== null);
  show("Outcomes a second", count(last ? Object.values(last.states).reduce((sum, each) => sum + each, 0) : 0));
  show("Waiting", count(last?.queue ?? 0));
  show("In flight", count(last?.window ?? 0));
  show("Median time", duration(last?.p50));
  show("Circuits open", `${open} of ${apps.length}`);
  show("Next certificate", days.length ? `${Math.min(...days)} days` : "–");
}

// A figure is set only when it changed: screen readers announce what is set.
function show(label, text) {
  if (!figures.has(label)) {
    const value = make("dd");
    figures.set(label, value);
    byId("tiles").append(make("div", {}, make("dt", {}, label), value));
  }
  if (figures.get(label).textContent !== text) figures.get(label).textContent = text;
}
