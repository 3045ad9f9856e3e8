// Requests to the gateway.

const ROOT = "/console/api/";
let token = null;

/** A request that the gateway refused; the message is the gateway's. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Set the CSRF token that changes are sent with. */
export function setToken(given) {
  token = given;
}

/** Go to the login page, which returns to this page. */
export function toLogin() {
  location.assign(`/console/login${location.hash}`);
}

/** Return the JSON of an answer; go to the login page if a login is needed. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "")).toString();
  return answered(await fetch(ROOT + path + (query ? `?${query}` : ""), { headers: { Accept: "application/json" } }));
}

/** Request a change. `raw` has members that are JSON texts; they are sent unchanged, because JavaScript rounds large numbers. */
export async function change(path, body = {}, raw = {}) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  if (token !== null) headers["X-CSRF-Token"] = token;
  return answered(await fetch(ROOT + path, { method: "POST", headers, body: joined(body, raw) }));
}

function joined(body, raw) {
  const members = Object.entries(body).map(([name, value]) => [name, JSON.stringify(value)]);
  const all = [...members, ...Object.entries(raw)].map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  return `{${all.join(",")}}`;
}

async function answered(response) {
  const found = await response.json().catch(() => ({}));
  if (response.ok) return found;
  if (response.status === 401 && !location.pathname.endsWith("/login")) toLogin();
  throw new Refused(response.status, found.detail ?? `the gateway answered ${response.status}`);
}

/** Escape a segment of a path. */
export function part(text) {
  return encodeURIComponent(text);
}
