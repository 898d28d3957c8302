// How figures, times and names are written.

const UNITS = [
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** `2026-11-23 02:00:00` of an RFC 3339 time in UTC. */
export function moment(rfc3339) {
  return rfc3339 ? rfc3339.slice(0, 19).replace("T", " ") : "";
}

/** `3 h 20 min` from one RFC 3339 time to another; two units are enough to plan by. */
export function until(now, later) {
  let left = Math.round((Date.parse(later) - Date.parse(now)) / 1000);
  if (left <= 0) return "now";
  const first = UNITS.findIndex(([, size]) => left >= size);
  const parts = [];
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const whole = Math.floor(left / size);
    left -= whole * size;
    if (whole) parts.push(`${whole} ${unit}`);
  }
  return parts.join(" ");
}

/** `840 ms`, `3.2 s`, `5 min`, `1.5 h`. */
export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3600000) return `${Math.round(ms / 60000)} min`;
  return `${(ms / 3600000).toFixed(1)} h`;
}

/** `12 kB`. */
export function bytes(count) {
  if (count < 1000) return `${count} B`;
  const step = Math.min(Math.floor(Math.log10(count) / 3), 4);
  const scaled = count / 1000 ** step;
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${"kMGT"[step - 1]}B`;
}

/** A text about resources in the words of the page: labels instead of ARNs and generated names. */
export function spoken(text, resources) {
  return resources.reduce(
    (told, { name, label }) => told.replaceAll(name, label),
    text.replace(/arn:[^\s]*[:/]/g, ""),
  );
}

/** `1 queue`, `3 queues`. */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}
