// The live list: new calls come in on top. While the reader is in the list, has scrolled or has paused, they wait in a pill.
(() => {
  const pill = document.getElementById("pill"), pause = document.getElementById("pause"), state = document.getElementById("live-state");
  const box = () => document.getElementById("found");
  const asked = () => new URLSearchParams(location.search), older = () => asked().has("cursor");
  const waiting = new Set();
  let paused = false, timer = 0;

  // Whoever points at a row, or goes through the rows by keys, must not have another one under the pointer.
  const holds = () => paused || box().scrollTop > 40 || scrollY > 200 || box().matches(":hover") || box().contains(document.activeElement);
  function tell() {
    pill.hidden = waiting.size === 0;
    pill.textContent = `${waiting.size} new`;
    state.textContent = older() ? "Older calls" : paused ? "Paused" : "Live, newest first";
  }
  async function show() {
    timer = 0;
    const query = asked();
    query.set("part", "rows");
    const answer = await fetch(`/_gateway/live?${query}`, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("rows");
    const old = document.getElementById("rows");
    if (!fresh || !old) return;
    document.getElementById("empty")?.remove();
    old.replaceWith(document.adoptNode(fresh));
    htmx.process(fresh);
    waiting.clear();
    tell();
  }
  document.addEventListener("gateway", ({ detail: { name, data } }) => {
    if (name !== "exchange" || older()) return;
    waiting.add(data.id);
    if (holds()) tell(); else timer ||= setTimeout(() => { if (holds()) { timer = 0; tell(); } else show().catch(() => {}); }, 250);
  });
  document.addEventListener("htmx:afterSettle", ({ detail: { elt } }) => {
    if (elt.id === "found") { waiting.clear(); tell(); }
  });
  pill.addEventListener("click", () => { box().scrollTop = 0; scrollTo(0, 0); show().catch(() => {}); });
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    pause.setAttribute("aria-pressed", paused);
    if (!paused && waiting.size) show().catch(() => {}); else tell();
  });
  pause.disabled = false;
  tell();
})();
