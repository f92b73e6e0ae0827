// What htmx needs to know here. A form or link with hx-... changes a part of the page; without JavaScript it leads to
// the same page whole. What is refused stands in a bar, and nothing else changes.
(() => {
  const bar = document.getElementById("refused");
  function refuse(text) {
    bar.querySelector("span").textContent = text;
    bar.hidden = !text;
  }
  function reason(xhr) {
    try {
      const { title, detail, hint } = JSON.parse(xhr.responseText);
      return `${detail || title}${hint ? ` Try: ${hint}` : ""}`;
    } catch {
      return `The gateway answered ${xhr.status} ${xhr.statusText}.`;
    }
  }
  // A filter that is not one: the box says why, and the list stays.
  function tellsWhatIsOff(xhr) {
    const fresh = new DOMParser().parseFromString(xhr.responseText, "text/html").getElementById("q-problem");
    const old = document.getElementById("q-problem");
    if (!old || !fresh?.children.length) return false;
    old.replaceChildren(...document.adoptNode(fresh).childNodes);
    return true;
  }
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    detail.headers.Accept = "application/problem+json, text/html"; // problems as data, all else is a page anyway
    const button = detail.triggeringEvent?.submitter; // htmx does not see one that stands outside its form
    if (button?.name) detail.parameters[button.name] = button.value;
    if (detail.verb === "get" && detail.parameters.q === "") delete detail.parameters.q;
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { xhr } = detail;
    refuse("");
    if (detail.target.id === "found" && tellsWhatIsOff(xhr)) detail.shouldSwap = false;
    if (xhr.status < 400) return;
    detail.shouldSwap = detail.isError = false; // it is told here, not on the console
    if (xhr.status === 401) return location.reload(); // nobody is signed in any more
    refuse(reason(xhr));
  });
  document.addEventListener("htmx:sendError", () => refuse("The gateway does not answer. Is it still running?"));
  // Whoever pressed a button that is gone now goes on at what took its place.
  document.addEventListener("htmx:afterSettle", ({ detail: { elt, target } }) => {
    if (document.activeElement !== document.body || elt.id !== target.id) return;
    elt.querySelector("[data-focus]")?.focus({ preventScroll: true });
  });
})();
