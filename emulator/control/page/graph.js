// Draws a state machine: states in layers from the start downwards, what is inside a Map or Parallel in its box.
//
// A state goes one layer below the last of those that lead to it. An edge that spans layers passes through a
// point in each, so that it runs between states and not over them. States of a layer are put in the order of
// what leads to them, and each is drawn towards the middle of its neighbours.

import { el } from "./dom.js";

const HEIGHT = 30,
  GAP_X = 22,
  GAP_Y = 26,
  PADDING = 14,
  HEAD = 22,
  LETTER = 6.6;
const SIGNS = { succeeded: "✓ ", failed: "✕ ", aborted: "■ ", caught: "⚠ ", current: "● " };

/** Lay out the states of one level and all that is inside them; gives nodes, edges, width and height. */
export function layOut(states, parent = null) {
  const members = states.filter((state) => (state.parent ?? null) === parent);
  const boxes = new Map(members.map((state) => [state.id, box(state, states)]));
  const edges = members.flatMap((state) =>
    state.next.filter(({ to }) => boxes.has(to)).map((edge) => ({ from: state.id, ...edge })),
  );
  const back = backEdges(members, edges);
  const forward = edges.filter((edge) => !back.has(edge));
  const layers = arrange(members, forward, boxes);
  return place(layers, boxes, forward, [...back]);
}

function box(state, states) {
  const label = Math.min(Math.max(state.label.length, 8), 34) * LETTER + 34;
  const inner = states.some(({ parent }) => parent === state.id) ? layOut(states, state.id) : null;
  return {
    state,
    inner,
    width: Math.max(label, inner ? inner.width + 2 * PADDING : 0),
    height: inner ? inner.height + HEAD + 2 * PADDING : HEIGHT,
  };
}

/** Edges that lead back to a state still being walked from: without them the rest has layers. */
function backEdges(members, edges) {
  const back = new Set(),
    done = new Set(),
    open = new Set();
  const walk = (id) => {
    open.add(id);
    for (const edge of edges.filter(({ from }) => from === id)) {
      if (open.has(edge.to)) back.add(edge);
      else if (!done.has(edge.to)) walk(edge.to);
    }
    open.delete(id);
    done.add(id);
  };
  for (const { id } of members) if (!done.has(id)) walk(id);
  return back;
}

function arrange(members, edges, boxes) {
  const rank = ranks(members, edges);
  const layers = Array.from({ length: Math.max(-1, ...rank.values()) + 1 }, () => []);
  for (const { id } of members) layers[rank.get(id)].push(id);
  edges.forEach((edge, number) => {
    edge.path = [edge.from];
    for (let layer = rank.get(edge.from) + 1; layer < rank.get(edge.to); layer += 1) {
      const point = `edge ${number} in layer ${layer}`;
      boxes.set(point, { width: 8, height: 0 });
      layers[layer].push(point);
      edge.path.push(point);
    }
    edge.path.push(edge.to);
  });
  return inOrder(layers, edges);
}

function ranks(members, edges) {
  const rank = new Map(members.map(({ id }) => [id, 0]));
  for (let pass = 0; pass < members.length; pass += 1) {
    for (const { from, to } of edges) rank.set(to, Math.max(rank.get(to), rank.get(from) + 1));
  }
  return rank;
}

function inOrder(layers, edges) {
  const above = neighbours(edges, (path, place) => path[place - 1]),
    below = neighbours(edges, (path, place) => path[place + 1]);
  for (let sweep = 0; sweep < 4; sweep += 1) {
    const down = sweep % 2 === 0;
    for (let index = 1; index < layers.length; index += 1) {
      const layer = down ? index : layers.length - 1 - index,
        fixed = layers[down ? layer - 1 : layer + 1];
      const middle = new Map(
        layers[layer].map((id, place) => [
          id,
          mean((down ? above : below).get(id)?.map((other) => fixed.indexOf(other))) ?? place,
        ]),
      );
      layers[layer].sort((one, other) => middle.get(one) - middle.get(other));
    }
  }
  return layers;
}

function neighbours(edges, pick) {
  const found = new Map();
  for (const { path } of edges) {
    path.forEach((id, place) => {
      const other = pick(path, place);
      if (other !== undefined) found.set(id, [...(found.get(id) ?? []), other]);
    });
  }
  return found;
}

function mean(values) {
  return values?.length ? values.reduce((total, value) => total + value, 0) / values.length : null;
}

function place(layers, boxes, edges, back) {
  const x = centres(layers, boxes, edges);
  let y = 0;
  const nodes = [],
    at = new Map();
  for (const layer of layers) {
    const height = Math.max(...layer.map((id) => boxes.get(id).height));
    for (const id of layer) {
      const one = boxes.get(id);
      const spot = {
        x: x.get(id) - one.width / 2,
        y: y + (height - one.height) / 2,
        width: one.width,
        height: one.height,
        top: y,
        bottom: y + height,
      };
      at.set(id, spot);
      if (one.state) nodes.push({ ...one, ...spot });
    }
    y += height + GAP_Y;
  }
  const right = Math.max(0, ...nodes.map((node) => node.x + node.width));
  return {
    nodes,
    edges: [
      ...edges.map((edge) => ({ ...edge, d: line(edge.path.map((id) => at.get(id))) })),
      ...back.map((edge) => ({ ...edge, d: loop(at.get(edge.from), at.get(edge.to), right) })),
    ],
    width: right + (back.length ? GAP_X : 0),
    height: Math.max(0, y - GAP_Y),
  };
}

