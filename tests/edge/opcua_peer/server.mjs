// An OPC UA server by the package `node-opcua`: prints its port; values, and states of a machine, are set by JSON lines.
//
//   node server.mjs PORT [machinery] [strict] [NODES]
//   strict: it knows no certificate of a client. CORRIDOR_PEER_USER and _PASSWORD: it asks for them.
//   CORRIDOR_PEER_CERTIFICATE and _KEY: files of its own certificate.
//   {"set": {"Speed": 5}}, {"bad": {"Speed": 5}}, {"state": {"MachineryItemState": "Executing"}}
import { createInterface } from "node:readline"
import { createRequire } from "node:module"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const print = (what) => process.stdout.write(`${JSON.stringify(what)}\n`)
for (const each of ["log", "info", "warn"]) console[each] = console.error // the package writes notes of its own
const opcua = createRequire(import.meta.url)("node-opcua")
const { OPCUACertificateManager, OPCUAServer, StatusCodes, Variant, DataType, nodesets } = opcua
const [port = "0", ...wanted] = process.argv.slice(2)
const isMachinery = wanted.includes("machinery")
const more = Number(wanted.find((each) => /^\d+$/.test(each)) ?? 0)
const own = process.env.CORRIDOR_PEER_FOLDER ?? mkdtempSync(join(tmpdir(), "corridor-opcua-"))
const isStrict = wanted.includes("strict")
const { CORRIDOR_PEER_USER: user, CORRIDOR_PEER_PASSWORD: password } = process.env
const manager = new OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: !isStrict, rootFolder: join(own, "pki") })
await manager.initialize()

const { standard, di, isa95JobControl, machinery, ia, machineryJobs, machineryResult, machineTool } = nodesets
const server = new OPCUAServer({
  port: Number(port),
  hostname: "127.0.0.1",
  host: "127.0.0.1",
  nodeset_filename: isMachinery
    ? [standard, di, isa95JobControl, machinery, ia, machineryJobs, machineryResult, machineTool]
    : [standard],
  serverCertificateManager: manager,
  ...(user && { allowAnonymous: false, userManager: { isValidUser: (name, word) => name === user && word === password } }),
  ...(process.env.CORRIDOR_PEER_CERTIFICATE && {
    certificateFile: process.env.CORRIDOR_PEER_CERTIFICATE,
    privateKeyFile: process.env.CORRIDOR_PEER_KEY,
  }),
  serverCapabilities: { maxMonitoredItemsPerCall: 1000, maxMonitoredItems: 100000, maxMonitoredItemsPerSubscription: 50000 },
})
await server.initialize()

const space = server.engine.addressSpace
const namespace = space.registerNamespace("http://example.org/mill")
const mill = namespace.addObject({ organizedBy: space.rootFolder.objects, browseName: "Mill" })
const variables = {}
const add = (name, dataType, value) => {
  variables[name] = [
    namespace.addVariable({ componentOf: mill, browseName: name, nodeId: `s=${name}`, dataType, minimumSamplingInterval: 20 }),
    dataType,
  ]
  variables[name][0].setValueFromSource({ dataType: DataType[dataType], value })
}
add("Speed", "Double", 1480.5)
add("PartCount", "UInt32", 0)
add("Energy", "Double", 12.5)
add("Mode", "Int32", 1)
add("Door", "Boolean", true)
add("Program", "String", "part-7")
for (let number = 0; number < more; number++) add(`Item${number}`, "Double", number)

const machines = {}
if (isMachinery) {
  const of = space.getNamespaceIndex("http://opcfoundation.org/UA/Machinery/")
  for (const name of ["MachineryItemState", "MachineryOperationMode"]) {
    const type = name === "MachineryItemState" ? "MachineryItemState_StateMachineType" : "MachineryOperationModeStateMachineType"
    machines[name] = space.findObjectType(type, of).instantiate({ browseName: { name, namespaceIndex: of }, componentOf: mill })
    opcua.promoteToStateMachine(machines[name])
  }
}
await server.start()
print({ port: server.endpoints[0].port })

for await (const line of createInterface({ input: process.stdin })) {
  const { set = {}, bad = {}, state = {} } = JSON.parse(line)
  for (const [given, status] of [[set, StatusCodes.Good], [bad, StatusCodes.BadSensorFailure]])
    for (const [name, value] of Object.entries(given)) {
      const [variable, dataType] = variables[name]
      variable.setValueFromSource(new Variant({ dataType: DataType[dataType], value }), status)
    }
  for (const [name, value] of Object.entries(state)) machines[name].setState(value)
  print({ done: true })
}
if (!process.env.CORRIDOR_PEER_FOLDER) rmSync(own, { recursive: true, force: true })
process.exit(0)
