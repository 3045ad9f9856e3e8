// The stream of summaries, and what it has told so far.

import { ask } from "./api.js";
import { byId } from "./dom.js";

const POINTS = 300;
const listeners = new Set();
let source = null;
let again = null;

/** What the stream has told: points of the charts, each app's state and rate, the last records. */
export const told = { points: [], apps: {}, rates: {}, latest: [] };

/** Call this after each summary, with the records that are new. */
export function listen(listener) {
  listeners.add(listener);
}

/** Follow one app, or all. */
export function follow(app) {
  if (source !== null) source.close();
  clearTimeout(again);
  source = new EventSource(`/console/api/live${app ? `?app=${encodeURIComponent(app)}` : ""}`);
  source.addEventListener("open", () => say("live", "good"));
  source.addEventListener("hello", (event) => greet(JSON.parse(event.data)));
  source.addEventListener("tick", (event) => take(JSON.parse(event.data)));
  source.addEventListener("ended", () => lost(app, 0));
  source.addEventListener("error", () => lost(app));
}

function greet(all) {
  told.points = all.points;
  told.apps = all.apps;
  told.rates = {};
  told.latest = all.latest;
  tell([]);
}

function take(news) {
  told.points.push(news.point);
  told.points.splice(0, Math.max(0, told.points.length - POINTS));
  Object.assign(told.apps, news.apps);
  for (const app of news.gone) delete told.apps[app];
  told.rates = news.rates;
  tell(news.latest);
}

function tell(records) {
  for (const listener of listeners) listener(records);
}

// The stream ended: the gateway stopped, or the login did, which the next question shows.
function lost(app, wait = 2000) {
  if (source !== null) source.close();
  source = null;
  say("not connected", "bad");
  clearTimeout(again);
  again = setTimeout(async () => {
    try {
      await ask("session");
      follow(app);
    } catch {
      lost(app);
    }
  }, wait);
}

function say(text, kind) {
  const element = byId("connection");
  element.textContent = text;
  element.className = `pill ${kind}`;
}
