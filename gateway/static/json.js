// JSON as lines: a click on a number folds what opens there, a click on a line offers its path; the bar above folds all
// and searches.
(() => {
  const linesOf = (box) => [...box.querySelectorAll(".jl")];
  // Lines are hidden by the folded ones that enclose them, so that an inner fold stays when an outer one opens.
  function lay(lines) {
    let until = 0; // the number of the line that closes the outermost folded one
    for (const line of lines) {
      const number = Number(line.dataset.n);
      line.hidden = number < until;
      if (!line.hidden && line.classList.contains("folded")) until = Number(line.dataset.closes);
    }
  }
  function fold(line) {
    line.classList.toggle("folded");
    lay(linesOf(line.parentElement));
  }
  function foldAll(button) {
    const lines = linesOf(button.closest("section, .json-of").querySelector(".json"));
    const closed = button.getAttribute("aria-pressed") !== "true";
    for (const line of lines) line.classList.toggle("folded", closed && Boolean(line.dataset.closes) && line.dataset.n !== "1");
    lay(lines);
    button.setAttribute("aria-pressed", closed);
    button.textContent = closed ? "Unfold all" : "Fold all";
  }
  function search(input, step) {
    const box = input.closest("section, .json-of"), lines = linesOf(box.querySelector(".json")), words = input.value.trim().toLowerCase();
    const found = words ? lines.filter((line) => line.querySelector(".v").textContent.toLowerCase().includes(words)) : [];
    const before = found.findIndex((line) => line.classList.contains("at"));
    for (const line of lines) line.classList.remove("found", "at");
    for (const line of found) line.classList.add("found");
    const at = found.length ? (Math.max(before, step < 0 ? found.length : before) + step + found.length) % found.length : -1;
    box.querySelector(".json-count").textContent = words ? (found.length ? `${at + 1} of ${found.length}` : "none") : "";
    if (at < 0) return;
    found[at].classList.add("at");
    if (found[at].hidden) { // unfold what encloses it
      const number = Number(found[at].dataset.n);
      for (const line of lines) if (Number(line.dataset.n) < number && Number(line.dataset.closes) >= number) line.classList.remove("folded");
      lay(lines);
    }
    found[at].scrollIntoView({ block: "nearest" });
  }
  function offerPath(line) {
    for (const one of linesOf(line.parentElement)) { one.classList.remove("hit"); one.querySelector(".path")?.remove(); }
    line.classList.add("hit");
    const path = document.createElement("button");
    path.type = "button";
    path.className = "path";
    path.textContent = line.dataset.path;
    path.title = "Copy this path";
    path.addEventListener("click", () => navigator.clipboard.writeText(line.dataset.path).then(() => { path.textContent = "Copied"; }));
    line.lastElementChild.append(path);
  }
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-fold-all]"), line = target.closest?.(".jl");
    if (button) return foldAll(button);
    if (!line || target.closest(".path")) return;
    if (target.closest(".no") && line.dataset.closes) fold(line); else offerPath(line);
  });
  document.addEventListener("input", ({ target }) => { if (target.matches?.("[data-json-search]")) search(target, 1); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("[data-json-search]")) return;
    event.preventDefault();
    search(event.target, event.shiftKey ? -1 : 1);
  });
})();
