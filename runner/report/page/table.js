// The table of rows: only those near the screen are in the document, however many there are.

const COLUMNS = [["bucket", "Outcome"], ["key", "Row"], ["lines", "Lines"], ["why", "What happened"], ["money", "Money", "number"], ["calls", "Requests", "number"], ["ms", "Took", "number"]];
const URGENCY = { unknown: 0, changed: 1, rejected: 2, "not started": 3, found: 4, done: 5 };
const AROUND = 12;

const table = {
  rows: null, texts: [], order: [], open: new Map(), kept: new Map(), nodes: new Map(), current: -1,
  sort: { by: "bucket", down: false }, filter: "", words: [], high: 36, top: el("tr", { "aria-hidden": "true" }), bottom: el("tr", { "aria-hidden": "true" }),
};

function bucketOf(row) { return store.head.buckets[table.rows.bucket[row]]; }

function happened(row) {
  const { why, out, settled } = table.rows;
  return (settled[row] ? "settled since; at the time: " : "") + (why[row] || out[row]);
}

function takeRows(head) {
  const rows = (table.rows = head.rows.n ? head.rows : { n: [], key: [], lines: [], bucket: [], why: [], out: [], ids: [], money: [], calls: [], at: [], ms: [], settled: [] });
  table.texts = rows.n.map((_, row) => [head.buckets[rows.bucket[row]], rows.key[row], rows.lines[row], rows.why[row], rows.out[row], rows.ids[row], rows.money[row]].join("\n").toLowerCase());
}

function compare(by) {
  const { rows } = table, amount = (text) => (text ? Number(text.replaceAll(",", "")) : -Infinity);
  const text = new Intl.Collator("en", { numeric: true }).compare;
  const ways = {
    bucket: (a, b) => URGENCY[bucketOf(a)] - URGENCY[bucketOf(b)],
    key: (a, b) => text(rows.key[a], rows.key[b]),
    lines: (a, b) => rows.n[a] - rows.n[b],
    why: (a, b) => text(happened(a), happened(b)),
    money: (a, b) => amount(rows.money[a]) - amount(rows.money[b]),
    calls: (a, b) => rows.calls[a] - rows.calls[b],
    ms: (a, b) => rows.ms[a] - rows.ms[b],
  };
  return ways[by];
}

function arrange() {
  const { rows, sort, filter, words } = table, way = compare(sort.by), sign = sort.down ? -1 : 1;
  table.order = rows.n.map((_, row) => row)
    .filter((row) => (!filter || bucketOf(row) === filter) && words.every((word) => table.texts[row].includes(word)))
    .sort((a, b) => sign * way(a, b) || rows.n[a] - rows.n[b]);
  if (!table.order.includes(table.current)) table.current = -1;
  byId("table").setAttribute("aria-rowcount", table.order.length + 1);
  const missing = LIVE ? 0 : store.head.counts.reduce((sum, count) => sum + count, 0) - rows.n.length;
  const told = table.order.length === rows.n.length ? plural(rows.n.length, "row") : `${whole(table.order.length)} of ${plural(rows.n.length, "row")}`;
  byId("count").textContent = told + (missing > 0 && (!filter || filter === "not started") ? `; ${whole(missing)} more not reached, see the results file` : "");
  table.nodes.forEach((node) => { node.line.remove(); node.more?.remove(); });
  table.nodes.clear();
  render();
}

// Other rows than before: what was unfolded stays so, and whoever was somewhere is there again.
function replaceRows(head) {
  const before = table.rows, own = document.activeElement, inRows = byId("body").contains(own), inLine = own.matches?.("td.c-key button");
  const open = new Map([...table.open].map(([row, high]) => [before.n[row], high]));
  const kept = new Map([...table.nodes].filter(([, node]) => node.more).map(([row, node]) => [before.n[row], node.more]));
  const current = before.n[table.current];
  takeRows(head);
  const places = new Map(table.rows.n.map((number, row) => [number, row]));
  table.open = new Map([...open].filter(([number]) => places.has(number)).map(([number, high]) => [places.get(number), high]));
  table.kept = new Map([...kept].filter(([number]) => places.has(number)).map(([number, more]) => [places.get(number), more]));
  table.current = places.get(current) ?? -1;
  arrange();
  table.kept = new Map();
  if (inRows) (inLine ? table.nodes.get(table.current)?.button : own.isConnected ? own : null)?.focus({ preventScroll: true });
}

