// The upper half of the page: the outcome, the summary, money, requests by operation, and the pictures.

function drawOutcome(head) {
  const order = ["unknown", "changed", "rejected", "not started", "found", "done"];
  const parts = order.map((bucket) => [bucket, head.counts[head.buckets.indexOf(bucket)]]).filter(([, count]) => count);
  const link = ([bucket, count]) => el("a", { href: "#rows", onclick: () => chooseFilter(bucket) }, tag(bucket, `${whole(count)} ${bucket}`));
  byId("outcome").replaceChildren(...parts.map(link), el("span", { class: "none" }, (head.under_way ? `${whole(head.under_way)} under way, ` : "") + `of ${plural(head.total, "row")}`));
  byId("state").textContent = head.state + (head.code === null ? "" : `, exit code ${head.code}`);
}

function drawSummary(head) {
  byId("summary").replaceChildren(...head.summary.map(([label, lines]) =>
    el("div", { "data-label": label }, el("dt", {}, label), el("dd", {}, ...lines.map((line) => el("p", {}, line))))));
  byId("asked").replaceChildren(...head.asked.map(([label, text]) => el("div", {}, el("dt", {}, label), el("dd", {}, text))));
}

function plainTable(caption, columns, rows) {
  const cell = (value, at) => at === 0 ? el("th", { scope: "row" }, value) : el("td", { class: `number ${/^0(\.00)?$/.test(value) ? "none" : ""}` }, value);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `table: ${caption}` },
    el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, ...columns.map((name, at) => el("th", { scope: "col", class: at ? "number" : "" }, name)))),
      el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell))))));
}

function section(id, filled, ...content) {
  const node = byId(id);
  node.hidden = !filled;
  node.replaceChildren(node.querySelector("h2"), ...content.filter(Boolean));
}

function drawTables(head) {
  section("money", head.money.length, plainTable("money by operation", ["operation", "reached", "posted", "there already", "unknown", "not posted"], head.money),
    el("p", { class: "note" }, "Reached is what the calls come to that the run has got to: posted + there already + unknown + not posted. What rows that were not started come to is not in it; the plan has it."));
  const requests = head.operations.map((row) => row.map((value, at) => at > 4 ? took(value) : at ? whole(value) : value));
  section("operations", requests.length, plainTable("requests by operation", ["operation", ...head.classes, "median", "95 of 100 within", "longest"], requests), sharedCalls(head));
}

function sharedCalls(head) {
  if (!LIVE && !head.chunks.some((rows) => rows.includes(0))) return null;
  const inner = el("div", {}), node = el("details", { class: "note" }, el("summary", {}, "requests for the run as a whole, such as lookups"), inner);
  node.addEventListener("toggle", async () => { if (node.open && !inner.firstChild) inner.append(...drawCalls(await callsOf(0), 0)); });
  return node;
}

let WIDE = 960;

function frame(high, label, ...content) {
  return svg("svg", { viewBox: `0 0 ${WIDE} ${high + 18}`, role: "img", "aria-label": label }, ...content);
}

function axis(picture, high, most, text) {
  const all = picture.bins * picture.width;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => svg("text", { x: part * WIDE, y: high + 14, "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle" }, part ? took(Math.round(part * all)) : "0"));
  const breaks = picture.breaks.flatMap(([at, length]) => {
    const x = (at / all) * WIDE;
    return [svg("line", { class: "cutline", x1: x, x2: x, y1: 0, y2: high }), svg("text", { x: x + 4, y: 10 }, `${took(length)} later`)];
  });
  return [svg("line", { class: "grid", x1: 0, x2: WIDE, y1: high, y2: high }), svg("line", { class: "grid", x1: 0, x2: WIDE, y1: 0, y2: 0 }),
    svg("text", { x: WIDE, y: -4, "text-anchor": "end" }, text(most)), ...breaks, ...ticks];
}

function waits(picture, high) {
  const all = picture.bins * picture.width;
  return picture.waits.map(([at, length, asked]) => svg("rect", { class: "wait", x: (at / all) * WIDE, y: 0, width: Math.max(1.5, (length / all) * WIDE), height: high },
    svg("title", {}, `${took(length)} without a request${asked ? ", as the API had asked" : ""}`)));
}

