// One event stream for all tabs of a browser. A browser opens six connections to one server, however many tabs it has: a
// stream for each tab would leave none for the pages and calls behind them.
const HISTORY = 500, names = ["exchange", "routes", "health", "recorder", "replay", "recheck", "drift"];
const watching = new Set(); // ports of the tabs that are visible
const history = [];
let source = null, state = null;

const tell = (message) => { for (const port of watching) port.postMessage(message); };

function connect(after) {
  if (source && source.readyState !== EventSource.CLOSED) return;
  const last = history.at(-1)?.id ?? after;
  source = new EventSource("/_gateway/api/v1/live" + (last ? "?after=" + last : ""));
  source.addEventListener("hello", (event) => {
    state = JSON.parse(event.data);
    tell({ name: "hello", data: state });
  });
  for (const name of names) source.addEventListener(name, (event) => {
    const message = { id: event.lastEventId, name, data: JSON.parse(event.data) };
    if (state && (name === "routes" || name === "recorder")) state = { ...state, [name]: message.data };
    history.push(message);
    if (history.length > HISTORY) history.shift();
    tell(message);
  });
}

self.addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => {
    if (data.watch) {
      const open = source && source.readyState !== EventSource.CLOSED;
      watching.add(port);
      if (open && state) port.postMessage({ name: "hello", data: state });
      // What a tab missed while it was hidden; ids grow, and are too long to be compared as text.
      if (data.after) for (const message of history) if (Number(message.id) > Number(data.after)) port.postMessage(message);
      connect(data.after);
    } else {
      watching.delete(port);
      if (!watching.size) { source?.close(); source = null; }
    }
  });
  port.start();
});
