// Buttons that copy a text of the page: data-copy is its id. Without JavaScript they are not there.
htmx.onLoad((fresh) => {
  for (const button of fresh.querySelectorAll("[data-copy]")) button.hidden = false;
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = "Copied";
});
