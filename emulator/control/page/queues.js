// Queues: how many messages lie in them, and who takes them.

import { el, name } from "./dom.js";
import { byStack, figure, heading, link, nothing, table } from "./parts.js";

/** Queues with their depth; dead letters stand out when there are any. */
export function queues(list) {
  const row = (each) => {
    const bad = each.holds_dead_letters && depth(each) > 0;
    return el.tr(
      { "data-key": each.name, class: bad && "troubled" },
      el.th(
        { scope: "row", title: each.name },
        name(each.label),
        " ",
        each.holds_dead_letters &&
          el.span({ class: bad ? "chip trouble" : "chip" }, bad ? "! dead letters" : "dead letters"),
      ),
      figure(each.visible || "–", bad && "trouble"),
      figure(each.in_flight || "–"),
      figure(each.delayed || "–"),
      el.td(
        each.takers.map((taker) => link(taker, taker.enabled ? "" : " (disabled)")),
        each.takers.length === 0 && el.span({ class: "muted" }, each.holds_dead_letters ? "" : "nobody"),
      ),
    );
  };
  return [
    heading("queues", "Queues"),
    list.length === 0
      ? nothing("There is no queue.")
      : table(
          "Queues and their depth",
          ["Queue", "#Visible", "#In flight", "#Delayed", "Taken by"],
          byStack(sorted(list, "label"), 5, row),
        ),
  ];
}

/** How many messages a queue holds, whatever they wait for. */
export function depth(queue) {
  return queue.visible + queue.in_flight + queue.delayed;
}

function sorted(list, by) {
  return [...list].sort((one, other) => one[by].localeCompare(other[by]));
}
