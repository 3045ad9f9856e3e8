// Requests to the gateway.

const ROOT = "/console/api/";
let token = null;

/** What the gateway refused, in its own words. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Note the token that changes are accompanied by. */
export function setToken(given) {
  token = given;
}

/** Go to the login page, which leads back to this one. */
export function toLogin() {
  location.assign(`/console/login${location.hash}`);
}

/** What the gateway answers, as JSON; without a login the login page follows. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "")).toString();
  return answered(await fetch(ROOT + path + (query ? `?${query}` : ""), { headers: { Accept: "application/json" } }));
}

/** Change something. Members in `raw` are JSON already, and are sent as they stand: JavaScript rounds large numbers. */
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

/** A part of a path. */
export function part(text) {
  return encodeURIComponent(text);
}
