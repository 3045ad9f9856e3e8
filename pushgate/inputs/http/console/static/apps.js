// The page of apps, with the form that changes a rate.

import { change, part } from "./api.js";
import { byId, cell, fillSelect, make, pill } from "./dom.js";
import { listen, snapshot } from "./live.js";
import { count, duration } from "./text.js";

const rows = new Map();

/** Set up the page; the form needs `admin`. */
export function begin(session) {
  byId("pace").hidden = !session.admin;
  byId("pace").addEventListener("submit", pace);
  listen(draw);
}

/** Draw the page if it is shown. */
export function draw() {
  const names = Object.keys(snapshot.apps).sort();
  fillSelect(byId("pace-app"), names);
  if (byId("apps").hidden) return;
  byId("apps-none").hidden = names.length > 0;
  for (const name of rows.keys()) if (!(name in snapshot.apps)) rows.delete(name);
  const drawn = names.map((name) => row(name, snapshot.apps[name], snapshot.rates[name] ?? 0));
  const body = byId("apps-rows");
  if (drawn.some((each, index) => body.children[index] !== each) || body.children.length !== drawn.length) body.replaceChildren(...drawn);
}

// Rows are replaced only when they changed, so that scroll position and focus stay.
function row(name, app, rate) {
  const key = JSON.stringify([app, rate]);
  const known = rows.get(name);
  if (known?.key === key) return known.element;
  const element = make("tr", {}, make("th", { scope: "row" }, name, " ", make("span", { class: "muted" }, app.upstream ?? "")),
    cell("Circuit", circuit(app)),
    cell("Queue", `${count(app.queue ?? 0)}${app.pressed ? " (nearly full)" : ""}`, "number"),
    cell("Oldest", app.queue ? duration(app.queue_age) : "–", "number"),
    cell("Window", `${count(app.window ?? 0)}${app.delayed ? ` + ${count(app.delayed)} delayed` : ""}`, "number"),
    cell("Outcomes/s", count(rate), "number"),
    cell("Connections", connections(app.connections ?? {})),
    cell("Rate", app.rate ? `${count(app.rate)}/s` : "no limit", "number"),
    cell("Certificate", certificate(app.certificate_days), "number"),
    cell("Dead tokens", count(app.dead_tokens ?? 0), "number"));
  rows.set(name, { key, element });
  return element;
}

function circuit(app) {
  const { open, cause } = app.circuit ?? {};
  const list = make("span", {}, open ? pill(`open: ${cause}`, "bad") : cause ? pill(`closed, last: ${cause}`, "warn") : pill("closed", "good"));
  for (const [origin, route] of Object.entries(app.routes ?? {})) {
    list.append(" ", pill(`${origin}: ${route.open ? "open, " : ""}${route.cause}`, route.open ? "bad" : "warn"));
  }
  return list;
}

function connections(found) {
  const parts = Object.entries(found).filter(([, number]) => number).map(([state, number]) => `${number} ${state}`);
  return parts.join(", ") || "none";
}

function certificate(days) {
  if (days === null || days === undefined) return "–";
  return days < 30 ? pill(`${days} days`, days < 7 ? "bad" : "warn") : `${days} days`;
}

async function pace(event) {
  event.preventDefault();
  const result = byId("pace-result");
  const [app, rate] = [byId("pace-app").value, Number(byId("pace-rate").value)];
  try {
    await change(`apps/${part(app)}/rate`, { rate });
    result.textContent = rate ? `${app}: ${count(rate)} a second at most` : `${app}: no limit`;
  } catch (error) {
    result.textContent = error.message;
  }
}
