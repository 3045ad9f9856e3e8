// Formats of numbers and times.

const STATES = ["accepted", "replaced", "presumed", "rejected", "suppressed", "expired", "unknown", "cancelled", "failed", "dead-token"];
const GOOD = new Set(["accepted", "replaced", "presumed"]);
const MILD = new Set(["queued", "written", "cancelled", "suppressed", "expired", "dead-token"]);

/** All states of outcomes. */
export const states = STATES;

/** Return the kind of a state, which decides its colour. */
export function kindOf(state) {
  return GOOD.has(state) ? "good" : MILD.has(state) ? "warn" : "bad";
}

/** Format a count, with separators. */
export function count(number) {
  return number === null || number === undefined ? "–" : number.toLocaleString("en", { maximumFractionDigits: number < 10 ? 1 : 0 });
}

/** Format a duration in seconds. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds === 0) return "0";
  if (seconds < 0.0995) return `${(seconds * 1000).toFixed(seconds < 0.00995 ? 1 : 0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** Format Unix seconds as day and time. */
export function moment(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const date = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time(seconds)}`;
}

/** Format Unix seconds as time of day. */
export function time(seconds, digits = 0) {
  const date = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const parts = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return digits ? `${parts}.${String(date.getMilliseconds()).padStart(3, "0")}` : parts;
}
