// A server of Modbus TCP by the package `modbus-serial`: prints its port; registers are set by JSON lines.
//
//   {"holding": {"100": 2715}, "input": {}, "coil": {}}
import { createInterface } from "node:readline"
import { createRequire } from "node:module"

const { ServerTCP } = createRequire(import.meta.url)("modbus-serial")
const tables = { holding: {}, input: {}, coil: {}, discrete: {} }
const read = (table) => (address, unit, callback) => {
  const value = tables[table][address]
  if (value === undefined && address >= 1000) callback({ modbusErrorCode: 2, msg: "illegal data address" })
  else callback(null, value ?? 0)
}
const server = new ServerTCP(
  {
    getHoldingRegister: read("holding"),
    getInputRegister: read("input"),
    getCoil: read("coil"),
    getDiscreteInput: read("discrete"),
  },
  { host: "127.0.0.1", port: Number(process.argv[2] ?? 0), unitID: 1 },
)
server.on("socketError", () => {})
server.on("initialized", () => console.log(JSON.stringify({ port: server._server.address().port })))

for await (const line of createInterface({ input: process.stdin })) {
  for (const [table, values] of Object.entries(JSON.parse(line))) Object.assign(tables[table], values)
  console.log(JSON.stringify({ done: true }))
}
process.exit(0)
