// The latest outcomes.

import { byId, cell, fillSelect, make, pill } from "./dom.js";
import { listen, snapshot } from "./live.js";
import { kindOf, states, time } from "./text.js";

const ROWS = 100;
let kept = [];
let held = false;
let stale = true;

/** Set up the page. */
export function begin() {
  fillSelect(byId("state-filter"), states, "all");
  byId("state-filter").addEventListener("change", () => { stale = true; draw([]); });
  byId("hold").addEventListener("click", (event) => {
    held = !held;
    event.target.setAttribute("aria-pressed", String(held));
    stale = true;
    draw([]);
  });
  listen(take);
}

function take(records) {
  if (records.length === 0 && snapshot.latest.length > 0 && kept.length === 0) {
    kept = [...snapshot.latest].reverse();
    stale = true;
  }
  if (records.length > 0) {
    kept = [...[...records].reverse(), ...kept].slice(0, ROWS);
    stale = true;
  }
  draw();
}

/** Draw the page if it is shown and not on hold. */
export function draw() {
  if (byId("outcomes").hidden || held || !stale) return;
  stale = false;
  const state = byId("state-filter").value;
  const shown = kept.filter((each) => state === "" || each.state === state);
  byId("outcomes-none").hidden = shown.length > 0;
  byId("outcomes-rows").replaceChildren(...shown.map(row));
}

function row(record) {
  const id = record.id === null ? "" : make("a", { class: "code", href: `#notification/${encodeURIComponent(record.id)}` }, record.id);
  return make("tr", {},
    cell("Time", time(record.at, 3)),
    cell("App", record.app),
    cell("State", pill(record.state, kindOf(record.state))),
    cell("Reason", reason(record)),
    cell("Attempts", record.attempts, "number"),
    cell("Token", make("span", { class: "code" }, record.token ?? record.channel ?? "–")),
    cell("Id", id));
}

function reason(record) {
  const status = record.status === null ? "" : `${record.status} `;
  return `${status}${record.reason}`.trim() || "–";
}
