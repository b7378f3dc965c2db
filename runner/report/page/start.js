// How the page begins: from the data in it, or, while a run goes on, from the command that serves it.

const PRINTED = 2000;

function print() {
  const head = store.head, { rows } = table;
  const needy = rows.n.map((_, row) => row).filter((row) => ["unknown", "changed", "rejected"].includes(bucketOf(row))).sort((a, b) => URGENCY[bucketOf(a)] - URGENCY[bucketOf(b)] || rows.n[a] - rows.n[b]);
  const line = (row) => el("tr", {}, el("td", {}, tag(bucketOf(row))), el("td", {}, rows.key[row]), el("td", {}, rows.lines[row]), el("td", {}, happened(row)), el("td", { class: "number" }, rows.money[row]));
  const more = needy.length > PRINTED ? `; the first ${whole(PRINTED)} are printed` : "";
  byId("print").replaceChildren(el("p", { class: "note" }, needy.length ? `The rows that are unknown, changed or rejected: ${whole(needy.length)} of ${plural(head.total, "row")}${more}.` : "No row is unknown, changed or rejected."),
    needy.length ? el("table", { class: "plain printed" }, el("thead", {}, el("tr", {}, ...["Outcome", "Row", "Lines", "What happened", "Money"].map((name, at) => el("th", { scope: "col", class: at === 4 ? "number" : "" }, name)))),
      el("tbody", {}, ...needy.slice(0, PRINTED).map(line))) : "");
}

function show(head) {
  const first = !store.head;
  store.head = head;
  if (first) takeRows(head); else replaceRows(head);
  drawFacts(head);
  drawFilter(head);
  byId("rows").hidden = false;
  if (head.left_out) byId("count").after(el("p", { class: "none", id: "left-out" }, `To keep the page small it is without the calls of ${plural(head.left_out, "row")}, rows that are done before any others: runner show ${head.run} --key KEY has them.`));
}

// While the run goes on: asks again and again, and seldom where an answer takes long.
async function follow() {
  const began = performance.now();
  try {
    const head = await readHead();
    if (head) show(head);
  } catch {
    byId("pulse").textContent = "the command that served this page has ended; it shows what was last known";
    return;
  }
  const running = store.head.state === "running";
  const told = running ? "live" : "the run has ended, and this page no longer changes";
  if (byId("pulse").textContent !== told) byId("pulse").textContent = told;
  if (running) setTimeout(follow, Math.max(Number(LIVE) * 1000, 5 * (performance.now() - began)));
}

async function start() {
  setUpTheme();
  if (typeof DecompressionStream === "undefined" && !LIVE) {
    trouble(`This browser cannot open what the page holds; any browser since 2023 can. What happened stands above; the rest: runner show ${document.title.split(":")[0].replace("run ", "")}`);
    return;
  }
  try {
    show(await readHead());
    drawColumns();
    setUpTable();
    arrange();
  } catch (error) {
    trouble(`The rows cannot be shown: ${error.message}. The file may have been cut on its way; make it again: runner report`);
    return;
  }
  window.addEventListener("resize", () => { if (byId("summary").clientWidth !== WIDE) drawPictures(store.head); });
  window.addEventListener("beforeprint", print);
  window.addEventListener("afterprint", () => byId("print").replaceChildren());
  performance.mark("interactive");
  document.documentElement.dataset.ready = "yes";
  if (LIVE) {
    byId("count").setAttribute("aria-live", "off");
    follow();
  }
}

start();
