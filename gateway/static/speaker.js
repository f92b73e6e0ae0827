// The speaker's window: follows the presenter's window of the same browser, and leads it.
(() => {
  const $ = (id) => document.getElementById(id);
  const state = () => document.body.dataset;
  const talk = "BroadcastChannel" in window ? new BroadcastChannel(state().address) : null;
  let begun = Date.now();

  async function show(slide) {
    if (slide === Number(state().slide)) return;
    const answer = await fetch(`${state().address}/speaker?slide=${slide}`, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    Object.assign(state(), fresh.body.dataset);
    document.body.replaceChildren(...document.adoptNode(fresh.body).childNodes);
    tick();
  }
  function tick() {
    const seconds = Math.floor((Date.now() - begun) / 1000);
    $("timer").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    $("clock").textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    $("reset").hidden = false;
  }
  function lead(slide) {
    const wanted = Math.max(0, Math.min(Number(state().last), slide));
    talk?.postMessage({ go: wanted });
    show(wanted);
  }
  if (talk) talk.onmessage = ({ data }) => { if (data.at !== undefined) show(data.at); };
  document.addEventListener("click", (event) => {
    if (event.target.id === "reset") { begun = Date.now(); tick(); return; }
    const link = event.target.closest("a[data-slide]");
    if (!link) return;
    event.preventDefault();
    lead(Number(link.dataset.slide));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = Number(state().slide);
    const act = { ArrowRight: () => lead(at + 1), " ": () => lead(at + 1), PageDown: () => lead(at + 1),
      ArrowLeft: () => lead(at - 1), PageUp: () => lead(at - 1), Home: () => lead(0), End: () => lead(Number(state().last)) }[event.key];
    if (act && !(event.key === " " && event.target.closest("button, a"))) { event.preventDefault(); act(); }
  });
  setInterval(tick, 1000);
  tick();
  talk?.postMessage({ where: true });
})();
