// The dead tokens of an app, in pages.

import { ask, part } from "./api.js";
import { byId, cell, fillSelect, make } from "./dom.js";
import { listen, snapshot } from "./live.js";
import { count, moment } from "./text.js";
import { turns } from "./turns.js";

const turn = turns();
let query = null;

/** Set up the page; full tokens need `admin`. */
export function begin(session) {
  byId("dead-full-field").hidden = !session.admin;
  byId("dead-form").addEventListener("submit", (event) => {
    event.preventDefault();
    query = { app: byId("dead-app").value, full: byId("dead-full").checked ? "true" : "", after: "" };
    byId("dead-rows").replaceChildren();
    load();
  });
  byId("dead-more").addEventListener("click", load);
  listen(() => fillSelect(byId("dead-app"), Object.keys(snapshot.apps).sort()));
}

async function load() {
  const { app, full, after } = query;
  const isLast = turn();
  byId("dead-more").disabled = true;
  try {
    const page = await ask(`apps/${part(app)}/dead-tokens`, { after, full });
    if (!isLast()) return;
    byId("dead-more").disabled = false;
    byId("dead-rows").append(...page.tokens.map(row));
    query.after = page.next;
    byId("dead-more").hidden = page.next === "";
    const shown = byId("dead-rows").children.length;
    byId("dead-status").textContent = `${count(shown)} of ${count(snapshot.apps[app]?.dead_tokens ?? shown)}${full ? "" : ", hashed"}`;
  } catch (error) {
    if (!isLast()) return;
    byId("dead-status").textContent = error.message;
    byId("dead-more").hidden = true;
  }
}

function row(entry) {
  const source = entry.doubted ? `${entry.reason}, in doubt` : entry.reason;
  return make("tr", {}, cell("Token", make("span", { class: "code" }, entry.token)), cell("Dead since", moment(entry.since)), cell("Source", source));
}