const key = (name, label) => el("span", { class: `key ${name}` }, el("i", { "aria-hidden": "true" }), label);

function stacked(series, high, most) {
  const below = new Array(series[0].length).fill(0);
  return series.map((counts) => counts.map((count, at) => {
    const from = below[at];
    below[at] += count;
    return [high - (from / most) * high, high - (below[at] / most) * high];
  }));
}

const sums = (series) => series[0].map((_, at) => series.reduce((sum, counts) => sum + counts[at], 0));

function rowsPicture(head, picture) {
  const high = 110, most = Math.max(1, ...sums(picture.rows)), step = WIDE / picture.bins;
  const areas = stacked(picture.rows, high, most).map((edges, at) => {
    const upper = edges.map(([, top], bin) => `${bin * step},${top} ${(bin + 1) * step},${top}`);
    const lower = edges.map(([low], bin) => `${(bin + 1) * step},${low} ${bin * step},${low}`).reverse();
    return svg("polygon", { class: `area ${classOf(head.buckets[at])}`, points: `${upper.join(" ")} ${lower.join(" ")}` });
  });
  const present = head.buckets.filter((_, at) => picture.rows[at].at(-1));
  const label = present.map((bucket) => `${whole(picture.rows[head.buckets.indexOf(bucket)].at(-1))} ${bucket}`).join(", ");
  return el("figure", {}, el("figcaption", {}, el("h3", {}, "Rows finished"), ...present.map((bucket) => tag(bucket))),
    frame(high, `rows finished over time, in the end: ${label}`, ...waits(picture, high), ...areas, ...axis(picture, high, most, (count) => plural(count, "row"))));
}

function callsPicture(head, picture) {
  const high = 80, most = Math.max(1, ...sums(picture.calls)), step = WIDE / picture.bins, gap = Math.min(1, step / 5);
  const names = ["ok", "refused", "held", "unknown"];
  const bars = stacked(picture.calls, high, most).flatMap((edges, kind) => edges.map(([low, top], bin) => low - top > 0
    ? svg("rect", { class: `bar ${names[kind]}`, x: bin * step, y: top, width: step - gap, height: low - top }) : null));
  const waited = picture.waits.reduce((sum, [, length]) => sum + length, 0);
  const colour = ["done", "rejected", "rest", "unknown"];
  const keys = head.classes.map((name, kind) => picture.calls[kind].some(Boolean) ? key(colour[kind], `${whole(picture.calls[kind].reduce((sum, count) => sum + count))} ${name}`) : null);
  const told = waited ? el("span", { class: "key" }, `grey: ${took(waited)} without a request, in ${plural(picture.waits.length, "wait")}`) : null;
  return el("figure", {}, el("figcaption", {}, el("h3", {}, "Requests"), ...[...keys, told].filter(Boolean)),
    frame(high, `requests over time, ${whole(most)} at most in ${took(picture.width)}`, ...waits(picture, high), ...bars, ...axis(picture, high, most, (count) => `${whole(count)} in ${took(picture.width)}`)));
}

function latencyPicture(picture) {
  const high = 80, most = Math.max(1, ...picture.slow), step = WIDE / picture.bins;
  const line = (name, values) => {
    let path = "", before = false;
    values.forEach((value, bin) => {
      if (!sums(picture.calls)[bin]) { before = false; return; }
      const x = (bin + 0.5) * step, y = high - (value / most) * high;
      path += before ? `L${x} ${y}` : `M${x - step / 3} ${y}L${x} ${y}`;
      before = true;
    });
    return svg("path", { class: name, d: path });
  };
  return el("figure", {}, el("figcaption", {}, el("h3", {}, "Time to an answer"), key("median", "median"), key("slow", "95 of 100 within")),
    frame(high, `time to an answer over time, ${took(most)} at most`, ...waits(picture, high), line("slow", picture.slow), line("median", picture.median), ...axis(picture, high, most, took)));
}

function drawPictures(head) {
  const picture = head.picture;
  WIDE = Math.max(280, byId("summary").clientWidth);
  section("times", picture, ...(picture ? [rowsPicture(head, picture), callsPicture(head, picture), latencyPicture(picture)] : []));
}

function drawFacts(head) {
  drawOutcome(head);
  drawSummary(head);
  drawTables(head);
  drawPictures(head);
}
