// The line under the head: how much there is of each kind, and what of it needs a look.

import { el } from "./dom.js";
import { sum } from "./parts.js";
import { depth } from "./queues.js";
import { plural } from "./words.js";

/** A link per section with what is most worth knowing of it. */
export function summary(overview) {
  const failing = overview.functions.filter((each) => each.errors).length;
  const letters = sum(
    overview.queues.filter((each) => each.holds_dead_letters),
    depth,
  );
  const waiting = sum(
    overview.queues.filter((each) => !each.holds_dead_letters),
    depth,
  );
  const running = sum(overview.machines, (each) => each.executions.RUNNING ?? 0);
  const failed = sum(overview.machines, (each) => each.executions.FAILED ?? 0);
  const calls = sum(overview.meter, (each) => each.calls);
  return [
    entry(
      "functions",
      plural(overview.functions.length, "function"),
      failing > 0 && `${failing} with errors`,
    ),
    entry(
      "machines",
      plural(overview.machines.length, "state machine"),
      failed > 0 && `${failed} failed`,
      running > 0 && `${running} running`,
    ),
    entry("apis", plural(overview.apis.length, "HTTP API")),
    entry(
      "queues",
      plural(overview.queues.length, "queue"),
      letters > 0 && plural(letters, "dead letter"),
      waiting > 0 && `${waiting} waiting`,
    ),
    entry("schedules", plural(overview.schedules.length, "rule")),
    entry("stacks", plural(overview.stacks.length, "stack")),
    entry("meter", plural(calls, "call")),
  ];
}

function entry(id, text, trouble, news) {
  return el.a(
    { href: `#${id}` },
    text,
    trouble && el.span({ class: "trouble" }, `! ${trouble}`),
    news && el.span({ class: "news" }, news),
  );
}
