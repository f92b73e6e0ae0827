// How far a replay is, beside the button that started it: data-progress is the recording that is sent again.
(() => {
  const places = (from) => from.querySelectorAll("[data-progress]");
  document.addEventListener("gateway", ({ detail: { name, data } }) => {
    if (name !== "replay" || !data.total) return;
    for (const one of places(document)) {
      if (one.dataset.progress === data.of && one.closest(".htmx-request")) one.textContent = `step ${data.done} of ${data.total}`;
    }
  });
  document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
    for (const one of places(elt)) one.textContent = "running …";
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { elt } }) => {
    for (const one of places(elt)) one.textContent = "";
  });
})();
