// Starts the console, and switches between its pages.

import { ask, change, setToken } from "./api.js";
import * as apps from "./apps.js";
import * as deadTokens from "./dead_tokens.js";
import { byId, notice } from "./dom.js";
import * as findings from "./findings.js";
import * as hubs from "./hubs.js";
import { follow } from "./live.js";
import * as notification from "./notification.js";
import * as outcomes from "./outcomes.js";
import * as overview from "./overview.js";
import * as testSend from "./test_send.js";

const PAGES = {
  overview: () => overview.draw(),
  apps: () => apps.draw(),
  outcomes: () => outcomes.draw(),
  notification: (rest) => notification.open(rest),
  "dead-tokens": () => {},
  hubs: () => hubs.open(),
  test: () => {},
  findings: () => findings.open(),
};

function show(moved) {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const page = Object.hasOwn(PAGES, name) ? name : "overview";
  for (const each of Object.keys(PAGES)) byId(each).hidden = each !== page;
  for (const link of byId("pages").querySelectorAll("a")) {
    if (link.getAttribute("href") === `#${page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = byId(page).querySelector("h1").textContent;
  document.title = `${title} · pushgate console`;
  notice(null);
  if (moved) byId("main").focus({ preventScroll: true });
  PAGES[page](decoded(rest.join("/")));
}

// A truncated link may end within an escape.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function begin() {
  const session = await ask("session");
  setToken(session.token);
  byId("version").textContent = session.version;
  byId("principal").textContent = session.logged_in || session.may_log_in ? session.name : "";
  if (!session.admin) byId("principal").append(" (read only)");
  byId("log-in").hidden = session.logged_in || !session.may_log_in;
  byId("log-out").hidden = !session.logged_in;
  byId("log-out").addEventListener("click", leave);
  byId("hubs-link").hidden = !session.hubs;
  for (const page of [overview, apps, outcomes, notification, deadTokens, hubs, testSend, findings]) page.begin(session);
  addEventListener("hashchange", () => show(true));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
  show(false);
  follow("");
}

async function leave() {
  try {
    await change("logout");
    location.assign("/console/login");
  } catch (error) {
    notice(error.message);
  }
}

begin().catch((error) => notice(error.message));
