// The audience follows the presenter; whoever goes back stays there until they come back or press "Rejoin".
(() => {
  const $ = (id) => document.getElementById(id);
  const state = () => document.body.dataset;
  let led = { slide: Number(state().at), black: !$("black").hidden }, following = state().slide === state().at;

  async function show(slide) {
    const answer = await fetch(`${state().address}/${slide}`, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = fresh.title;
    Object.assign(state(), fresh.body.dataset);
    document.body.replaceChildren(...document.adoptNode(fresh.body).childNodes);
    scrollTo(0, 0);
    looks();
  }
  function looks() {
    const here = Number(state().slide) === led.slide;
    $("black").hidden = !(led.black && following);
    $("follow").textContent = following ? "Following the presenter" : `Rejoin (slide ${led.slide})`;
    $("follow").toggleAttribute("data-following", following);
    if (here) $("slide").focus({ preventScroll: true });
  }
  function go(slide) {
    const wanted = Math.max(0, Math.min(slide, Number(state().furthest)));
    following = wanted === led.slide;
    show(wanted);
  }
  const source = new EventSource(`${state().address}/events`);
  source.addEventListener("at", (event) => {
    led = JSON.parse(event.data);
    state().furthest = led.furthest;
    $("over").hidden = true;
    if (following) show(led.slide); else looks();
  });
  source.addEventListener("over", () => { source.close(); $("over").hidden = false; });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (link.id === "follow") { event.preventDefault(); following = true; show(led.slide); return; }
    const slide = link.dataset.slide ?? link.getAttribute("href")?.match(/\/watch\/[^/]+\/(\d+)$/)?.[1];
    if (slide === undefined) return;
    event.preventDefault();
    go(Number(slide));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea")) return;
    const at = Number(state().slide);
    const act = {
      ArrowLeft: () => go(at - 1), PageUp: () => go(at - 1), ArrowRight: () => go(at + 1), PageDown: () => go(at + 1),
      End: () => go(led.slide), Home: () => go(0),
    }[event.key];
    if (act && !event.target.closest("pre, .picture")) { event.preventDefault(); act(); }
  });
  looks();
})();
