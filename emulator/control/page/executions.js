// One state machine execution: its graph, what went in, what came out, and what happened.

import { draw } from "./graph.js";
import { el } from "./dom.js";
import { figure, heading, nothing, table } from "./parts.js";
import { duration, moment, plural } from "./words.js";

const SIGNS = { RUNNING: "●", SUCCEEDED: "✓", FAILED: "✕", TIMED_OUT: "✕", ABORTED: "■" };
const WORDS = {
  RUNNING: "running",
  SUCCEEDED: "succeeded",
  FAILED: "failed",
  TIMED_OUT: "timed out",
  ABORTED: "aborted",
};

/** State machines with their latest executions; `opened` is the ARN of the one that is shown in full. */
export function machines(list, opened, execution, now) {
  return [
    heading("machines", "State machines"),
    list.length === 0 && nothing("There is no state machine."),
    list.map((machine) =>
      el.div(
        { "data-key": machine.arn, class: "machine" },
        el.h3(
          { title: machine.name },
          machine.label,
          machine.stack && el.span({ class: "muted" }, ` ${machine.stack}`),
          " ",
          Object.entries(machine.executions).map(([status, count]) =>
            badge(status, `${count} ${WORDS[status] ?? status}`),
          ),
          Object.keys(machine.executions).length === 0 && el.span({ class: "muted" }, "not started yet"),
        ),
        machine.latest.length > 0 &&
          table(
            `Latest executions of ${machine.label}`,
            ["Execution", "Status", "Started", "#Took"],
            el.tbody(machine.latest.map((each) => row(each, opened, execution, now))),
          ),
      ),
    ),
  ];
}

function row(each, opened, execution, now) {
  const open = opened === each.arn;
  return [
    el.tr(
      { "data-key": each.arn, class: isBad(each.status) && "troubled" },
      el.th(
        { scope: "row" },
        el.button(
          { class: "plain", "data-act": "execution", "data-name": each.arn, "aria-expanded": String(open) },
          each.name,
        ),
      ),
      el.td(badge(each.status)),
      el.td({ class: "number" }, moment(each.started)),
      figure(duration(Math.max(0, Date.parse(each.stopped ?? now) - Date.parse(each.started)))),
    ),
    open &&
      el.tr(
        { "data-key": `${each.arn} detail`, class: "detail" },
        el.td({ colspan: 4 }, execution?.arn === each.arn ? detail(execution) : nothing("Reading…")),
      ),
  ];
}

function badge(status, text = WORDS[status] ?? status.toLowerCase()) {
  return el.span(
    { class: `chip ${isBad(status) ? "trouble" : status.toLowerCase()}` },
    `${SIGNS[status] ?? ""} ${text}`,
  );
}

function isBad(status) {
  return status === "FAILED" || status === "TIMED_OUT";
}

function detail(execution) {
  return [
    el.p({ class: "muted" }, execution.arn),
    execution.error && [
      el.h4({ class: "trouble" }, `✕ ${execution.error}`),
      execution.cause && el.pre(pretty(execution.cause)),
    ],
    el.div(
      { class: "drawing" },
      draw(execution.states, execution.progress, `Graph of ${execution.machine}: ${WORDS[execution.status]}`),
    ),
    el.div(
      { class: "sides" },
      text("Input", execution.input),
      text("Output", execution.output, execution.stopped ? "none" : "none yet"),
    ),
    el.details(
      { class: "history" },
      el.summary(`History: ${plural(execution.events, "event")}`),
      execution.events > execution.history.length &&
        nothing(`The latest ${execution.history.length} are shown.`),
      table(
        "History of the execution",
        ["#No.", "Time", "Event", "State", "Details"],
        el.tbody(
          [...execution.history]
            .reverse()
            .map((event) =>
              el.tr(
                { "data-key": event.id, class: /Failed|TimedOut|Aborted/.test(event.type) && "troubled" },
                figure(event.id),
                el.td({ class: "number" }, moment(event.at)),
                el.td(event.type),
                el.th({ scope: "row" }, event.state),
                el.td(
                  Object.keys(event.details).length > 0 &&
                    el.details(el.summary("show"), el.pre(JSON.stringify(event.details, null, 2))),
                ),
              ),
            ),
        ),
      ),
    ),
  ];
}

function text(title, document, otherwise) {
  return el.div(el.h4(title), document ? el.pre(pretty(document)) : nothing(otherwise));
}

function pretty(document) {
  try {
    return JSON.stringify(JSON.parse(document), null, 2);
  } catch {
    return document;
  }
}
