// Keeps the page up to date: reads the overview once a second while somebody looks, and moves the clock.

import { fill } from "./dom.js";
import { machines } from "./executions.js";
import { functions } from "./functions.js";
import { meter } from "./meter.js";
import { queues } from "./queues.js";
import { schedules } from "./schedules.js";
import { apis, stacks } from "./stacks.js";
import { summary } from "./summary.js";
import { moment, spoken, until } from "./words.js";

const PERIOD_MS = 1000;
const NAMED = 3;
const MODES = { wall: "wall clock", frozen: "frozen", running: "running free" };

const reader = { log: null, execution: null, order: { by: "calls", down: true }, all: false };
let overview = null,
  invocations = null,
  execution = null,
  timer = null,
  moving = false;

const byId = (id) => document.getElementById(id);

class Unanswered extends Error {}

async function ask(path, options = {}) {
  const response = await fetch(`/_local/${path}`, options).catch(() => {
    throw new Unanswered("The local cloud does not answer; trying again.");
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `${response.status} for ${path}`);
  return answer;
}

async function look() {
  overview = await ask("overview");
  if (reader.log)
    ({ invocations } = await ask(`invocations?function=${encodeURIComponent(reader.log)}&latest=5`));
  if (reader.execution)
    execution = await ask(`executions/${encodeURIComponent(reader.execution)}`).catch(() => null);
  show();
}

/** Look, say so when nobody answers, and look again in a second unless the tab is out of sight. */
async function refresh() {
  try {
    await look();
    if (byId("notice").dataset.kind === "lost") say("");
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    say(error.message, "lost");
  } finally {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(refresh, PERIOD_MS);
  }
}

function say(text, kind = "told") {
  byId("notice").textContent = text;
  byId("notice").dataset.kind = kind;
}

function show() {
  const { clock } = overview;
  byId("place").textContent = `${overview.endpoint}  account ${overview.account}  ${overview.region}`;
  byId("now").textContent = `${moment(clock.now)} UTC`;
  byId("now").dateTime = clock.now;
  byId("mode").textContent = MODES[clock.mode] ?? clock.mode;
  byId("due").textContent = clock.next
    ? `next in ${until(clock.now, clock.next.at)}: ${inWords(clock.next.what)}`
    : "nothing is due";
  byId("due").title = clock.next ? moment(clock.next.at) : "";
  fill(byId("summary"), summary(overview));
  fill(byId("functions"), functions(overview.functions, reader.log, invocations));
  fill(byId("machines"), machines(overview.machines, reader.execution, execution, clock.now));
  fill(byId("apis"), apis(overview.apis));
  fill(byId("queues"), queues(overview.queues));
  fill(byId("schedules"), schedules(overview.schedules, clock.now));
  fill(byId("stacks"), stacks(overview.stacks));
  fill(byId("meter"), meter(overview.meter, reader.order, reader.all));
}

async function move(wanted, words) {
  if (moving) return;
  moving = true;
  setButtons(true);
  say(`${words} …`);
  try {
    const answer = await ask("clock", { method: "POST", body: JSON.stringify(wanted) });
    say(answer.fired ? `${words}: ${told(answer.fired)}` : "");
  } catch (error) {
    say(error.message, "refused");
  }
  await refresh();
  moving = false;
  setButtons(false);
}

/** What came due, by its first few names. */
function told(fired) {
  if (fired.length === 0) return "nothing was due";
  const more = fired.length > NAMED ? ` and ${fired.length - NAMED} more` : "";
  return fired.slice(0, NAMED).map(inWords).join(", ") + more;
}

function inWords(what) {
  return spoken(what, [
    ...overview.schedules,
    ...overview.queues,
    ...overview.functions,
    ...overview.machines,
  ]);
}

function setButtons(disabled) {
  for (const button of byId("clock-form").querySelectorAll("button")) button.disabled = disabled;
}

const acts = {
  log: ({ name }) => {
    reader.log = reader.log === name ? null : name;
    invocations = null;
  },
  execution: ({ name }) => {
    reader.execution = reader.execution === name ? null : name;
    execution = null;
  },
  sort: ({ by }) => {
    const { order } = reader;
    reader.order = {
      by,
      down: order.by === by ? !order.down : !["caller", "service", "operation"].includes(by),
    };
  },
  "all-calls": () => {
    reader.all = !reader.all;
  },
  "clear-meter": () => ask("meter", { method: "DELETE" }),
};

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-act], button[data-move]");
  if (!button) return;
  if (button.dataset.move) {
    await move(JSON.parse(button.dataset.move), button.textContent);
    return;
  }
  await acts[button.dataset.act](button.dataset);
  if (overview) show();
  await refresh();
});

byId("clock-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = byId("moment").value;
  await move(
    { advance_to: `${typed.length === 16 ? `${typed}:00` : typed}Z` },
    `Advance to ${typed.replace("T", " ")}`,
  );
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else refresh();
});

refresh();
