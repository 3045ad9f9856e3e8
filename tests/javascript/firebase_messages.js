// Sends messages with firebase-admin, unmodified, one after another over HTTP/1.1: see firebase_admin.js.
// Reads a task as JSON, prints what the library says.
import { readFileSync } from "node:fs";
import { cert, initializeApp } from "firebase-admin/app";
import { getMessaging } from "firebase-admin/messaging";

const task = JSON.parse(readFileSync(0));
const messaging = getMessaging(initializeApp({ credential: cert(task.account) }));

const said = [];
for (const message of task.messages) {
  said.push(await messaging.send(message, task.dry_run));
}
console.log(JSON.stringify(said));
process.exit();
