// Findings about the running gateway, with advice.

import { ask } from "./api.js";
import { byId, make, pill } from "./dom.js";

const KINDS = { failure: "bad", warning: "warn", ok: "good" };
let found = [];

/** Set up the page. */
export function begin() {
  byId("findings-again").addEventListener("click", open);
  byId("findings-all").addEventListener("change", draw);
}

/** Load the findings. */
export async function open() {
  try {
    found = (await ask("findings")).findings;
    draw();
  } catch (error) {
    byId("findings-status").textContent = error.message;
  }
}

function draw() {
  const count = (level) => found.filter((each) => each.level === level).length;
  const parts = [[count("failure"), "failures"], [count("warning"), "warnings"], [count("ok"), "passed checks"]];
  byId("findings-status").textContent = parts.map(([number, what]) => `${number} ${what}`).join(", ");
  const order = Object.keys(KINDS);
  const shown = found.filter((each) => byId("findings-all").checked || each.level !== "ok");
  shown.sort((one, other) => order.indexOf(one.level) - order.indexOf(other.level));
  byId("findings-list").replaceChildren(...shown.map(panel));
}

function panel(each) {
  return make("article", { class: "panel" },
    make("h2", {}, pill(each.level, KINDS[each.level] ?? "warn"), ` ${each.part}: ${each.what}`),
    each.meaning ? make("p", {}, each.meaning) : null,
    each.advice ? make("p", {}, make("strong", {}, "What to do: "), each.advice) : null,
    ...each.details.map((line) => make("div", { class: "code" }, line)),
    make("p", { class: "muted code" }, each.check));
}
