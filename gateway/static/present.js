// The presenter's keys. The next slide's body is swapped in, so that full screen stays; every slide is kept, so that the
// show goes on even when the gateway itself is gone.
(() => {
  const $ = (id) => document.getElementById(id);
  const state = () => document.body.dataset;
  const at = () => Number(state().slide);
  const kept = new Map();
  const talk = "BroadcastChannel" in window ? new BroadcastChannel(state().address) : null;
  let busy = false, black = false, wanted = at();

  async function load(slide) {
    const address = `${state().address}/${slide}`;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(4000) });
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      kept.set(slide, text);
      return text;
    } catch (error) {
      if (kept.has(slide)) return kept.get(slide);
      throw error;
    }
  }
  function swap(text, url) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const whatIf = $("what-if") && !$("what-if").hidden, opened = document.querySelector("dialog[open]")?.id;
    document.title = fresh.title;
    for (const name of Object.keys(state())) delete state()[name];
    Object.assign(state(), fresh.body.dataset);
    document.body.replaceChildren(...document.adoptNode(fresh.body).childNodes);
    if (url) history.replaceState(null, "", url);
    if (whatIf && $("what-if")) $("what-if").hidden = false;
    begin();
    scrollTo(0, 0);
    $("slide").focus({ preventScroll: true });
    if (opened) $(opened)?.showModal(); // it was opened while the slide was on its way
    document.querySelector(".revealed")?.scrollIntoView({ block: "end" });
  }
  // Keys that come while a slide is on its way are not lost: they change where it goes.
  async function show(slide) {
    wanted = Math.max(0, Math.min(Number(state().last), slide));
    if (busy) return;
    busy = true;
    try {
      while (wanted !== at()) {
        const target = wanted;
        swap(await load(target), `${state().address}/${target}`);
        if (at() !== target) wanted = at(); // the recording is shorter by now
        // Live, a step is sent when it is shown; the answer is the slide with what came of it.
        if (state().live === "yes" && Number(state().step)) await send($("live").querySelector("form"), "go");
        await tell();
      }
    } catch {
      location.href = `${state().address}/${wanted}`;
    } finally {
      busy = false;
    }
  }
  // What is refused is said below the slide, and the form stays as it is.
  async function send(form, word, name = "do") {
    const fields = new URLSearchParams(new FormData(form));
    if (word) fields.set(name, word);
    const headers = { Accept: "application/problem+json, text/html" };
    const answer = await fetch(form.action, { method: "POST", body: fields, headers }).catch(() => null);
    if (answer?.ok) swap(await answer.text(), answer.redirected ? answer.url : null);
    else tellWhy(answer && await answer.json().catch(() => ({ title: `The gateway answered ${answer.status}.` })));
  }
  function tellWhy(problem) {
    const { title, detail, hint } = problem || { title: "The gateway does not answer. Is it still running?" };
    $("said").textContent = `That did not work. ${detail || title}${hint ? ` Try: ${hint}` : ""}`;
  }
  // Where the audience is led; its own pages come from the gateway.
  async function tell() {
    talk?.postMessage({ at: at() });
    const form = $("at");
    if (state().audience !== "yes" || !form) return;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("black", black ? "yes" : "no");
    fields.set("what_if", $("what-if") && !$("what-if").hidden ? "yes" : "no");
    await fetch(form.action, { method: "POST", body: fields, redirect: "manual" }).catch(() => null);
  }
  function dark(yes) {
    black = yes;
    $("black").hidden = !yes;
    if (yes) $("black").focus();
    tell();
  }
  function toggle(details) {
    if (!details) return;
    details.open = !details.open;
    if (details.open) {
      details.scrollIntoView({ block: "end" });
      details.querySelector("input:not([type=hidden]), button")?.focus();
    }
  }
  // Where nothing can be revealed it is said, in a region that was there before, so that screen readers tell it.
  function reveal() {
    if ($("secrets")) toggle($("secrets")); else $("said").textContent = $("said").dataset.text;
  }
  // From live back to the recording nothing is sent, so nobody is asked; to go live, the form asks.
  function live() {
    const details = $("live");
    if (!details) return;
    if (state().live === "yes") send(details.querySelector("form"), "stop"); else toggle(details);
  }
  function whatIf() {
    if (!$("what-if")) return;
    $("what-if").hidden = !$("what-if").hidden;
    tell();
  }
  const full = () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  const theme = () => {
    const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.bsTheme = (root.dataset.bsTheme ?? system) === "dark" ? "light" : "dark";
    try { localStorage.setItem("gateway-theme", root.dataset.bsTheme); } catch { /* private window */ }
  };
  const speaker = () => window.open(`${state().address}/speaker?slide=${at()}`, "gateway-speaker", "width=1000,height=700");
  const next = () => show((busy ? wanted : at()) + 1), back = () => show((busy ? wanted : at()) - 1);
  const keys = {
    ArrowRight: next, " ": next, PageDown: next, n: next, ArrowLeft: back, PageUp: back, p: back,
    Home: () => show(0), End: () => show(Number(state().last)),
    o: overview, g: () => $("goto").showModal(), "?": () => $("help").showModal(),
    b: () => dark(true), ".": () => dark(true), w: whatIf, l: live, r: reveal, f: full, t: theme, s: speaker,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (black) { event.preventDefault(); dark(false); return; }
    if (event.key === "Escape") { for (const one of document.querySelectorAll("details[open]")) one.open = false; return; }
    if (event.target.closest("input, textarea, select, dialog")) return;
    if (event.key === " " && event.target.closest("button, summary, a")) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (event.target.id === "black") { dark(false); return; }
    if (event.target.id === "keys") { $("help").showModal(); return; }
    if (event.target.closest("#w")) { event.preventDefault(); whatIf(); return; }
    const link = event.target.closest("a");
    const slide = link?.dataset.slide ?? link?.getAttribute("href")?.match(/\/present\/[^/]+\/(\d+)$/)?.[1];
    if (slide === undefined) return;
    event.preventDefault();
    link.closest("dialog")?.close();
    show(Number(slide));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.closest("#goto")) { goTo(); return; }
    if (form.method !== "post") return;
    event.preventDefault();
    send(form, event.submitter?.value, event.submitter?.name || "do");
  });
  function overview() {
    $("overview").showModal();
    $("overview").querySelector("[aria-current]")?.focus();
  }
  // Steps alike share a slide, so the gateway says which one it is.
  async function goTo() {
    const step = $("step").value;
    $("step").value = "";
    if (!/^\d{1,9}$/.test(step)) return;
    const answer = await fetch(`${state().address}/go?step=${step}`, { method: "HEAD" }).catch(() => null);
    if (answer?.ok) show(Number(answer.url.match(/(\d+)$/)[1]));
  }
  if (talk) talk.onmessage = ({ data }) => {
    if (data.go !== undefined) show(data.go);
    if (data.where) talk.postMessage({ at: at() });
  };
  function begin() {
    $("keys").hidden = false;
    for (const one of [at(), at() + 1]) if (one <= Number(state().last) && !kept.has(one)) load(one).catch(() => {});
  }
  async function keepAll() {
    for (let one = 0; one <= Math.min(Number(state().last), 80); one++) if (!kept.has(one)) await load(one).catch(() => {});
  }
  begin();
  tell();
  setTimeout(keepAll, 1500);
})();
