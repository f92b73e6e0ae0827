// Set the reader's chosen theme before the first paint; without a choice, dark.css follows the system.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => { try { return localStorage.getItem("gateway-theme"); } catch { return null; } };
  const isDark = () => (root.dataset.bsTheme ?? (system.matches ? "dark" : "light")) === "dark";
  if (chosen() === "dark" || chosen() === "light") root.dataset.bsTheme = chosen();

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const show = () => {
      button.setAttribute("aria-label", isDark() ? "Switch to light" : "Switch to dark");
      button.title = button.getAttribute("aria-label");
    };
    button.classList.remove("needs-script");
    button.addEventListener("click", () => {
      root.dataset.bsTheme = isDark() ? "light" : "dark";
      try { localStorage.setItem("gateway-theme", root.dataset.bsTheme); } catch { /* private window */ }
      show();
    });
    system.addEventListener("change", show);
    show();
  });
})();
