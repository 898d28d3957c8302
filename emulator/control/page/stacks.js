// What is deployed: stacks with their resources, and HTTP APIs with their routes.

import { el, name } from "./dom.js";
import { heading, link, nothing, table } from "./parts.js";
import { plural } from "./words.js";

/** HTTP APIs with their routes. */
export function apis(list) {
  return [
    heading("apis", "HTTP APIs"),
    list.length === 0 && nothing("There is no HTTP API."),
    list.map((api) =>
      el.div(
        { "data-key": api.id, class: "api" },
        el.h3(api.name, api.stack && el.span({ class: "muted" }, ` ${api.stack}`), " ", el.code(api.url)),
        api.routes.length > 0 &&
          table(
            `Routes of ${api.name}`,
            ["Method", "Path", "Function", "Authorization"],
            el.tbody(
              api.routes.map((route) => {
                const [method, path] = route.key.includes(" ") ? route.key.split(" ") : ["", route.key];
                return el.tr(
                  { "data-key": route.key },
                  el.td(method),
                  el.th({ scope: "row" }, el.code(path)),
                  el.td(route.target && link(route.target)),
                  el.td({ class: "muted" }, route.authorization === "NONE" ? "none" : route.authorization),
                );
              }),
            ),
          ),
      ),
    ),
  ];
}

/** Stacks, folded, with their resources. */
export function stacks(list) {
  return [
    heading("stacks", "Stacks"),
    list.length === 0 && nothing("No stack is deployed."),
    list.map((stack) =>
      el.details(
        { "data-key": stack.name, class: "stack" },
        el.summary(
          el.b(stack.name),
          " ",
          el.span(
            { class: /FAILED|ROLLBACK/.test(stack.status) ? "chip trouble" : "chip" },
            stack.status.toLowerCase().replaceAll("_", " "),
          ),
          el.span({ class: "muted" }, ` ${plural(stack.resources.length, "resource")}`),
        ),
        el.p({ class: "muted" }, kinds(stack.resources)),
        table(
          `Resources of ${stack.name}`,
          ["Logical id", "Type", "Physical id"],
          el.tbody(
            stack.resources.map((one) =>
              el.tr(
                { "data-key": one.logical_id },
                el.th({ scope: "row" }, name(one.logical_id)),
                el.td(broken(one.type)),
                el.td({ class: "muted" }, name(one.physical_id)),
              ),
            ),
          ),
        ),
      ),
    ),
  ];
}

function kinds(resources) {
  const counts = new Map();
  for (const { type } of resources) counts.set(type, (counts.get(type) ?? 0) + 1);
  const short = (type) => type.split("::").slice(1).join(" ");
  return [...counts]
    .sort((one, other) => other[1] - one[1])
    .map(([type, count]) => `${count} ${short(type)}`)
    .join(", ");
}

/** A type that may break after each `::`. */
function broken(type) {
  return type.split("::").flatMap((part, place) => (place ? ["::", el.wbr(), part] : [part]));
}
