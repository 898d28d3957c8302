// Builds elements and brings what is on the page in line with them.
//
// Everything that comes from the cloud enters as text or as an attribute's value, never as markup: a function
// called <script> is shown by that name.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set([
  "svg",
  "g",
  "path",
  "rect",
  "text",
  "title",
  "circle",
  "line",
  "defs",
  "marker",
  "tspan",
]);

/**
 * Make elements: `el.td({class: "figure"}, 3)`, `el.tr(el.td("a"), el.td("b"))`. Attributes and children that
 * are false, null or undefined are left out.
 */
export const el = new Proxy(
  {},
  {
    get:
      (_, tag) =>
      (first, ...rest) =>
        isAttributes(first) ? make(tag, first, rest) : make(tag, {}, [first, ...rest]),
  },
);

function isAttributes(value) {
  return value?.constructor === Object;
}

function make(tag, attributes, children) {
  const made = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (isShown(value)) made.setAttribute(attribute, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity).filter(isShown)) {
    made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return made;
}

function isShown(value) {
  return value !== false && value !== null && value !== undefined;
}

/** A name that may break where its words meet: before a capital, and after a hyphen. */
export function name(text) {
  return String(text)
    .split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[-_./])/)
    .flatMap((part, place) => (place ? [el.wbr(), part] : [part]));
}

/**
 * Make `shown` equal to `wanted` and keep what is equal already, so that focus, selection and scroll survive
 * the next second. Whether a <details> is open belongs to its reader.
 */
export function morph(shown, wanted) {
  if (
    shown.nodeType !== wanted.nodeType ||
    shown.nodeName !== wanted.nodeName ||
    keyOf(shown) !== keyOf(wanted)
  ) {
    shown.replaceWith(wanted);
    return;
  }
  if (shown.nodeType === Node.TEXT_NODE) {
    if (shown.data !== wanted.data) shown.data = wanted.data;
    return;
  }
  morphAttributes(shown, wanted);
  morphChildren(shown, [...wanted.childNodes]);
}

/** Fill `place` with `children`, keeping what is equal already. */
export function fill(place, ...children) {
  morphChildren(place, [...el.div(children).childNodes]);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

function morphAttributes(shown, wanted) {
  const isReadersOwn = (name) => name === "open" && shown.nodeName === "DETAILS";
  for (const { name, value } of [...wanted.attributes]) {
    if (shown.getAttribute(name) !== value && !isReadersOwn(name)) shown.setAttribute(name, value);
  }
  for (const { name } of [...shown.attributes]) {
    if (!wanted.hasAttribute(name) && !isReadersOwn(name)) shown.removeAttribute(name);
  }
}

function morphChildren(shown, wanted) {
  wanted.forEach((child, place) => {
    const present = shown.childNodes[place];
    if (present === undefined) {
      shown.append(child);
      return;
    }
    const kept = keyOf(child) !== null && findLater(shown, place, keyOf(child));
    if (kept && kept !== present) shown.insertBefore(kept, present);
    morph(shown.childNodes[place], child);
  });
  while (shown.childNodes.length > wanted.length) shown.lastChild.remove();
}

function findLater(parent, place, key) {
  for (let node = parent.childNodes[place]; node; node = node.nextSibling) {
    if (keyOf(node) === key) return node;
  }
  return null;
}
