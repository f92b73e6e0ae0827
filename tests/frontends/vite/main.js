// Six calls at once when the page opens, and one for each click.
const seen = document.getElementById("seen");
const base = import.meta.env.VITE_API ?? "";

async function call(path) {
  try {
    const response = await fetch(`${base}/api/shop/${path}`);
    return response.ok ? (await response.json()).from : String(response.status);
  } catch (error) {
    return String(error);
  }
}

seen.textContent = (await Promise.all([1, 2, 3, 4, 5, 6].map((n) => call(`start/${n}`)))).join(" ");
document.getElementById("again").addEventListener("click", async () => {
  seen.textContent = "...";
  seen.textContent = `now ${await call("again")}`;
});
