// What all of the page uses: elements made without markup, so that data can never become any; the data; the theme.
"use strict";

const SIGNS = { done: "✓", found: "=", changed: "≠", rejected: "✕", unknown: "?", "not started": "○" };
const STATE_BUCKET = { done: "done", found: "found", rejected: "rejected", unknown: "unknown" };
const SVG = "http://www.w3.org/2000/svg";
const LIVE = document.documentElement.dataset.live || "";
const byId = (id) => document.getElementById(id);

function add(node, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
const el = (tag, props, ...children) => add(document.createElement(tag), props, children);
const svg = (tag, props, ...children) => add(document.createElementNS(SVG, tag), props, children);

const classOf = (bucket) => (bucket === "not started" ? "rest" : bucket);
const whole = (number) => number.toLocaleString("en-US");
const plural = (count, noun) => `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;

function took(ms) {
  if (ms < 0) return "";
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000), minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function tag(bucket, word) {
  return el("span", { class: `tag ${classOf(bucket)}` }, el("i", { "aria-hidden": "true" }, SIGNS[bucket] || "·"), word || bucket);
}

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

const store = { head: null, places: null, chunks: new Map() };

// What the page shows; while a run goes on null, when nothing has happened since it was last asked for.
async function readHead() {
  if (!LIVE) return inflate(byId("head").textContent);
  const answer = await fetch(`data?seen=${encodeURIComponent(store.head?.mark || "")}`, { cache: "no-store" });
  if (!answer.ok) throw new Error(`the answer was ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

function openChunk(number) {
  if (!store.chunks.has(number)) {
    if (store.chunks.size > 7) store.chunks.delete(store.chunks.keys().next().value);
    store.chunks.set(number, inflate(byId(`chunk-${number}`).textContent).then(unpacked));
  }
  return store.chunks.get(number);
}

function unpacked(columns) {
  for (const name of ["row", "id", "at"]) {
    let sum = 0;
    columns[name] = columns[name].map((step) => (sum += step));
  }
  const names = Object.keys(columns);
  return columns.row.map((_, place) => Object.fromEntries(names.map((name) => [name, columns[name][place]])));
}

// The calls of a row in the order they were made; null where the page was made without them.
async function callsOf(row) {
  if (LIVE) {
    const calls = await (await fetch(`calls?row=${row}`, { cache: "no-store" })).json();
    return calls.length ? calls : null;
  }
  if (!store.places) {
    store.places = new Map();
    store.head.chunks.forEach((rows, chunk) => rows.forEach((each) => store.places.set(each, [...(store.places.get(each) || []), chunk])));
  }
  const found = [];
  for (const chunk of store.places.get(row) || []) found.push(...(await openChunk(chunk)).filter((call) => call.row === row));
  return found.length ? found.sort((one, other) => one.at - other.at || one.id - other.id) : null;
}

// JSON with line breaks, made from its text: parsing it would lose the digits of money and of long ids.
function pretty(text) {
  if (!/^[[{]/.test(text)) return text;
  let out = "", depth = 0, quoted = false;
  const line = () => "\n" + "  ".repeat(Math.max(0, depth));
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      out += character;
      if (character === "\\") out += text[(at += 1)] ?? "";
      else if (character === '"') quoted = false;
    } else if (character === '"') { quoted = true; out += character; }
    else if ("[{".includes(character)) {
      const empty = "]}".includes(text[at + 1] ?? " ");
      depth += 1;
      out += empty ? character : character + line();
    } else if ("]}".includes(character)) {
      depth -= 1;
      out += "[{".includes(text[at - 1]) ? character : line() + character;
    } else out += character === "," ? "," + line() : character === ":" ? ": " : character;
  }
  return out;
}

async function copy(text, button) {
  try { await navigator.clipboard.writeText(text); } catch {
    const area = el("textarea", { readonly: true }, text);
    button.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = "copied";
  setTimeout(() => { button.textContent = "copy"; }, 1500);
}

function setUpTheme() {
  const button = byId("theme"), themes = ["system", "light", "dark"];
  let current = 0;
  button.hidden = false;
  button.addEventListener("click", () => {
    current = (current + 1) % themes.length;
    if (current) document.documentElement.dataset.theme = themes[current];
    else delete document.documentElement.dataset.theme;
    button.textContent = `theme: ${themes[current]}`;
  });
}

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}
