// A tus server on loopback: node tus_server.mjs PORT FOLDER. /everything lists what it holds, for the suite's truth.
import {readdirSync, readFileSync} from "node:fs"
import {createServer} from "node:http"
import {FileStore} from "@tus/file-store"
import {Server} from "@tus/server"

const [port, folder] = process.argv.slice(2)
const directory = `${folder}/uploads`
const tus = new Server({path: "/files", datastore: new FileStore({directory}), relativeLocation: true})
createServer((request, response) => {
  if (request.url === "/everything") {
    const names = readdirSync(directory).filter(name => !name.endsWith(".json"))
    const held = names.map(name => {
      const info = JSON.parse(readFileSync(`${directory}/${name}.json`, "utf8"))
      return `upload ${info.metadata?.filename}: ${readFileSync(`${directory}/${name}`, "utf8")}`
    })
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(held))
  } else {
    tus.handle(request, response)
  }
}).listen(Number(port), "127.0.0.1")