/** Draw each towards the middle of its neighbours, as far as those beside it let it. */
function centres(layers, boxes, edges) {
  const x = new Map();
  for (const layer of layers) {
    let left = 0;
    for (const id of layer) {
      x.set(id, left + boxes.get(id).width / 2);
      left += boxes.get(id).width + GAP_X;
    }
  }
  const sides = [
    neighbours(edges, (path, spot) => path[spot - 1]),
    neighbours(edges, (path, spot) => path[spot + 1]),
  ];
  for (let sweep = 0; sweep < 12; sweep += 1) {
    const side = sides[sweep % 2],
      order = sweep % 2 ? [...layers].reverse() : layers;
    for (const layer of order)
      spread(
        layer,
        boxes,
        x,
        layer.map((id) => mean(side.get(id)?.map((other) => x.get(other))) ?? x.get(id)),
      );
  }
  const left = Math.min(...[...x].map(([id, middle]) => middle - boxes.get(id).width / 2));
  for (const [id, middle] of x) x.set(id, middle - left);
  return x;
}

/** Put a layer's members as near to `wanted` as their widths allow: from the left, from the right, the middle of both. */
function spread(layer, boxes, x, wanted) {
  const gap = (one, other) => (boxes.get(one).width + boxes.get(other).width) / 2 + GAP_X;
  const fromLeft = [...wanted],
    fromRight = [...wanted];
  for (let spot = 1; spot < layer.length; spot += 1)
    fromLeft[spot] = Math.max(wanted[spot], fromLeft[spot - 1] + gap(layer[spot - 1], layer[spot]));
  for (let spot = layer.length - 2; spot >= 0; spot -= 1)
    fromRight[spot] = Math.min(wanted[spot], fromRight[spot + 1] - gap(layer[spot], layer[spot + 1]));
  layer.forEach((id, spot) => x.set(id, (fromLeft[spot] + fromRight[spot]) / 2));
}

function line(spots) {
  const points = spots.flatMap((spot, place) => {
    const middle = spot.x + spot.width / 2;
    if (place === 0) return [[middle, spot.y + spot.height]];
    return place === spots.length - 1
      ? [[middle, spot.y]]
      : [
          [middle, spot.top],
          [middle, spot.bottom],
        ];
  });
  return points.slice(1).reduce(
    (d, [px, py], place) => {
      const [fromX, fromY] = points[place],
        bend = (py - fromY) / 2;
      return `${d} C${round(fromX)} ${round(fromY + bend)} ${round(px)} ${round(py - bend)} ${round(px)} ${round(py)}`;
    },
    `M${round(points[0][0])} ${round(points[0][1])}`,
  );
}

function loop(from, to, right) {
  const y1 = from.y + from.height / 2,
    y2 = to.y + to.height / 2,
    edge = right + GAP_X - 4;
  return `M${round(from.x + from.width)} ${round(y1)} C${round(edge)} ${round(y1)} ${round(edge)} ${round(y2)} ${round(to.x + to.width)} ${round(y2)}`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

/** Draw the graph as SVG; `progress` says of each state what became of it. */
export function draw(states, progress, told) {
  const whole = layOut(states);
  const width = whole.width + 8,
    height = whole.height + 8;
  return el.svg(
    {
      class: "graph",
      viewBox: `-4 -4 ${round(width)} ${round(height)}`,
      width: round(width),
      height: round(height),
      role: "img",
      "aria-label": told,
    },
    el.defs(
      el.marker(
        {
          id: "arrow",
          viewBox: "0 0 8 8",
          refX: 7,
          refY: 4,
          markerWidth: 7,
          markerHeight: 7,
          orient: "auto",
        },
        el.path({ d: "M0 0 L8 4 L0 8 z" }),
      ),
    ),
    level(whole, progress),
  );
}

function level({ nodes, edges }, progress) {
  return [
    edges.map((edge) =>
      el.path(
        { class: `edge ${edge.kind}`, d: edge.d, "marker-end": "url(#arrow)" },
        el.title(edge.title ?? edge.kind),
      ),
    ),
    nodes.map((node) => drawn(node, progress)),
  ];
}

function drawn({ state, inner, x, y, width, height }, progress) {
  const made = progress[state.id],
    status = made?.current ? "current" : (made?.status ?? "untouched");
  const label = `${SIGNS[status] ?? ""}${state.label.length > 34 ? `${state.label.slice(0, 33)}…` : state.label}`;
  const times = made?.count > 1 ? ` ×${made.count}` : "";
  return el.g(
    {
      class: `state ${status}`,
      "data-state": state.label,
      "data-status": status,
      transform: `translate(${round(x)} ${round(y)})`,
    },
    el.title(`${state.label}: ${state.type}, ${status}${times}`),
    el.rect({ width: round(width), height: round(height), rx: state.type === "Choice" ? 14 : 5 }),
    el.text(
      { x: round(width / 2), y: inner ? 18 : round(height / 2 + 4), "text-anchor": "middle" },
      label,
      el.tspan({ class: "times" }, inner || times ? `${inner ? `  ${state.type}` : ""}${times}` : ""),
    ),
    inner &&
      el.g(
        { transform: `translate(${round((width - inner.width) / 2)} ${HEAD + PADDING})` },
        level(inner, progress),
      ),
  );
}
