// Pushes with @parse/node-apn, unmodified. Reads a task as JSON from a file, prints what the library says.
import apn from "@parse/node-apn";
import { readFileSync } from "node:fs";

const task = JSON.parse(readFileSync(process.argv[2]));
const provider = new apn.Provider({
  token: { key: task.key, keyId: task.key_id, teamId: task.team },
  address: task.host,
  port: task.port,
  ca: [task.ca],
  production: true,
});

async function push({ token, topic, alert }) {
  const note = new apn.Notification({ topic, alert, pushType: "alert" });
  const { sent, failed } = await provider.send(note, token);
  if (sent.length) return { status: 200, reason: "" };
  const [{ status, response, error }] = failed;
  return { status, reason: response?.reason ?? String(error), timestamp: response?.timestamp };
}

console.log(JSON.stringify(await Promise.all(task.pushes.map(push))));
await provider.shutdown();
