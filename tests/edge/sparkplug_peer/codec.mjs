// Encodes and decodes payloads by the package `sparkplug-payload`: a JSON document a line in, one a line out.
import { createInterface } from "node:readline"
import { createRequire } from "node:module"

const require = createRequire(import.meta.url)
const { get } = require("sparkplug-payload")
const { decodePayload, encodePayload } = get("spBv1.0")
const Long = createRequire(require.resolve("sparkplug-payload"))("long")

// JSON has neither 64 bits nor bytes: {"long": "-1"} and {"hex": "00ff"} stand for them.
function revive(_, value) {
  if (value !== null && typeof value === "object" && "long" in value)
    return Long.fromString(value.long, !value.long.startsWith("-"))
  if (value !== null && typeof value === "object" && "hex" in value) return Buffer.from(value.hex, "hex")
  return value
}

function shown(value) {
  if (value === null || typeof value !== "object") return value
  if (Long.isLong(value)) return { long: value.toString() }
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString("hex") }
  if (Array.isArray(value)) return value.map(shown)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each)]))
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line, revive)
  const answer = asked.encode
    ? Buffer.from(encodePayload(asked.encode)).toString("hex")
    : shown(decodePayload(Buffer.from(asked.decode)))
  console.log(JSON.stringify(answer))
}
