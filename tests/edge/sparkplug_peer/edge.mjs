// An edge node by the package `sparkplug-client`: commands as JSON lines in, what happens to it as JSON lines out.
//
//   {"data": [{"name": …, "type": …, "value": …, "alias": …}]}   publishes values of the device
//   {"lose": 1}                                              passes over sequence numbers
//   {"vanish": true}                                         closes the socket without a DISCONNECT
import { createInterface } from "node:readline"
import { createRequire } from "node:module"

const { newClient } = createRequire(import.meta.url)("sparkplug-client")
const [serverUrl, groupId, edgeNode, device, metrics] = process.argv.slice(2)
const say = (what) => console.log(JSON.stringify(what))

const client = newClient({
  serverUrl, groupId, edgeNode, clientId: `${groupId}-${edgeNode}`, username: "", password: "", keepalive: 60,
})
const known = new Map(JSON.parse(metrics).map((metric) => [metric.name, metric]))

function born() {
  const timestamp = Date.now()
  client.publishNodeBirth({ timestamp, metrics: [{ name: "Node Control/Rebirth", type: "Boolean", value: false }] })
  client.publishDeviceBirth(device, { timestamp, metrics: [...known.values()] })
  say({ born: true })
}

client.on("birth", born)
client.on("ncmd", (payload) => {
  say({ ncmd: payload.metrics.map((metric) => [metric.name, metric.value]) })
  if (payload.metrics.some((metric) => metric.name === "Node Control/Rebirth" && metric.value)) born()
})

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  if (asked.data) {
    for (const metric of asked.data) if (known.has(metric.name)) known.set(metric.name, { ...known.get(metric.name), ...metric })
    const sent = asked.data.map((metric) => (metric.alias ? { ...metric, name: undefined } : metric))
    client.publishDeviceData(device, { timestamp: Date.now(), metrics: sent }, asked.options)
  }
  if (asked.lose) client.seq += asked.lose
  if (asked.vanish) client.client.stream.destroy()
  say({ done: Object.keys(asked)[0] })
}
client.stop()
