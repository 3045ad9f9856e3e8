// Pushes with web-push, unmodified. Reads a task as JSON, prints what the library says.
import { readFileSync } from "node:fs";
import webpush from "web-push";

const task = JSON.parse(readFileSync(0));
webpush.setVapidDetails("mailto:someone@example.com", task.public_key, task.key);

async function push(subscription) {
  try {
    const { statusCode, headers } = await webpush.sendNotification(subscription, task.data, task.options);
    return [statusCode, headers.location];
  } catch (error) {
    return [error.statusCode, JSON.parse(error.body).errno];
  }
}

console.log(JSON.stringify(await Promise.all(task.subscriptions.map(push))));
