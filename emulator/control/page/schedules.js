// Rules and schedules: what sets them off, where they lead, and when.

import { el, name } from "./dom.js";
import { heading, link, nothing, table } from "./parts.js";
import { moment, until } from "./words.js";

export function schedules(list, now) {
  const row = (each) =>
    el.tr(
      { "data-key": `${each.kind} ${each.group} ${each.name}`, class: !each.enabled && "off" },
      el.th(
        { scope: "row", title: each.name },
        name(each.label),
        " ",
        !each.enabled && el.span({ class: "chip" }, "disabled"),
        each.group !== "default" && el.span({ class: "chip" }, each.group),
      ),
      el.td(
        each.expression
          ? el.code(each.expression, each.timezone !== "UTC" && ` ${each.timezone}`)
          : pattern(each.pattern),
      ),
      el.td(
        each.targets.map((target) => link(target)),
        each.targets.length === 0 && el.span({ class: "muted" }, "nothing"),
      ),
      el.td(
        { class: "figure" },
        each.next && [until(now, each.next), el.br(), el.span({ class: "muted" }, moment(each.next))],
        !each.next && el.span({ class: "muted" }, each.expression ? "never" : "on event"),
      ),
    );
  return [
    heading("schedules", "Rules and schedules"),
    list.length === 0
      ? nothing("There is no rule and no schedule.")
      : table("Rules and schedules", ["Name", "Set off by", "Target", "#Next"], el.tbody(list.map(row))),
  ];
}

function pattern(wanted) {
  const told = [...(wanted?.["source"] ?? []), ...(wanted?.["detail-type"] ?? [])].map((each) =>
    typeof each === "string" ? each : JSON.stringify(each),
  );
  return el.details(el.summary(told.join(", ") || "pattern"), el.pre(JSON.stringify(wanted, null, 2)));
}
