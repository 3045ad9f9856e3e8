// Sends with @parse/node-apn, unmodified, as fast as it can.
//
// Usage: node node_apn_client.js PORT AUTHORITY KEY_FILE COUNT IN_FLIGHT
// Prints its seconds from its first request to its last answer, and its CPU seconds between them.
"use strict";
const apn = require("@parse/node-apn");

const [port, authority, key, count, inFlight] = process.argv.slice(2);

async function main() {
  const provider = new apn.Provider({
    token: { key, keyId: "ABC123DEFG", teamId: "DEF123GHIJ" },
    address: "localhost", port: Number(port), ca: [authority], production: true,
  });
  const total = Number(count);
  let next = 0, good = 0;
  async function worker() {
    while (next < total) {
      const note = new apn.Notification();
      note.topic = "com.example.news";
      note.alert = "Your order 4711 is on its way and will arrive today";
      note.expiry = 1800000000;
      const answer = await provider.send(note, (next++).toString(16).padStart(64, "0"));
      good += answer.sent.length;
    }
  }
  next = total - 1;
  await worker(); // the first connection
  next = 0; good = 0;
  const began = process.hrtime.bigint(), cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: Number(inFlight) }, worker));
  const used = process.cpuUsage(cpu);
  if (good !== total) throw new Error(`only ${good} were accepted`);
  console.log(Number(process.hrtime.bigint() - began) / 1e9, (used.user + used.system) / 1e6);
  await provider.shutdown();
  process.exit(0);
}

main().catch((error) => { console.error(error); process.exit(1); });
