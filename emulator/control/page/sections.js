// The sections of the page: each function takes its part of the overview and gives the nodes that show it.

import { h, name } from "./dom.js";
import { bytes, duration, moment, plural, until } from "./words.js";

const RESTING = 12; // rows of the meter before somebody asks for all of them

/** A link per section with what is most worth knowing of it. */
export function summary(overview) {
  const failing = overview.functions.filter((each) => each.errors).length;
  const letters = sum(overview.queues.filter((each) => each.holds_dead_letters), depth);
  const waiting = sum(overview.queues.filter((each) => !each.holds_dead_letters), depth);
  const running = sum(overview.machines, (each) => each.executions.RUNNING ?? 0);
  const failed = sum(overview.machines, (each) => each.executions.FAILED ?? 0);
  const calls = sum(overview.meter, (each) => each.calls);
  return [
    entry("functions", plural(overview.functions.length, "function"), failing > 0 && `${failing} with errors`),
    entry("machines", plural(overview.machines.length, "state machine"), failed > 0 && `${failed} failed`, running > 0 && `${running} running`),
    entry("apis", plural(overview.apis.length, "HTTP API")),
    entry("queues", plural(overview.queues.length, "queue"), letters > 0 && plural(letters, "dead letter"), waiting > 0 && `${waiting} waiting`),
    entry("schedules", plural(overview.schedules.length, "rule")),
    entry("stacks", plural(overview.stacks.length, "stack")),
    entry("meter", plural(calls, "call")),
  ];
}

function entry(id, text, trouble, news) {
  return h("a", { href: `#${id}` }, text, trouble && h("span", { class: "trouble" }, `! ${trouble}`), news && h("span", { class: "news" }, news));
}

/** Functions by stack, with what their workers did; `opened` is the one whose log is shown. */
export function functions(list, opened, invocations) {
  const row = (each) => [
    h("tr", { "data-key": each.name, class: each.errors > 0 && "troubled" },
      h("th", { scope: "row", title: each.name },
        h("button", { class: "plain", "data-act": "log", "data-name": each.name, "aria-expanded": String(opened === each.name) }, name(each.label))),
      h("td", { class: "word" }, each.runtime),
      figure(`${each.memory_mb} MB`),
      figure(duration(each.timeout_seconds * 1000)),
      figure(each.busy ? `${each.warm} + ${each.busy} busy` : each.warm || "–"),
      figure(each.invocations || "–"),
      figure(each.errors ? `! ${each.errors}` : "–", each.errors > 0 && "trouble"),
      figure(each.latest.length ? duration(each.latest.at(-1)[0]) : "–"),
      h("td", null, each.latest.length > 0 && bars(each.latest))),
    opened === each.name && h("tr", { "data-key": `${each.name} log`, class: "detail" },
      h("td", { colspan: 9 }, log(each, invocations))),
  ];
  return [
    heading("functions", "Functions"),
    list.length === 0
      ? nothing("No function is deployed.")
      : table("Functions and their workers", ["Function", "Runtime", "#Memory", "#Timeout", "#Warm", "#Invoked", "#Errors", "#Last", "Latest durations"], byStack(list, 9, row)),
  ];
}

function log(each, invocations) {
  const shown = [...(invocations ?? [])].reverse();
  return [
    h("p", { class: "muted" }, each.name),
    shown.length === 0 && nothing("It has not been invoked yet."),
    shown.map((one) => h("article", { "data-key": one.request_id, class: one.status === "ok" ? "call" : "call troubled" },
      h("h4", null, `${moment(one.started_at)}  ${one.status === "ok" ? "✓ ok" : `✕ ${one.status}`}`,
        h("span", { class: "muted" }, ` ${duration(one.duration_ms)}${one.init_ms ? `, cold: ${duration(one.init_ms)} to start` : ""}, ${one.max_memory_mb} MB`)),
      h("pre", null, one.log_tail))),
  ];
}

/** The latest durations as bars; one that failed carries a mark above it. */
function bars(latest) {
  const height = 22, step = 4, longest = Math.max(...latest.map(([ms]) => ms), 1);
  const failed = latest.filter(([, status]) => status !== "ok").length;
  const told = `${latest.length} latest, longest ${duration(longest)}${failed ? `, ${failed} failed` : ""}`;
  return h("svg", { class: "bars", width: latest.length * step, height, role: "img", "aria-label": told },
    h("title", null, told),
    latest.map(([ms, status], place) => {
      const size = Math.max(1.5, (ms / longest) * (height - 6));
      return [
        h("rect", { class: status === "ok" ? null : "bad", x: place * step, y: (height - size).toFixed(1), width: step - 1, height: size.toFixed(1) }),
        status !== "ok" && h("circle", { class: "bad", cx: place * step + 1.5, cy: (height - size - 3).toFixed(1), r: 1.5 }),
      ];
    }));
}