function folds() {
  const found = [];
  if (table.open.size) table.order.forEach((row, place) => { if (table.open.has(row)) found.push([place, table.open.get(row)]); });
  return found;
}

function topOf(place, folded) {
  return place * table.high + folded.reduce((sum, [at, high]) => sum + (at < place ? high : 0), 0);
}

function placeAt(y, folded) {
  let low = 0, high = table.order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (topOf(middle + 1, folded) <= y) low = middle + 1; else high = middle;
  }
  return low;
}

function render() {
  const body = byId("body"), folded = folds(), count = table.order.length;
  if (table.top.parentNode !== body) body.replaceChildren(table.top, table.bottom);
  const seen = -table.top.getBoundingClientRect().top;
  const from = Math.max(0, placeAt(seen, folded) - AROUND), to = Math.min(count, placeAt(seen + window.innerHeight, folded) + AROUND);
  const wanted = table.order.slice(from, to), kept = new Set(wanted);
  for (const [row, node] of table.nodes) if (!kept.has(row)) { node.line.remove(); node.more?.remove(); table.nodes.delete(row); }
  let after = table.top;
  wanted.forEach((row, at) => {
    const node = table.nodes.get(row) || drawRow(row, from + at);
    if (after.nextSibling !== node.line) after.after(node.line);
    after = node.line;
    if (node.more) { if (after.nextSibling !== node.more) after.after(node.more); after = node.more; }
  });
  spacer(table.top, topOf(from, folded));
  spacer(table.bottom, Math.max(0, topOf(count, folded) - topOf(to, folded)));
  reachable();
}

function spacer(line, high) {
  if (!line.firstChild) line.append(el("td", { class: "space", colspan: COLUMNS.length }));
  line.firstChild.style.height = `${high}px`;
  line.hidden = false;
}

// One row is in the order of the tab key: the current one, or the first that is there.
function reachable() {
  const stop = table.nodes.has(table.current) ? table.current : table.nodes.keys().next().value;
  table.nodes.forEach((node, row) => { node.button.tabIndex = row === stop ? 0 : -1; });
}

function drawRow(row, place) {
  const { rows } = table, open = table.open.has(row), bucket = bucketOf(row);
  const button = el("button", { type: "button", "aria-expanded": String(open) }, rows.key[row] || `row ${rows.n[row]}`);
  const content = { bucket: tag(bucket), key: button, lines: rows.lines[row], why: happened(row), money: rows.money[row], calls: rows.calls[row] ? whole(rows.calls[row]) : "", ms: rows.calls[row] ? took(rows.ms[row]) : "" };
  const line = el("tr", { role: "row", class: `line${open ? " open" : ""}`, "aria-rowindex": place + 2 },
    ...COLUMNS.map(([name, , kind]) => el("td", { role: "cell", class: `c-${name} ${kind || ""}`, title: name === "why" ? happened(row) : null }, content[name])));
  const node = { line, button, more: null, place };
  line.addEventListener("click", (event) => { if (!String(getSelection()) || event.target.closest("button")) { table.current = row; toggle(row); } });
  button.addEventListener("focus", () => { table.current = row; reachable(); });
  table.nodes.set(row, node);
  if (open) unfold(row, node);
  return node;
}

function toggle(row) {
  const node = table.nodes.get(row), open = !table.open.has(row);
  if (open) { table.open.set(row, 0); unfold(row, node); } else { table.open.delete(row); node.more?.remove(); node.more = null; }
  node.line.classList.toggle("open", open);
  node.button.setAttribute("aria-expanded", String(open));
  render();
}

const sizes = new ResizeObserver((entries) => {
  let changed = false;
  for (const { target } of entries) {
    const row = Number(target.dataset.row), high = target.getBoundingClientRect().height;
    if (table.open.has(row) && high && table.open.get(row) !== high) { table.open.set(row, high); changed = true; }
  }
  if (changed) requestAnimationFrame(render);
});

