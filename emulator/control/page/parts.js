// What the sections are built from.

import { el, name } from "./dom.js";

export function heading(id, title, ...beside) {
  return el.div({ class: "heading" }, el.h2({ id: `${id}-heading` }, title), beside);
}

export function nothing(text) {
  return el.p({ class: "muted" }, text);
}

/** A table; a column whose title begins with # holds figures. */
export function table(caption, columns, ...bodies) {
  return el.div(
    { class: "wide" },
    el.table(
      el.caption({ class: "unseen" }, caption),
      el.thead(
        el.tr(
          columns.map((title) =>
            el.th({ scope: "col", class: title.startsWith("#") && "figure" }, title.replace("#", "")),
          ),
        ),
      ),
      bodies,
    ),
  );
}

/** A cell with a figure, at the right. */
export function figure(text, kind) {
  return el.td({ class: kind ? `figure ${kind}` : "figure" }, text);
}

/** A table's rows in one body per stack, each under the stack's name. */
export function byStack(list, columns, row) {
  const groups = new Map();
  for (const each of list) groups.set(each.stack, [...(groups.get(each.stack) ?? []), each]);
  return [...groups].map(([stack, members]) =>
    el.tbody(
      { "data-key": String(stack) },
      el.tr({ class: "group" }, el.th({ scope: "rowgroup", colspan: columns }, stack ?? "outside stacks")),
      members.map(row),
    ),
  );
}

/** What a source or a target is called. */
export function link(target, note = "") {
  return el.span(
    { class: "target", title: target.arn },
    target.kind === "function" ? "" : `${target.kind} `,
    name(target.label),
    note,
  );
}

export function sum(list, of) {
  return list.reduce((total, each) => total + of(each), 0);
}
