// The board: a move takes two clicks in two places, and the second one only once its panel has been open for a moment.
(() => {
  const ARMED = 400; // milliseconds: a double click on "Move here" must not reach the button that confirms
  const timers = new WeakMap();
  document.addEventListener("toggle", ({ target }) => {
    if (!target.matches?.("details.move")) return;
    const panel = target.querySelector(".pop"), buttons = panel.querySelectorAll("[data-armed]");
    clearTimeout(timers.get(panel));
    delete panel.dataset.ready;
    for (const button of buttons) button.disabled = true;
    if (!target.open) return;
    // Above its cell where the window ends below it. The page is not scrolled: that would bring the button to the pointer.
    const cell = target.closest(".cell").getBoundingClientRect();
    panel.classList.toggle("up", cell.bottom + panel.offsetHeight + 12 > innerHeight && cell.top > panel.offsetHeight + 12);
    timers.set(panel, setTimeout(() => {
      for (const button of buttons) button.disabled = false;
      panel.dataset.ready = "yes";
    }, ARMED));
  }, true);
  document.addEventListener("click", (event) => {
    const opens = event.target.closest?.("[data-opens]");
    if (opens) {
      event.preventDefault();
      const panel = document.getElementById(opens.dataset.opens);
      if (!panel) return;
      panel.open = true;
      panel.scrollIntoView({ block: "center" });
      panel.querySelector("input:not([type=hidden])")?.focus();
      return;
    }
    if (!event.target.closest?.("details.move")) for (const one of document.querySelectorAll("details.move[open]")) one.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const one of document.querySelectorAll("details.move[open]")) { one.open = false; one.querySelector("summary").focus(); }
  });
})();
