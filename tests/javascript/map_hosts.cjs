// Preloaded: connections to the hosts of HOSTS_TO_MAP, port 443, go to 127.0.0.1 and PORT_TO_MAP.
// Names in certificates are those of the hosts, so that a client is as strict as ever.
const tls = require("node:tls");

const hosts = new Set(process.env.HOSTS_TO_MAP.split(","));
const port = Number(process.env.PORT_TO_MAP);
const connect = tls.connect;

tls.connect = (...given) => {
  const listener = typeof given.at(-1) === "function" ? [given.pop()] : [];
  const options = {};
  if (typeof given[0] !== "object") options.port = given.shift();
  if (typeof given[0] === "string") options.host = given.shift();
  Object.assign(options, given[0]);
  const host = options.host ?? options.servername;
  if (hosts.has(host)) Object.assign(options, { host: "127.0.0.1", port, servername: host });
  return connect(options, ...listener);
};