/** Queues with their depth; dead letters stand out when there are any. */
export function queues(list) {
  const row = (each) => {
    const bad = each.holds_dead_letters && depth(each) > 0;
    return h("tr", { "data-key": each.name, class: bad && "troubled" },
      h("th", { scope: "row", title: each.name }, name(each.label), " ", each.holds_dead_letters && h("span", { class: bad ? "chip trouble" : "chip" }, bad ? "! dead letters" : "dead letters")),
      figure(each.visible || "–", bad && "trouble"),
      figure(each.in_flight || "–"),
      figure(each.delayed || "–"),
      h("td", null, each.takers.map((taker) => link(taker, taker.enabled ? "" : " (disabled)")),
        each.takers.length === 0 && h("span", { class: "muted" }, each.holds_dead_letters ? "" : "nobody")));
  };
  return [
    heading("queues", "Queues"),
    list.length === 0
      ? nothing("There is no queue.")
      : table("Queues and their depth", ["Queue", "#Visible", "#In flight", "#Delayed", "Taken by"], byStack(sorted(list, "label"), 5, row)),
  ];
}

/** Rules and schedules: what sets them off, where they lead, and when. */
export function schedules(list, now) {
  const row = (each) => h("tr", { "data-key": `${each.kind} ${each.group} ${each.name}`, class: !each.enabled && "off" },
    h("th", { scope: "row", title: each.name }, name(each.label), " ", !each.enabled && h("span", { class: "chip" }, "disabled"),
      each.group !== "default" && h("span", { class: "chip" }, each.group)),
    h("td", null, each.expression ? h("code", null, each.expression, each.timezone !== "UTC" && ` ${each.timezone}`) : pattern(each.pattern)),
    h("td", null, each.targets.map((target) => link(target)), each.targets.length === 0 && h("span", { class: "muted" }, "nothing")),
    h("td", { class: "figure" }, each.next && [until(now, each.next), h("br"), h("span", { class: "muted" }, moment(each.next))], !each.next && h("span", { class: "muted" }, each.expression ? "never" : "on event")));
  return [
    heading("schedules", "Rules and schedules"),
    list.length === 0
      ? nothing("There is no rule and no schedule.")
      : table("Rules and schedules", ["Name", "Set off by", "Target", "#Next"], h("tbody", null, list.map(row))),
  ];
}

function pattern(wanted) {
  const told = [...(wanted?.["source"] ?? []), ...(wanted?.["detail-type"] ?? [])].map((each) => (typeof each === "string" ? each : JSON.stringify(each)));
  return h("details", null, h("summary", null, told.join(", ") || "pattern"), h("pre", null, JSON.stringify(wanted, null, 2)));
}

/** HTTP APIs with their routes. */
export function apis(list) {
  return [
    heading("apis", "HTTP APIs"),
    list.length === 0 && nothing("There is no HTTP API."),
    list.map((api) => h("div", { "data-key": api.id, class: "api" },
      h("h3", null, api.name, api.stack && h("span", { class: "muted" }, ` ${api.stack}`), " ", h("code", null, api.url)),
      api.routes.length > 0 && table(`Routes of ${api.name}`, ["Method", "Path", "Function", "Authorization"],
        h("tbody", null, api.routes.map((route) => {
          const [method, path] = route.key.includes(" ") ? route.key.split(" ") : ["", route.key];
          return h("tr", { "data-key": route.key }, h("td", null, method), h("th", { scope: "row" }, h("code", null, path)),
            h("td", null, route.target && link(route.target)), h("td", { class: "muted" }, route.authorization === "NONE" ? "none" : route.authorization));
        }))))),
  ];
}

/** Stacks, folded, with their resources. */
export function stacks(list) {
  return [
    heading("stacks", "Stacks"),
    list.length === 0 && nothing("No stack is deployed."),
    list.map((stack) => h("details", { "data-key": stack.name, class: "stack" },
      h("summary", null, h("b", null, stack.name), " ", h("span", { class: /FAILED|ROLLBACK/.test(stack.status) ? "chip trouble" : "chip" }, stack.status.toLowerCase().replaceAll("_", " ")),
        h("span", { class: "muted" }, ` ${plural(stack.resources.length, "resource")}`)),
      h("p", { class: "muted" }, kinds(stack.resources)),
      table(`Resources of ${stack.name}`, ["Logical id", "Type", "Physical id"],
        h("tbody", null, stack.resources.map((one) => h("tr", { "data-key": one.logical_id }, h("th", { scope: "row" }, name(one.logical_id)), h("td", null, broken(one.type)), h("td", { class: "muted" }, name(one.physical_id)))))))),
  ];
}

