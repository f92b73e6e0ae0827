// Lets mermaid parse every text of a JSON array; MERMAID_NODE_MODULES names the folder that holds mermaid and jsdom.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = process.env.MERMAID_NODE_MODULES;
const { JSDOM } = createRequire(join(modules, "x.js"))("jsdom");
const { window } = new JSDOM("<body></body>");
globalThis.window = window;
globalThis.document = window.document;
window.CSS = { supports: () => true };
globalThis.CSS = window.CSS;
const mermaid = (await import(pathToFileURL(join(modules, "mermaid/dist/mermaid.core.mjs")))).default;

let accepted = 0;
for (const text of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  try {
    await mermaid.parse(text);
    accepted += 1;
  } catch (error) {
    console.log(`REFUSED ${error.message}\n${text}`);
    process.exitCode = 1;
  }
}
console.log(`accepted ${accepted}`);
