// The trace of one notification.

import { ask, change, part } from "./api.js";
import { byId, make, pill } from "./dom.js";
import { kindOf, moment, time } from "./text.js";
import { turns } from "./turns.js";

const turn = turns();
const ON_ITS_WAY = new Set(["queued", "written"]);
let session = null;
let shown = "";

/** Set up the page. */
export function begin(given) {
  session = given;
  byId("look-up").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = byId("look-up-id").value.trim();
    shown = "";
    if (location.hash === `#notification/${encodeURIComponent(id)}`) open(id);
    else location.hash = `notification/${encodeURIComponent(id)}`;
  });
}

/** Show the notification with an id; "" shows none. */
export async function open(id) {
  if (id === "" || id === shown) return;
  shown = id;
  byId("look-up-id").value = id;
  await load(id, false);
}

async function load(id, full) {
  const place = byId("story");
  const isLast = turn();
  try {
    const story = await ask(`notifications/${part(id)}`, full ? { full: "true" } : {});
    if (!isLast()) return;
    place.replaceChildren(facts(story, full), make("div", { class: "panel" }, make("h2", {}, "What happened"), steps(story.events)));
  } catch (error) {
    if (!isLast()) return;
    place.replaceChildren(make("p", { class: "notice" }, error.message));
  }
}

function facts(story, full) {
  const list = make("dl", { class: "facts" });
  const add = (label, value) => list.append(make("dt", {}, label), make("dd", {}, value));
  add("State", pill(story.state, kindOf(story.state)));
  if (story.reason) add("Reason", `${story.status ?? ""} ${story.reason}`.trim());
  add("App", story.app);
  add(full || story.token === null ? "Token" : "Token, hashed", make("span", { class: "code" }, story.token ?? story.channel ?? "no longer known"));
  add("Attempts", story.attempts);
  add("Upstream", story.upstream || "–");
  if (story.unique_id) add("Id at the push service", story.unique_id);
  add("Batch", make("span", { class: "code" }, `${story.batch}, member ${story.index}`));
  add("Last change", moment(story.at));
  const panel = make("div", { class: "panel" }, list);
  if (session.admin && !full && story.token !== null) panel.append(button("Show the full token", () => load(story.id, true)), " ");
  if (session.admin && ON_ITS_WAY.has(story.state)) panel.append(button("Withdraw", () => withdraw(story.id, panel)));
  return panel;
}

async function withdraw(id, panel) {
  let text;
  try {
    const { cancelled } = await change(`notifications/${part(id)}/cancel`);
    text = cancelled ? "The notification is withdrawn." : "The notification was already written, or has its outcome.";
    await load(id, false);
  } catch (error) {
    text = error.message;
  }
  byId("story").prepend(make("p", { role: "status" }, text));
}

function button(text, act) {
  const element = make("button", { type: "button", class: "second" }, text);
  element.addEventListener("click", act);
  return element;
}

function steps(events) {
  return make("ol", { class: "steps" }, ...events.map((event) => {
    const more = [
      event.input ? `through the input ${event.input}` : "",
      event.connection ? `on connection ${event.connection}` : "",
      event.state ?? "", event.status ?? "", event.reason ?? "",
    ].filter((each) => each !== "").join(" · ");
    return make("li", {}, make("strong", {}, event.event), " ", make("span", { class: "muted" }, time(event.at, 3)), more ? make("div", {}, more) : null);
  }));
}
