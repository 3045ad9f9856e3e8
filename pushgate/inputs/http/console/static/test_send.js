// A test send, with the outcome for each device.

import { change, part } from "./api.js";
import { byId, cell, fillSelect, make, pill } from "./dom.js";
import { listen, snapshot } from "./live.js";
import { duration, kindOf } from "./text.js";

/** Set up the page. */
export function begin(session) {
  byId("test-link").hidden = !session.admin;
  byId("test-form").addEventListener("submit", send);
  listen(() => fillSelect(byId("test-app"), Object.keys(snapshot.apps).sort()));
}

async function send(event) {
  event.preventDefault();
  const status = byId("test-status");
  const tokens = byId("test-tokens").value.split("\n").map((each) => each.trim()).filter((each) => each !== "");
  byId("test-rows").replaceChildren();
  byId("test-button").disabled = true;
  status.textContent = "Sending …";
  try {
    const given = { tokens };
    if (byId("test-topic").value) given.topic = byId("test-topic").value;
    if (byId("test-type").value) given.push_type = byId("test-type").value;
    const result = await change(`apps/${part(byId("test-app").value)}/test-sends`, given, { payload: payload(byId("test-payload").value) });
    byId("test-rows").replaceChildren(...rows(result, tokens));
    status.textContent = result.settled ? "Each device has an outcome." : "Some devices have no outcome yet; look them up later.";
  } catch (error) {
    status.textContent = error.message;
  } finally {
    byId("test-button").disabled = false;
  }
}

// JSON is sent as typed; other text is sent as a string, because some push services take XML.
function payload(text) {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function rows(result, tokens) {
  const refused = result.refused.map(([index, code, reason]) => [index, row(tokens[index], pill("refused", "bad"), code, "–", reason, "")]);
  const tried = result.devices.map((each) => [each.index, row(tokens[each.index], linked(each), reason(each), duration(each.seconds), each.meaning, each.advice)]);
  return [...refused, ...tried].sort(([one], [other]) => one - other).map(([, each]) => each);
}

function row(token, state, why, took, meaning, advice) {
  return make("tr", {}, cell("Device", make("span", { class: "code" }, token)), cell("State", state), cell("Reason", why || "–"),
    cell("Took", took, "number"), cell("What it means", meaning), cell("What to do", advice));
}

function linked(device) {
  const state = device.state ?? "forgotten";
  return make("a", { href: `#notification/${encodeURIComponent(device.id)}` }, pill(state, kindOf(state)));
}

function reason(device) {
  return `${device.status ?? ""} ${device.reason ?? ""}`.trim();
}
