// The stream of summaries, and what it has told so far.

import { ask } from "./api.js";
import { byId } from "./dom.js";

const POINTS = 300;
const listeners = new Set();
let source = null;
let again = null;
let opened = false;

/** What the stream has told: points of the charts, of one app or ("") all, each app's state and rate, the last records. */
export const told = { app: "", points: [], apps: table({}), rates: table({}), latest: [] };

/** Call this after each summary, with the records that are new. */
export function listen(listener) {
  listeners.add(listener);
}

/** Have the points of one app, or of all. */
export function follow(app) {
  told.app = app;
  opened = false;
  if (source !== null) source.close();
  clearTimeout(again);
  source = new EventSource(`/console/api/live${app ? `?app=${encodeURIComponent(app)}` : ""}`);
  source.addEventListener("open", () => {
    opened = true;
    say("live", "good");
  });
  source.addEventListener("hello", (event) => greet(JSON.parse(event.data)));
  source.addEventListener("tick", (event) => take(JSON.parse(event.data)));
  source.addEventListener("ended", () => lost(app, 0));
  source.addEventListener("error", () => lost(app));
}

// A browser keeps a page that was left, for the way back: its stream would stay open, and of those it has six to a host.
addEventListener("pagehide", () => {
  if (source !== null) source.close();
  source = null;
  clearTimeout(again);
});
// What such a page shows may be of a login that has ended.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

function greet(all) {
  told.points = all.points;
  told.apps = table(all.apps);
  told.rates = table({});
  told.latest = all.latest;
  tell([]);
}

function take(news) {
  told.points.push(news.point);
  told.points.splice(0, Math.max(0, told.points.length - POINTS));
  Object.assign(told.apps, news.apps);
  for (const app of news.gone) delete told.apps[app];
  told.rates = table(news.rates);
  tell(news.latest);
}

// An object without the properties that all objects have: an app may be called "constructor", or "__proto__".
function table(entries) {
  return Object.assign(Object.create(null), entries);
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
      follow(opened ? app : ""); // a stream that never began: the app may be none any more
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