async function unfold(row, node) {
  if (table.kept.has(row)) {
    node.more = table.kept.get(row);
    node.more.dataset.row = row;
    return;
  }
  const { rows } = table, reason = rows.why[row], ids = rows.ids[row], out = rows.out[row];
  const inner = el("div", {}, reason ? el("p", { class: `why ${classOf(bucketOf(row))}` }, happened(row)) : null,
    out ? el("p", { class: "why plain" }, out) : null, ids ? el("p", { class: "why plain" }, `ids: ${ids}`) : null);
  node.more = el("tr", { role: "row", class: "more", "data-row": row }, el("td", { role: "cell", class: "fold", colspan: COLUMNS.length }, inner));
  sizes.observe(node.more);
  try { inner.append(...drawCalls(await callsOf(rows.n[row]), rows.calls[row])); } catch (error) { inner.append(el("p", {}, `the calls cannot be shown: ${error.message}`)); }
}

function move(place) {
  const wanted = Math.max(0, Math.min(table.order.length - 1, place)), row = table.order[wanted];
  if (row === undefined) return;
  const folded = folds(), under = Math.max(0, byId("columns").firstChild.getBoundingClientRect().bottom);
  const y = table.top.getBoundingClientRect().top + topOf(wanted, folded);
  if (y < under) window.scrollBy(0, y - under - 4);
  else if (y + table.high > window.innerHeight) window.scrollBy(0, y + table.high - window.innerHeight + 8);
  render();
  table.current = row;
  table.nodes.get(row)?.button.focus({ preventScroll: true });
}

function onKey(event) {
  if (!event.target.matches("td.c-key button")) return;
  const place = table.order.indexOf(table.current), page = Math.max(1, Math.floor(window.innerHeight / table.high) - 4);
  const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: table.order.length - 1, PageDown: place + page, PageUp: place - page }[event.key];
  if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  move(to);
}

function drawColumns() {
  byId("columns").replaceChildren(...COLUMNS.map(([name, label, kind]) => {
    const own = table.sort.by === name, way = table.sort.down ? "descending" : "ascending";
    const button = el("button", { type: "button" }, label, el("span", { "aria-hidden": "true" }, own ? (table.sort.down ? " ↓" : " ↑") : ""));
    button.addEventListener("click", () => {
      table.sort = { by: name, down: own ? !table.sort.down : kind === "number" };
      drawColumns();
      byId("columns").querySelector(`.c-${name} button`).focus();
      arrange();
    });
    return el("th", { role: "columnheader", scope: "col", class: `c-${name} ${kind || ""}`, "aria-sort": own ? way : null }, button);
  }));
}

function drawFilter(head) {
  const present = Object.keys(URGENCY).filter((bucket) => head.counts[head.buckets.indexOf(bucket)]);
  const all = head.counts.reduce((sum, count) => sum + count, 0);
  const choice = (value, content) => el("label", {}, el("input", { type: "radio", name: "bucket", value, checked: table.filter === value }), content);
  byId("filter").replaceChildren(el("legend", {}, "Outcome"), choice("", `all ${whole(all)}`),
    ...present.map((bucket) => choice(bucket, tag(bucket, `${bucket} ${whole(head.counts[head.buckets.indexOf(bucket)])}`))));
}

function chooseFilter(bucket) {
  table.filter = bucket;
  byId("filter").querySelectorAll("input").forEach((input) => { input.checked = input.value === bucket; });
  arrange();
}

function setUpTable() {
  const search = byId("search");
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { table.words = search.value.toLowerCase().split(/\s+/).filter(Boolean); arrange(); }, 80);
  });
  byId("filter").addEventListener("change", (event) => { table.filter = event.target.value; arrange(); });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("body").addEventListener("keydown", onKey);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea")) return;
    event.preventDefault();
    search.focus();
  });
  const measure = () => {
    table.high = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) || 36;
    document.documentElement.style.setProperty("--under", `${byId("controls").offsetHeight - 1}px`);
    render();
  };
  window.addEventListener("scroll", render, { passive: true });
  window.addEventListener("resize", measure);
  measure();
}
