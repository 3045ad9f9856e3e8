// Pushes with apns2, unmodified: its public field `client` is replaced, as it knows no port but 443.
// Reads a task as JSON from a file, prints what the library says. NODE_EXTRA_CA_CERTS is the authority.
import { readFileSync } from "node:fs";
import { ApnsClient, Notification } from "apns2";
import { Pool } from "undici";

const task = JSON.parse(readFileSync(process.argv[2]));
const client = new ApnsClient({
  team: task.team,
  keyId: task.key_id,
  signingKey: readFileSync(task.key),
  defaultTopic: task.topic,
});
client.client = new Pool(`https://${task.host}:${task.port}`, { connections: 4, allowH2: true });

async function push({ token, topic, alert }) {
  try {
    await client.send(new Notification(token, { topic, alert }));
    return { status: 200, reason: "" };
  } catch (error) {
    return { status: error.statusCode, reason: error.reason, timestamp: error.response?.timestamp };
  }
}

console.log(JSON.stringify(await Promise.all(task.pushes.map(push))));
await client.close();
