// What happens at the gateway, as "gateway" events on document; and the bars that every page shows of it.
(() => {
  let source = null, port = null, last = null;
  const names = ["exchange", "routes", "health", "recorder", "replay", "recheck", "drift"];

  function take({ id, name, data }) {
    if (name === "hello") {
      showProblems(data.routes.problems);
      showRecorder(data.recorder);
      return;
    }
    last = id;
    document.dispatchEvent(new CustomEvent("gateway", { detail: { name, data } }));
  }
  // A browser opens six connections to one server: all its tabs share one stream (events-worker.js), and a hidden tab
  // gives its part back and catches up later. Where there are no shared workers each tab has a stream of its own.
  function connect() {
    if (source || document.hidden) return;
    if (port) { port.postMessage({ watch: true, after: last }); return; }
    if (window.SharedWorker) {
      port = new SharedWorker(document.body.dataset.events, "gateway-events").port;
      port.onmessage = ({ data }) => take(data);
      port.postMessage({ watch: true, after: last });
      return;
    }
    source = new EventSource("/_gateway/api/v1/live" + (last ? "?after=" + last : ""));
    for (const name of ["hello", ...names]) source.addEventListener(name, (event) => {
      take({ id: event.lastEventId, name, data: JSON.parse(event.data) });
    });
  }
  function disconnect() {
    port?.postMessage({ watch: false });
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
    bar.firstElementChild.textContent = "routes.yaml is in force: " + (count ? counted + changes.join(", ") : "no route changed");
    bar.hidden = false;
    clearTimeout(fading);
    fading = setTimeout(() => { bar.hidden = true; }, 15000);
  }
  function showRecorder(data) {
    const bar = document.getElementById("missing");
    const missed = data.missed ? `${data.missed} call${data.missed === 1 ? "" : "s"} could not be stored.` : "";
    bar.querySelector("span").textContent = [data.reason, missed].filter(Boolean).join(" ");
    bar.hidden = !data.reason && !data.missed;
  }

  document.addEventListener("gateway", ({ detail: { name, data } }) => {
    if (name === "routes") {
      const wasBad = !document.getElementById("problems").hidden;
      showProblems(data.problems);
      if (!data.problems.length) showChanges(data.changes, wasBad);
    }
    if (name === "recorder") showRecorder(data);
  });
})();
// Boxes that are remembered from page to page.
for (const box of document.querySelectorAll("[data-remember]")) {
  const name = "gateway-" + box.dataset.remember;
  try { box.checked = localStorage.getItem(name) === "yes"; } catch { /* private window */ }
  box.addEventListener("change", () => { try { localStorage.setItem(name, box.checked ? "yes" : "no"); } catch { /* private window */ } });
}
