// Lines to copy that make something a machine: with the broker's real address, for the ways in which people try first.

import { html, useState } from '../lib.js';
import { phrase } from '../words.js';

const BESIDE = new Set(['127.0.0.1', 'localhost', '::1', '0.0.0.0', '::']);
const WAYS = ['mosquitto_pub', 'Python', 'Arduino', 'Node-RED'];

export function Join({ live }) {
  const [way, choose] = useState(WAYS[0]);
  const [machine, name] = useState('bench/demo/line-1/my-machine');
  const [copied, setCopied] = useState(false);
  const { host, port = 1883, login = false } = live.plant.broker ?? {};
  // A broker beside the wall is reached by the name by which the wall was.
  const where = { host: !host || BESIDE.has(host) ? location.hostname : host, port, login };
  const text = LINES[way](where, `corridor/v1/${machine.replace(/^\/+|\/+$/g, '')}`);
  const copy = () => navigator.clipboard?.writeText(text).then(() => {
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  });
  return html`<section class="card stack"><h2>${phrase('join.title')}${navigator.clipboard && html`<button type="button" class="pick" onClick=${copy}>${phrase(copied ? 'join.copied' : 'join.copy')}</button>`}</h2><p class="beside">${phrase('join.text')}</p>
    <div class="tools"><div role="tablist" class="tabs">${WAYS.map((each) => html`<button type="button" role="tab" key=${each} aria-selected=${each === way} onClick=${() => choose(each)}>${each}</button>`)}</div>
      <label class="grow"><span class="sr">${phrase('join.name')}</span><input value=${machine} onInput=${(event) => name(event.target.value)} spellcheck="false" /></label></div>
    <pre class="copy" tabindex="0">${text}</pre></section>`;
}

/** A client id that is the machine's own: a broker throws out the older of two that have one. */
const client = (topic) => topic.split('/').slice(2).join('-');

/** An order whose pieces take a second each: with it pieces give an OEE. */
const ORDER = { phase: 'start', order: 'wo-1', product: 'part', ideal_cycle: 1 };

const LINES = {
  mosquitto_pub: ({ host, port, login }, topic) => `# a machine that makes a piece a second
send() { mosquitto_pub -h ${host} -p ${port}${login ? ' -u USER -P PASSWORD' : ''} -q 1 \\
  -t ${topic}/"$1" -m "$2" $3; }
send job '${JSON.stringify(ORDER)}' -r
send state running -r
send telemetry/temperature '{"value":21.5,"unit":"Cel"}'
for n in 0 1 2 3 4; do
  send count "{\\"produced\\":$n,\\"good\\":$n}" -r
  sleep 1
done`,
  Python: ({ host, port, login }, topic) => `# pip install paho-mqtt
import itertools, json, random, time
import paho.mqtt.client as mqtt

def on_connect(client, *_):  # also after a reconnect, when the last will has published "offline"
    client.publish("${topic}/status", "online", qos=1, retain=True)
    client.publish("${topic}/job", '${JSON.stringify(ORDER)}', qos=1, retain=True)
    client.publish("${topic}/state", "running", qos=1, retain=True)

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="${client(topic)}")
client.on_connect = on_connect
client.will_set("${topic}/status", "offline", qos=1, retain=True)
${login ? 'client.username_pw_set("USER", "PASSWORD")\n' : ''}client.connect("${host}", ${port}, keepalive=10)
client.loop_start()
for made in itertools.count():
    client.publish("${topic}/telemetry/temperature", round(random.gauss(21, 0.3), 2), qos=1)
    client.publish("${topic}/count", json.dumps({"produced": made, "good": made}), qos=1, retain=True)
    time.sleep(1)`,
  Arduino: ({ host, port, login }, topic) => `// library: PubSubClient, on an ESP32
#include <WiFi.h>
#include <PubSubClient.h>
WiFiClient net;
PubSubClient mqtt(net);
long made = 0;

void setup() {
  WiFi.begin("NETWORK", "PASSWORD");
  while (WiFi.status() != WL_CONNECTED) delay(200);
  mqtt.setServer("${host}", ${port});
}

void loop() {
  if (!mqtt.connected()) {
    mqtt.connect("${client(topic)}", ${login ? '"USER", "PASSWORD", ' : ''}"${topic}/status", 1, true, "offline");
    mqtt.publish("${topic}/status", "online", true);
    mqtt.publish("${topic}/job", ${JSON.stringify(JSON.stringify(ORDER))}, true);
    mqtt.publish("${topic}/state", "running", true);
  }
  mqtt.publish("${topic}/telemetry/temperature", String(analogRead(34) * 0.1).c_str());
  String count = "{\\"produced\\":" + String(made) + ",\\"good\\":" + String(made) + "}";
  mqtt.publish("${topic}/count", count.c_str(), true);
  made++;
  mqtt.loop();
  delay(1000);
}`,
  'Node-RED': ({ host, port, login }, topic) => JSON.stringify([
    { id: 'corridor-broker', type: 'mqtt-broker', name: 'Corridor', broker: host, port: String(port), clientid: client(topic), willTopic: `${topic}/status`, willQos: '1', willRetain: 'true', willPayload: 'offline', birthTopic: `${topic}/status`, birthQos: '1', birthRetain: 'true', birthPayload: 'online', ...(login && { credentials: { user: 'USER', password: 'PASSWORD' } }) },
    { id: 'corridor-tick', type: 'inject', name: 'each second', repeat: '1', payload: '$round($random() * 5 + 20, 2)', payloadType: 'jsonata', props: [{ p: 'payload' }], wires: [['corridor-out']] },
    { id: 'corridor-begin', type: 'inject', name: 'at first', once: true, topic: `${topic}/state`, payload: 'running', payloadType: 'str', props: [{ p: 'payload' }, { p: 'topic', vt: 'str' }], wires: [['corridor-kept']] },
    { id: 'corridor-order', type: 'inject', name: 'an order', once: true, topic: `${topic}/job`, payload: JSON.stringify(ORDER), payloadType: 'json', props: [{ p: 'payload' }, { p: 'topic', vt: 'str' }], wires: [['corridor-kept']] },
    { id: 'corridor-pieces', type: 'inject', name: 'a piece a second', repeat: '1', topic: `${topic}/count`, payload: '($n := $flowContext("made") ? $flowContext("made") + 1 : 1; {"produced": $n, "good": $n})', payloadType: 'jsonata', props: [{ p: 'payload' }, { p: 'topic', vt: 'str' }], wires: [['corridor-made']] },
    { id: 'corridor-made', type: 'change', name: '', rules: [{ t: 'set', p: 'made', pt: 'flow', to: 'payload.produced', tot: 'msg' }], wires: [['corridor-kept']] },
    { id: 'corridor-kept', type: 'mqtt out', name: 'kept', topic: '', qos: '1', retain: 'true', broker: 'corridor-broker', wires: [] },
    { id: 'corridor-out', type: 'mqtt out', name: 'temperature', topic: `${topic}/telemetry/temperature`, qos: '1', broker: 'corridor-broker', wires: [] },
  ], null, 1),
};
