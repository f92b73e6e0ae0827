// A list with a pane: data-split holds rows with data-call and #pane. A click or a key selects a row; the pane follows.
// Without this a row is a link to the same page with the pane filled.
(() => {
  const wide = matchMedia("(min-width: 1200px)");
  const split = () => document.querySelector("[data-split]");
  const rows = () => [...document.querySelectorAll("[data-split] [data-call]")].filter((row) => row.offsetParent !== null);
  let tab = "", timer = 0, asked = 0;

  function mark(row) {
    for (const one of document.querySelectorAll("[data-call].sel")) { one.classList.remove("sel"); one.removeAttribute("aria-current"); }
    row.classList.add("sel");
    row.setAttribute("aria-current", "true");
  }
  async function show(address, push = true) {
    const turn = ++asked, url = new URL(address, location.href);
    if (tab && !url.searchParams.has("pane")) url.searchParams.set("pane", tab);
    if (push) history.replaceState(history.state, "", url);
    url.searchParams.set("part", "pane");
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    if (!answer.ok || turn !== asked) return; // another row was selected meanwhile
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("pane");
    const old = document.getElementById("pane");
    if (!fresh || !old) return;
    old.replaceWith(document.adoptNode(fresh));
    htmx.process(fresh);
    for (const button of fresh.querySelectorAll("[data-copy]")) button.hidden = false;
  }
  function select(row, later) {
    mark(row);
    clearTimeout(timer);
    timer = setTimeout(() => show(row.href).catch(() => {}), later ? 150 : 0);
  }
  function move(by, only = () => true) {
    const all = rows(), here = all.findIndex((row) => row.classList.contains("sel"));
    const rest = by > 0 ? all.slice(here + 1) : all.slice(0, Math.max(0, here)).reverse();
    const next = rest.find(only) ?? (here < 0 ? all.find(only) : null);
    if (!next) return true;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    if (wide.matches) select(next, true); else mark(next);
    return true;
  }
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button || !split()) return;
    const row = event.target.closest?.("[data-split] [data-call]"), link = event.target.closest?.("[data-split] [data-pane]");
    // Enter on the selected row, or a row on a narrow screen, opens the call's own page.
    if (row && (!wide.matches || (event.detail === 0 && row.classList.contains("sel")))) {
      event.preventDefault();
      location.href = `/_gateway/exchanges/${encodeURIComponent(row.dataset.call)}`;
    } else if (row) { event.preventDefault(); select(row, false); }
    if (link) { event.preventDefault(); tab = link.dataset.pane; show(link.href).catch(() => {}); }
  });
  window.gatewaySplit = { move, active: () => Boolean(split()), failure: () => move(1, (row) => row.dataset.failed) };
})();
