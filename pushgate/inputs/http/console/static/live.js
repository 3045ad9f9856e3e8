// The stream of summaries, and the state that it has transferred.

import { ask } from "./api.js";
import { byId } from "./dom.js";

const POINTS = 300;
const listeners = new Set();
let source = null;
let again = null;
let opened = false;

/** The points of the charts, of one app or ("") all, the state and rate of each app, and the latest records. */
export const snapshot = { app: "", points: [], apps: table({}), rates: table({}), latest: [] };

/** Call a listener after each summary, with the new records. */
export function listen(listener) {
  listeners.add(listener);
}

/** Open the stream, with the points of one app or ("") all. */
export function follow(app) {
  snapshot.app = app;
  opened = false;
  if (source !== null) source.close();
  clearTimeout(again);
  source = new EventSource(`/console/api/live${app ? `?app=${encodeURIComponent(app)}` : ""}`);
  source.addEventListener("open", () => {
    opened = true;
    showConnection("live", "good");
  });
  source.addEventListener("hello", (event) => greet(JSON.parse(event.data)));
  source.addEventListener("tick", (event) => take(JSON.parse(event.data)));
  source.addEventListener("ended", () => lost(app, 0));
  source.addEventListener("error", () => lost(app));
}

// A browser may keep a page in its back/forward cache. The stream would stay open there, and HTTP/1.1 has six connections to a host.
addEventListener("pagehide", () => {
  if (source !== null) source.close();
  source = null;
  clearTimeout(again);
});
// The login of a page that comes out of that cache may have ended.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

function greet(all) {
  snapshot.points = all.points;
  snapshot.apps = table(all.apps);
  snapshot.rates = table({});
  snapshot.latest = all.latest;
  notify([]);
}

function take(news) {
  snapshot.points.push(news.point);
  snapshot.points.splice(0, Math.max(0, snapshot.points.length - POINTS));
  Object.assign(snapshot.apps, news.apps);
  for (const app of news.gone) delete snapshot.apps[app];
  snapshot.rates = table(news.rates);
  notify(news.latest);
}

// An object without inherited properties: an app may be called "constructor" or "__proto__".
function table(entries) {
  return Object.assign(Object.create(null), entries);
}

function notify(records) {
  for (const listener of listeners) listener(records);
}

// Reconnect. If the login has ended, the request for the session leads to the login page.
function lost(app, wait = 2000) {
  if (source !== null) source.close();
  source = null;
  showConnection("not connected", "bad");
  clearTimeout(again);
  again = setTimeout(async () => {
    try {
      await ask("session");
      follow(opened ? app : ""); // the app may have been removed
    } catch {
      lost(app);
    }
  }, wait);
}

function showConnection(text, kind) {
  const element = byId("connection");
  element.textContent = text;
  element.className = `pill ${kind}`;
}
