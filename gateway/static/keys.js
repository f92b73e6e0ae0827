// Keys for those who prefer them: ? lists them, and a box there switches them off. Nothing happens while one types.
(() => {
  const dialog = document.getElementById("keys"), box = document.getElementById("keys-on");
  const open = document.getElementById("keys-open");
  const stored = () => { try { return localStorage.getItem("gateway-keys") !== "off"; } catch { return true; } };
  let on = stored(), first = "", at = -1;

  const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]") && target.type !== "checkbox";
  function press(selector) {
    const found = document.querySelector(selector);
    found?.closest("details")?.setAttribute("open", "");
    found?.click();
    return Boolean(found);
  }
  const go = (href) => { location.href = href; return true; };
  const rows = () => [...document.querySelectorAll("[data-rows] a.target, #rows a.target, [data-rows] a.row-link")]
    .filter((link) => link.offsetParent !== null);

  // The row that is chosen is the one whose link has the focus: screen readers and Enter follow by themselves.
  function move(by) {
    if (window.gatewaySplit?.active()) return window.gatewaySplit.move(by);
    const links = rows();
    if (!links.length) return false;
    const here = links.indexOf(document.activeElement);
    at = Math.max(0, Math.min(links.length - 1, (here < 0 ? (by > 0 ? -1 : links.length) : here) + by));
    links[at].focus();
    links[at].scrollIntoView({ block: "nearest" });
    return true;
  }
  function search() {
    const field = document.querySelector("main input[type=search]") ?? document.getElementById("find");
    if (!field) return go("/_gateway/recordings");
    field.focus();
    field.select();
    return true;
  }
  function help() {
    if (dialog.open) dialog.close(); else dialog.showModal();
    return true;
  }
  const places = { h: "/", o: "/_gateway/", l: "/_gateway/live", r: "/_gateway/recordings", t: "/_gateway/history",
    s: "/_gateway/statistics" };
  const actions = {
    "?": help, "/": search, j: () => move(1), k: () => move(-1),
    f: () => Boolean(window.gatewaySplit?.active() && window.gatewaySplit.failure()), w: () => press("[data-key=w], [data-key=b]"),
    n: () => press("[rel=next]"),
    r: () => press("[data-key=r]"), b: () => press("[data-key=b]"), d: () => press("[data-key=d]"), m: () => press("[data-key=m]"),
    c: () => press("[data-key=c]"), p: () => press("[data-key=p]"), e: () => press("[data-key=e]"),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "?") { event.preventDefault(); help(); return; }
    if (!on || dialog.open) return;
    const before = first;
    first = "";
    if (before === "g" && places[event.key]) { event.preventDefault(); go(places[event.key]); return; }
    if (event.key === "g") { first = "g"; return; }
    if (actions[event.key]?.()) event.preventDefault();
  });
  box.checked = on;
  box.addEventListener("change", () => {
    on = box.checked;
    try { localStorage.setItem("gateway-keys", on ? "on" : "off"); } catch { /* private window */ }
  });
  open.parentElement.hidden = false;
  open.addEventListener("click", help);
})();
