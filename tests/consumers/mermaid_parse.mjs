// Lets mermaid parse every text of a JSON object; the first argument is mermaid's folder, beside jsdom's.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
const { JSDOM } = createRequire(join(folder, "..", "x.js"))("jsdom");
const { window } = new JSDOM("<body></body>");
globalThis.window = window;
globalThis.document = window.document;
window.CSS = { supports: () => true };
globalThis.CSS = window.CSS;
const mermaid = (await import(pathToFileURL(join(folder, "dist/mermaid.core.mjs")))).default;

const texts = Object.entries(JSON.parse(readFileSync(file, "utf8")));
let accepted = 0;
for (const [name, text] of texts) {
  try {
    await mermaid.parse(text);
    accepted += 1;
  } catch (error) {
    console.log(`REFUSED ${name}: ${error.message}`);
  }
}
console.log(`accepted ${accepted} of ${texts.length}`);
