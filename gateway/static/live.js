// The live list: new exchanges come in on top; while paused, or while the reader has scrolled down, they wait in a pill.
(() => {
  const pill = document.getElementById("pill");
  const pause = document.getElementById("pause"), state = document.getElementById("live-state");
  const KEPT = 500; // rows, and as many more as the reader asked for
  const rows = () => document.getElementById("rows"); // others come with another filter
  const waiting = new Map();
  let paused = false;

  const make = (tag, props = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), props);
    element.append(...children);
    return element;
  };
  const words = (text) => (text ?? "").replaceAll("_", " ");
  function status(x) {
    const kind = typeof x.failure === "string" ? x.failure : x.failure?.kind;
    const code = x.status ?? "";
    if (kind) return ["bad", `${code} ${words(kind)}`];
    if (x.state && x.state !== "done") return ["open", `${code} ${x.state}`];
    if (!x.status) return ["open", "no answer"];
    if (x.status < 300) return ["good", `${code} ${x.reason || "ok"}`];
    if (x.status < 400) return ["moved", `${code} ${x.reason || "redirect"}`];
    return x.status < 500 ? ["warn", `${code} ${x.reason || "client error"}`] : ["bad", `${code} ${x.reason || "server error"}`];
  }
  function row(x) {
    const [kind, text] = status(x);
    const total = x.total_ms ?? x.timing?.total_ms;
    const link = make("a", { className: "target", href: "/_gateway/exchanges/" + encodeURIComponent(x.id) },
      make("b", { textContent: x.method }), " " + x.path);
    const when = (x.started_at ?? "").slice(0, 19).replace("T", " ");
    return make("tr", { id: "x-" + x.id },
      make("td", { className: "x-step" }, make("a", { href: "/_gateway/recordings/" + encodeURIComponent(x.recording), title: "its recording", textContent: x.step })),
      make("td", { className: "x-call" }, link),
      make("td", { className: x.cluster ? "x-where" : "x-where text-body-secondary", textContent: x.cluster ? `${x.cluster}@${x.environment}` : "gateway" }),
      make("td", { className: "x-status" }, make("span", { className: `badge status status-${kind}`, textContent: text.trim() })),
      make("td", { className: "x-took text-end text-nowrap", textContent: total == null ? "–" : total.toFixed(1) + " ms" }),
      make("td", { className: "x-when text-nowrap small" }, make("time", { dateTime: x.started_at, title: x.started_at, textContent: when })));
  }
  function show() {
    document.getElementById("empty")?.remove();
    const most = Math.max(KEPT, rows().children.length);
    for (const x of waiting.values()) {
      const old = document.getElementById("x-" + x.id), fresh = row(x);
      if (old) old.replaceWith(fresh); else rows().prepend(fresh);
    }
    waiting.clear();
    while (rows().children.length > most) rows().lastElementChild.remove();
    tell();
  }
  function tell() {
    const count = [...waiting.keys()].filter((id) => !document.getElementById("x-" + id)).length;
    pill.hidden = count === 0;
    pill.textContent = `${count} new`;
    state.textContent = older() ? "Older ones, newest first." : paused ? "Paused." : "Newest first, as they happen.";
  }
  // With a filter the server says what it finds; events only tell that something came. A page of older ones stands still.
  const asked = () => new URLSearchParams(location.search), query = () => asked().get("q"), older = () => asked().has("cursor");
  let later = 0;
  async function ask() {
    later = 0;
    const q = query();
    const answer = await fetch("/_gateway/live.json?" + new URLSearchParams({ q, limit: 50 }));
    if (!answer.ok || q !== query()) return;
    for (const x of (await answer.json()).items.reverse()) {
      if (!document.getElementById("x-" + x.id)) waiting.set(x.id, x);
    }
    holds() ? tell() : show();
  }
  const holds = () => paused || scrollY > 200;

  let timer = 0;
  document.addEventListener("gateway", ({ detail: { name, data } }) => {
    if (name !== "exchange" || older()) return;
    if (query()) { later ||= setTimeout(ask, 1000); return; }
    waiting.delete(data.id);
    waiting.set(data.id, data);
    if (waiting.size > KEPT) waiting.delete(waiting.keys().next().value);
    timer ||= setTimeout(() => { timer = 0; holds() ? tell() : show(); }, 100);
  });
  document.addEventListener("htmx:afterSettle", ({ detail: { elt } }) => {
    if (elt.id === "found") { waiting.clear(); tell(); }
  });
  pill.addEventListener("click", () => { scrollTo(0, 0); show(); });
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", paused);
    if (paused) tell(); else show();
  });
  pause.hidden = false;
  tell();
})();
