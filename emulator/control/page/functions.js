// Functions: what their workers did, how long it took, and what they logged.

import { el, name } from "./dom.js";
import { byStack, figure, heading, nothing, table } from "./parts.js";
import { duration, moment } from "./words.js";

/** Functions by stack, with what their workers did; `opened` is the one whose log is shown. */
export function functions(list, opened, invocations) {
  const row = (each) => [
    el.tr(
      { "data-key": each.name, class: each.errors > 0 && "troubled" },
      el.th(
        { scope: "row", title: each.name },
        el.button(
          {
            class: "plain",
            "data-act": "log",
            "data-name": each.name,
            "aria-expanded": String(opened === each.name),
          },
          name(each.label),
        ),
      ),
      el.td({ class: "word" }, each.runtime),
      figure(`${each.memory_mb} MB`),
      figure(duration(each.timeout_seconds * 1000)),
      figure(each.busy ? `${each.warm} + ${each.busy} busy` : each.warm || "–"),
      figure(each.invocations || "–"),
      figure(each.errors ? `! ${each.errors}` : "–", each.errors > 0 && "trouble"),
      figure(each.latest.length ? duration(each.latest.at(-1)[0]) : "–"),
      el.td(each.latest.length > 0 && bars(each.latest)),
    ),
    opened === each.name &&
      el.tr(
        { "data-key": `${each.name} log`, class: "detail" },
        el.td({ colspan: 9 }, log(each, invocations)),
      ),
  ];
  return [
    heading("functions", "Functions"),
    list.length === 0
      ? nothing("No function is deployed.")
      : table(
          "Functions and their workers",
          [
            "Function",
            "Runtime",
            "#Memory",
            "#Timeout",
            "#Warm",
            "#Invoked",
            "#Errors",
            "#Last",
            "Latest durations",
          ],
          byStack(list, 9, row),
        ),
  ];
}

function log(each, invocations) {
  const shown = [...(invocations ?? [])].reverse();
  return [
    el.p({ class: "muted" }, each.name),
    shown.length === 0 && nothing("It has not been invoked yet."),
    shown.map((one) =>
      el.article(
        { "data-key": one.request_id, class: one.status === "ok" ? "call" : "call troubled" },
        el.h4(
          `${moment(one.started_at)}  ${one.status === "ok" ? "✓ ok" : `✕ ${one.status}`}`,
          el.span(
            { class: "muted" },
            ` ${duration(one.duration_ms)}${one.init_ms ? `, cold: ${duration(one.init_ms)} to start` : ""}, ${one.max_memory_mb} MB`,
          ),
        ),
        el.pre(one.log_tail),
      ),
    ),
  ];
}

/** The latest durations as bars; one that failed carries a mark above it. */
function bars(latest) {
  const height = 22,
    step = 4,
    longest = Math.max(...latest.map(([ms]) => ms), 1);
  const failed = latest.filter(([, status]) => status !== "ok").length;
  const told = `${latest.length} latest, longest ${duration(longest)}${failed ? `, ${failed} failed` : ""}`;
  return el.svg(
    { class: "bars", width: latest.length * step, height, role: "img", "aria-label": told },
    el.title(told),
    latest.map(([ms, status], place) => {
      const size = Math.max(1.5, (ms / longest) * (height - 6));
      return [
        el.rect({
          class: status === "ok" ? null : "bad",
          x: place * step,
          y: (height - size).toFixed(1),
          width: step - 1,
          height: size.toFixed(1),
        }),
        status !== "ok" &&
          el.circle({ class: "bad", cx: place * step + 1.5, cy: (height - size - 3).toFixed(1), r: 1.5 }),
      ];
    }),
  );
}
