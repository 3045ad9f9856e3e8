// Calls @azure/notification-hubs, unmodified. Reads a task as JSON: the connection string, the hub's name, and
// calls in their order, each a method and its arguments. Prints what each gave, lists as pages.
// The method "ended" is of this script: the details of a notification, asked for until it has ended.
// In arguments {"$of": [2, "registrationId"]} is a part of what call 2 gave, {"$date": "…"} a date.
import { readFileSync } from "node:fs";
import { NotificationHubsClient } from "@azure/notification-hubs";

const task = JSON.parse(readFileSync(0));
const client = new NotificationHubsClient(task.connection, task.hub, { retryOptions: { maxRetries: 0 } });
const results = [];

function filled(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(filled);
  if ("$date" in value) return new Date(value.$date);
  if ("$of" in value) return value.$of.slice(1).reduce((found, key) => found[key], results[value.$of[0]].value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each)]));
}

async function ended(id) {
  for (const began = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const details = await client.getNotificationOutcomeDetails(id);
    if (["Completed", "NoTargetFound", "Abandoned", "Canceled"].includes(details.state)) return details;
    if (Date.now() - began > 40000) throw new Error(`it is still ${details.state}`);
  }
}

async function call([method, ...given]) {
  if (method === "ended") return ended(...filled(given));
  const answer = await client[method](...filled(given));
  if (answer?.byPage) {
    const pages = [];
    for await (const page of answer.byPage()) pages.push(page);
    return pages;
  }
  return answer?.pollUntilDone ? await answer.pollUntilDone() : answer;
}

for (const each of task.calls) {
  try {
    results.push({ value: (await call(each)) ?? null });
  } catch (error) {
    results.push({ status: error.statusCode ?? 0, error: error.message });
  }
}
console.log(JSON.stringify(results));
