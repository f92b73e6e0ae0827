// Parts of a page that follow what happens, each with an id and data-refresh="routes health": the page is asked for
// again, and only they are put in.
(() => {
  const waiting = new Set();
  let timer = 0;
  async function refresh() {
    timer = 0;
    const ids = [...waiting];
    waiting.clear();
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    // What the reader has just sent comes first: it knows its target, and says where the keyboard goes on.
    if (document.querySelector(".htmx-request")) { ids.forEach(later); return; }
    for (const id of ids) swap(document.getElementById(id), fresh.getElementById(id));
  }
  // A part that a reader is working in stays as it is: nothing moves under the cursor or the keyboard.
  function swap(old, fresh) {
    if (!old || !fresh || old.innerHTML === fresh.innerHTML) return;
    if (old.querySelector("details[open]") || old.querySelector("input:focus, select:focus, textarea:focus")) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(document.adoptNode(fresh));
    htmx.process(fresh);
    if (focused) document.getElementById(focused)?.focus();
  }
  function later(id) {
    waiting.add(id);
    timer ||= setTimeout(() => refresh().catch(() => {}), 150);
  }

  document.addEventListener("gateway", ({ detail: { name } }) => {
    for (const part of document.querySelectorAll("[data-refresh]"))
      if (part.dataset.refresh.split(" ").includes(name)) later(part.id);
  });
})();
