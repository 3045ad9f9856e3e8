// Pushes with firebase-admin, unmodified: it knows no hosts but Google's, which map_hosts.cjs maps.
// Reads a task as JSON, prints what the library says.
import { readFileSync } from "node:fs";
import { cert, deleteApp, initializeApp } from "firebase-admin/app";
import { getMessaging } from "firebase-admin/messaging";

const task = JSON.parse(readFileSync(0));
const app = initializeApp({ credential: cert(task.account) });
const messaging = getMessaging(app);
const message = (token) => ({ token, data: { a: "1" }, notification: { title: "Hello" } });

const said = [];
for (const handle of task.handles.slice(0, 2)) {
  said.push(await messaging.send(message(handle)).catch((error) => error.code));
}
const { responses } = await messaging.sendEach(task.handles.map(message));
said.push(...responses.map((each) => each.messageId ?? each.error.code));
console.log(JSON.stringify(said));
await deleteApp(app);
process.exit();
