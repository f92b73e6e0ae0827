// What every page shows live: the red bar, the recorder's banner, where this session's calls go.
// Pages take part by a "gateway" event on document, or by data-refresh="routes health" on a part with an id.
(() => {
  let source = null, last = null;
  const names = ["exchange", "routes", "health", "recorder", "replay", "recheck"];

  function connect() {
    if (source || document.hidden) return;
    source = new EventSource("/_gateway/api/v1/live" + (last ? "?after=" + last : ""));
    source.addEventListener("hello", (event) => {
      const state = JSON.parse(event.data);
      showProblems(state.routes.problems);
      showRecorder(state.recorder);
    });
    for (const name of names) source.addEventListener(name, (event) => {
      last = event.lastEventId;
      document.dispatchEvent(new CustomEvent("gateway", { detail: { name, data: JSON.parse(event.data) } }));
    });
  }
  // A browser opens six connections to one server: a hidden tab gives its own back and catches up later.
  function disconnect() {
    source?.close();
    source = null;
  }
  document.addEventListener("visibilitychange", () => document.hidden ? disconnect() : connect());
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);

  function showProblems(problems) {
    const bar = document.getElementById("problems");
    bar.querySelector("ul").replaceChildren(...problems.map((text) => {
      const item = document.createElement("li");
      item.appendChild(document.createElement("code")).textContent = text;
      return item;
    }));
    bar.hidden = problems.length === 0;
  }
  let fading = 0;
  function showChanges(changes, mended) {
    const bar = document.getElementById("changed"), count = changes.length;
    if (!count && !mended) return;
    const counted = count === 1 ? "1 change: " : `${count} changes: `;
    bar.firstElementChild.textContent = "routes.yaml is in force: " + (count ? counted + changes.join(", ") : "no change of routes");
    bar.hidden = false;
    clearTimeout(fading);
    fading = setTimeout(() => { bar.hidden = true; }, 15000);
  }
  function showRecorder(data) {
    const bar = document.getElementById("missing");
    const missed = data.missed ? `${data.missed} exchange${data.missed === 1 ? "" : "s"} could not be stored.` : "";
    bar.querySelector("span").textContent = [data.reason, missed].filter(Boolean).join(" ");
    bar.hidden = !data.reason && !data.missed;
  }

  const waiting = new Set();
  let timer = 0;
  async function refresh() {
    timer = 0;
    const ids = [...waiting];
    waiting.clear();
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ids) swap(document.getElementById(id), fresh.getElementById(id));
  }
  // A part that a reader is working in stays as it is: nothing moves under the cursor or the keyboard.
  function swap(old, fresh) {
    if (!old || !fresh || old.innerHTML === fresh.innerHTML) return;
    if (old.querySelector("details[open]") || old.querySelector("input:focus, select:focus, textarea:focus")) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(document.adoptNode(fresh));
    if (focused) document.getElementById(focused)?.focus();
  }
  function later(part) {
    waiting.add(part.id);
    timer ||= setTimeout(() => refresh().catch(() => {}), 150);
  }

  document.addEventListener("gateway", ({ detail: { name, data } }) => {
    if (name === "routes") {
      const wasBad = !document.getElementById("problems").hidden;
      showProblems(data.problems);
      if (!data.problems.length) showChanges(data.changes, wasBad);
      later(document.getElementById("strip"));
    }
    if (name === "recorder") showRecorder(data);
    for (const part of document.querySelectorAll("[data-refresh]"))
      if (part.dataset.refresh.split(" ").includes(name)) later(part);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  });
  if (document.readyState !== "loading")
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
})();
