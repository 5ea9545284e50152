// Reads a list of AsyncAPI documents from standard input, and prints what the official parser makes of each: what it
// reports, the operations that it understands, and the examples that do not fit the payload's schema.
import { Parser } from "@asyncapi/parser";
import Ajv from "ajv";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const parsed = [];
for (const given of JSON.parse(Buffer.concat(chunks).toString())) {
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(given));
  parsed.push({
    problems: diagnostics.map((one) => ({ code: one.code, path: one.path.join("/") })),
    operations: document === undefined ? [] : document.operations().all().map((one) => ({
      action: one.action(),
      addresses: one.channels().all().map((channel) => channel.address()),
      messages: one.messages().all().map((message) => message.id()),
    })),
    unfit: document === undefined ? [] : document.components().messages().all().flatMap((message) => {
      const fits = new Ajv({ strict: false }).compile(message.payload().json());
      return message.examples().all().filter((one) => !fits(one.payload())).map((one) => one.name());
    }),
  });
}
console.log(JSON.stringify(parsed));
