// Compiles every text of a JSON file {name: text} with D2: node d2_compile.mjs PACKAGE FILE
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, file] = process.argv.slice(2)
const entry = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).exports['.'].import.default
const { D2 } = await import(pathToFileURL(join(folder, entry)).href)
const d2 = new D2()
const texts = JSON.parse(readFileSync(file, 'utf8'))
let accepted = 0
for (const [name, text] of Object.entries(texts)) {
  try {
    const found = await d2.compile(text)
    await d2.render(found.diagram, found.renderOptions)
    accepted++
  } catch (error) {
    console.log(name, String(error.message ?? error).slice(0, 500))
  }
}
console.log(`accepted ${accepted} of ${Object.keys(texts).length}`)
process.exit(0)
