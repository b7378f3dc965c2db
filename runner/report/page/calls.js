// What a row unfolds into: its calls, each with request, answer and every attempt.

const KIND = { done: "done", found: "found", rejected: "rejected", denied: "rejected", unknown: "unknown" };

function idOf(text) {
  const found = /"(?:id|\w+_id)":("(?:[^"\\]|\\.)*"|\d+)/.exec(text);
  return found ? found[1].replaceAll('"', "") : "";
}

function side(title, text) {
  if (!text) return null;
  const shown = pretty(text), button = el("button", { type: "button", class: "copy", "aria-label": `copy what was ${title}` }, "copy");
  button.addEventListener("click", () => copy(shown, button));
  return el("div", {}, el("h3", {}, title, button), el("pre", { tabindex: "0", role: "region", "aria-label": title }, shown));
}

function attempts(call) {
  if (!call.tries.length) return null;
  const rest = call.tried - call.tries.length;
  return el("div", {}, el("h3", {}, plural(call.count, "request")), rest ? el("p", { class: "none" }, `the last ${call.tries.length} of them:`) : null,
    el("ol", { start: rest + 1 }, ...call.tries.map(([at, ms, state, status, why]) =>
      el("li", {}, [`at ${took(at)}`, `${took(ms)}`, state, status || "", why].filter(Boolean).join("  ")))));
}

function track(call, from, to) {
  const bar = el("span", { class: classOf(KIND[call.state] || "not started") }), all = Math.max(1, to - from);
  bar.style.left = `${((call.at - from) / all) * 100}%`;
  bar.style.width = `${Math.min(100 - ((call.at - from) / all) * 100, (call.ms / all) * 100)}%`;
  return el("span", { class: "track", "aria-hidden": "true" }, bar);
}

function facts(call) {
  const parts = [`call ${call.id}`, call.op, call.status ? `status ${call.status}` : "", call.amount, `at ${took(call.at)}`,
    call.once ? `once for all rows with ${call.once}` : "", call.again ? `sent again on purpose (${call.again})` : "",
    store.head.run !== call.run ? `run ${call.run} went on with it: what was sent and answered is from there` : ""];
  return parts.filter(Boolean).join("  ·  ");
}

function drawCall(call, from, to, open) {
  const made = call.state === "done" && idOf(call.got), step = call.step + (call.item ? `[${call.item}]` : "");
  const what = `${call.method} ${call.url}` + (call.amount ? `  ${call.amount}` : "") + (made ? `  id ${made}` : "") + (call.why ? `  ${call.why}` : "");
  const pair = [side("sent", call.sent), side("answered", call.got)].filter(Boolean);
  return el("details", { class: "call", open },
    el("summary", {}, el("span", { class: "step" }, step), tag(KIND[call.state] || "not started", call.state),
      el("span", { class: "what mono" }, what), track(call, from, to), el("span", { class: "took" }, call.count ? took(call.ms) : "")),
    el("div", { class: "said" }, el("p", { class: "none" }, facts(call)), call.why ? el("p", {}, call.why) : null,
      pair.length ? el("div", { class: "pair" }, ...pair) : null, attempts(call)));
}

function drawCalls(calls, amount) {
  const head = store.head;
  if (!calls) {
    const why = amount ? `The calls of this row are left out to keep the page small: runner show ${head.run} --key KEY has them.` : "Nothing was sent for this row in this run.";
    return [el("p", { class: "none" }, why)];
  }
  const from = Math.min(...calls.map((call) => call.at)), to = Math.max(...calls.map((call) => call.at + call.ms));
  return calls.map((call) => drawCall(call, from, to, calls.length === 1 || !["done", "found"].includes(call.state)));
}
