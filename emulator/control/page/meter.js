// AWS calls by caller, service and operation.

import { el, name } from "./dom.js";
import { figure, heading, nothing } from "./parts.js";
import { bytes } from "./words.js";

const RESTING = 12; // rows of the meter before somebody asks for all of them

const COLUMNS = [
  ["caller", "Caller"],
  ["service", "Service"],
  ["operation", "Operation"],
  ["calls", "Calls"],
  ["errors", "Errors"],
  ["received_bytes", "In"],
  ["sent_bytes", "Out"],
];

/** Calls by caller, service and operation, in the order the reader chose. */
export function meter(list, order, all) {
  const sign = order.down ? -1 : 1;
  const rows = [...list].sort(
    (one, other) => sign * (one[order.by] < other[order.by] ? -1 : one[order.by] > other[order.by] ? 1 : 0),
  );
  const shown = all ? rows : rows.slice(0, RESTING);
  return [
    heading(
      "meter",
      "Calls",
      list.length > 0 && el.button({ class: "quiet", "data-act": "clear-meter" }, "Begin anew"),
    ),
    list.length === 0
      ? nothing("Nothing was called yet.")
      : el.div(
          { class: "wide" },
          el.table(
            el.caption({ class: "unseen" }, "Calls of AWS operations"),
            el.thead(
              el.tr(
                COLUMNS.map(([column, title], place) =>
                  el.th(
                    {
                      scope: "col",
                      class: place > 2 && "figure",
                      "aria-sort": order.by === column ? (order.down ? "descending" : "ascending") : null,
                    },
                    el.button(
                      { class: "plain", "data-act": "sort", "data-by": column },
                      title,
                      order.by === column && (order.down ? " ↓" : " ↑"),
                    ),
                  ),
                ),
              ),
            ),
            el.tbody(
              shown.map((each) =>
                el.tr(
                  { "data-key": `${each.principal} ${each.service} ${each.operation}` },
                  el.td({ title: each.principal }, name(each.caller)),
                  el.td({ class: "word" }, each.service),
                  el.th({ scope: "row" }, each.operation),
                  figure(each.calls),
                  figure(each.errors ? `! ${each.errors}` : "–", each.errors > 0 && "trouble"),
                  figure(bytes(each.received_bytes)),
                  figure(bytes(each.sent_bytes)),
                ),
              ),
            ),
          ),
        ),
    rows.length > RESTING &&
      el.button(
        { class: "quiet", "data-act": "all-calls", "aria-expanded": String(all) },
        all ? `The first ${RESTING} only` : `All ${rows.length}`,
      ),
  ];
}
