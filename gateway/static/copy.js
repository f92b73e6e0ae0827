// Buttons that copy a text of the page: data-copy is its id. Without JavaScript they are not there.
htmx.onLoad((fresh) => {
  for (const button of fresh.querySelectorAll("[data-copy]")) button.hidden = false;
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  const words = button.lastChild.nodeType === Node.TEXT_NODE ? button.lastChild : [...button.childNodes].find((one) => one.nodeType === Node.TEXT_NODE && one.data.trim()) ?? button;
  words.textContent = "Copied";
});