function kinds(resources) {
  const counts = new Map();
  for (const { type } of resources) counts.set(type, (counts.get(type) ?? 0) + 1);
  const short = (type) => type.split("::").slice(1).join(" ");
  return [...counts].sort((one, other) => other[1] - one[1]).map(([type, count]) => `${count} ${short(type)}`).join(", ");
}

const COLUMNS = [["caller", "Caller"], ["service", "Service"], ["operation", "Operation"], ["calls", "Calls"], ["errors", "Errors"], ["received_bytes", "In"], ["sent_bytes", "Out"]];

/** Calls by caller, service and operation, in the order the reader chose. */
export function meter(list, order, all) {
  const sign = order.down ? -1 : 1;
  const rows = [...list].sort((one, other) => sign * (one[order.by] < other[order.by] ? -1 : one[order.by] > other[order.by] ? 1 : 0));
  const shown = all ? rows : rows.slice(0, RESTING);
  return [
    heading("meter", "Calls", list.length > 0 && h("button", { class: "quiet", "data-act": "clear-meter" }, "Begin anew")),
    list.length === 0
      ? nothing("Nothing was called yet.")
      : h("div", { class: "wide" }, h("table", null,
          h("caption", { class: "unseen" }, "Calls of AWS operations"),
          h("thead", null, h("tr", null, COLUMNS.map(([column, title], place) => h("th", { scope: "col", class: place > 2 && "figure", "aria-sort": order.by === column ? (order.down ? "descending" : "ascending") : null },
            h("button", { class: "plain", "data-act": "sort", "data-by": column }, title, order.by === column && (order.down ? " ↓" : " ↑")))))),
          h("tbody", null, shown.map((each) => h("tr", { "data-key": `${each.principal} ${each.service} ${each.operation}` },
            h("td", { title: each.principal }, name(each.caller)), h("td", { class: "word" }, each.service), h("th", { scope: "row" }, each.operation),
            figure(each.calls), figure(each.errors ? `! ${each.errors}` : "–", each.errors > 0 && "trouble"), figure(bytes(each.received_bytes)), figure(bytes(each.sent_bytes))))))),
    rows.length > RESTING && h("button", { class: "quiet", "data-act": "all-calls", "aria-expanded": String(all) }, all ? `The first ${RESTING} only` : `All ${rows.length}`),
  ];
}

/** A type that may break after each `::`. */
function broken(type) {
  return type.split("::").flatMap((part, place) => (place ? ["::", h("wbr"), part] : [part]));
}

export function heading(id, title, ...beside) {
  return h("div", { class: "heading" }, h("h2", { id: `${id}-heading` }, title), beside);
}

export function nothing(text) {
  return h("p", { class: "muted" }, text);
}

/** A table; a column whose title begins with # holds figures. */
export function table(caption, columns, ...bodies) {
  return h("div", { class: "wide" }, h("table", null,
    h("caption", { class: "unseen" }, caption),
    h("thead", null, h("tr", null, columns.map((title) => h("th", { scope: "col", class: title.startsWith("#") && "figure" }, title.replace("#", ""))))),
    bodies));
}

export function figure(text, kind) {
  return h("td", { class: kind ? `figure ${kind}` : "figure" }, text);
}

function byStack(list, columns, row) {
  const groups = new Map();
  for (const each of list) groups.set(each.stack, [...(groups.get(each.stack) ?? []), each]);
  return [...groups].map(([stack, members]) => h("tbody", { "data-key": String(stack) },
    h("tr", { class: "group" }, h("th", { scope: "rowgroup", colspan: columns }, stack ?? "outside stacks")), members.map(row)));
}

function link(target, note = "") {
  return h("span", { class: "target", title: target.arn }, target.kind === "function" ? "" : `${target.kind} `, name(target.label), note);
}

function depth(queue) {
  return queue.visible + queue.in_flight + queue.delayed;
}

function sum(list, of) {
  return list.reduce((total, each) => total + of(each), 0);
}

function sorted(list, by) {
  return [...list].sort((one, other) => one[by].localeCompare(other[by]));
}
