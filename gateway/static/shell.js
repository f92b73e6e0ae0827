// What happens at the gateway, as "gateway" events on document; and the bars that every page shows of it.
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

  document.addEventListener("gateway", ({ detail: { name, data } }) => {
    if (name === "routes") {
      const wasBad = !document.getElementById("problems").hidden;
      showProblems(data.problems);
      if (!data.problems.length) showChanges(data.changes, wasBad);
    }
    if (name === "recorder") showRecorder(data);
  });
})();
