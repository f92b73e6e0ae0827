// Lets mermaid parse every text of a JSON object; the first argument is mermaid's folder, beside jsdom's.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
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

// What Mermaid would write into its picture: the title, the participants, the words of every message and fragment.
async function saidBy(text) {
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  const actors = [...(db.getActors() instanceof Map ? db.getActors().values() : Object.values(db.getActors()))];
  const words = [db.getDiagramTitle(), ...actors.map(actor => actor.description), ...db.getMessages().map(one => one.message)];
  return words.filter(one => typeof one === "string").map(one => one.replace(/\uFB02\u00B0(\u00B0)?(\w+)\u00B6\u00DF/g,
    (whole, digits, code) => digits ? String.fromCodePoint(Number(code)) : `&${code};`));
}

const texts = Object.entries(JSON.parse(readFileSync(file, "utf8")));
let accepted = 0;
const said = {};
for (const [name, text] of texts) {
  try {
    await mermaid.parse(text);
    accepted += 1;
    said[name] = await saidBy(text);
  } catch (error) {
    console.log(`REFUSED ${name}: ${error.message}`);
  }
}
writeFileSync(file, JSON.stringify(said));
console.log(`accepted ${accepted} of ${texts.length}`);
