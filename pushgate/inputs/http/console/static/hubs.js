// Hubs: registrations by platform and tag, the count of a tag expression, sends.

import { ask, change, part } from "./api.js";
import { byId, cell, fillSelect, make, notice, pill } from "./dom.js";
import { count, moment } from "./text.js";
import { turns } from "./turns.js";

const FINE = new Set(["Completed", "Processing", "Enqueued", "Scheduled"]);
const turn = turns();
let session = null;
let hubs = [];
let after = "";
let isShown = () => false;

/** Set up the page. */
export function begin(given) {
  session = given;
  byId("hub").addEventListener("change", load);
  byId("hub-again").addEventListener("click", open);
  byId("tags-more").addEventListener("click", () => tags(isShown).catch((error) => notice(error.message)));
  byId("expression-form").addEventListener("submit", tryOut);
}

/** Load the hubs. */
export async function open() {
  try {
    hubs = (await ask("hubs")).hubs;
    byId("hubs-none").hidden = hubs.length > 0;
    byId("hub-parts").hidden = hubs.length === 0;
    fillSelect(byId("hub"), hubs.map((each) => each.name));
    if (hubs.length > 0) await load();
  } catch (error) {
    notice(error.message);
  }
}

async function load() {
  const hub = hubs.find((each) => each.name === byId("hub").value);
  const isLast = turn();
  isShown = isLast;
  after = "";
  byId("tag-rows").replaceChildren();
  byId("expression-result").textContent = "";
  try {
    await Promise.all([platforms(hub, isLast), tags(isLast), sends(hub.name, isLast)]);
    if (isLast()) notice(null);
  } catch (error) {
    if (isLast()) notice(error.message);
  }
}

async function platforms(hub, isLast) {
  const found = await ask(`hubs/${part(hub.name)}/count`);
  if (!isLast()) return;
  const names = [...new Set([...Object.keys(hub.apps), ...Object.keys(found.platforms)])].sort();
  byId("platform-rows").replaceChildren(
    ...names.map((name) => make("tr", {}, make("th", { scope: "row" }, name), cell("App", hub.apps[name] ?? "–"),
      cell("Registrations", count(found.platforms[name] ?? 0), "number"))),
    make("tr", {}, make("th", { scope: "row" }, "all"), cell("App", ""), cell("Registrations", count(found.total), "number")));
}

async function tags(isLast) {
  const more = byId("tags-more");
  more.disabled = true;
  const found = await ask(`hubs/${part(byId("hub").value)}/tags`, { after }).finally(() => { more.disabled = false; });
  if (!isLast()) return;
  byId("tag-rows").append(...found.tags.map(([tag, number]) => make("tr", {}, make("th", { scope: "row" }, tag), cell("Registrations", count(number), "number"))));
  after = found.next;
  more.hidden = after === "";
}

async function tryOut(event) {
  event.preventDefault();
  const result = byId("expression-result");
  try {
    const found = await ask(`hubs/${part(byId("hub").value)}/count`, { expression: byId("expression").value.trim() });
    const each = Object.entries(found.platforms).map(([platform, number]) => `${platform} ${count(number)}`).join(", ");
    result.textContent = `${count(found.total)} registrations${each ? `: ${each}` : ""}`;
  } catch (error) {
    result.textContent = error.message;
  }
}

async function sends(hub, isLast) {
  const found = await ask(`hubs/${part(hub)}/sends`);
  if (!isLast()) return;
  const scheduled = new Set(found.scheduled.map((each) => each.id));
  const all = [...found.scheduled, ...found.latest.filter((each) => !scheduled.has(each.id))];
  byId("send-rows").replaceChildren(...all.map((each) => send(hub, each)));
}

function send(hub, found) {
  const when = found.state === "Scheduled" ? `for ${moment(found.scheduled_for)}` : moment(found.started_at ?? found.at);
  const row = make("tr", {}, make("th", { scope: "row", class: "code" }, found.id), cell("State", pill(found.state, FINE.has(found.state) ? "good" : "warn")),
    cell("Format", found.format), cell("Expression", make("span", { class: "code" }, found.expression ?? "all devices")), cell("When", when));
  if (session.admin && found.state === "Scheduled") {
    const button = make("button", { type: "button", class: "second" }, "Cancel ", make("span", { class: "hidden" }, found.id));
    button.addEventListener("click", () => cancel(hub, found.id));
    row.append(cell("", button));
  } else {
    row.append(make("td"));
  }
  return row;
}

async function cancel(hub, id) {
  try {
    const { cancelled } = await change(`hubs/${part(hub)}/sends/${part(id)}/cancel`);
    await sends(hub, isShown);
    notice(cancelled ? null : "The send has begun already, or is done.");
  } catch (error) {
    notice(error.message);
  }
}
