// Every text that the wall shows, in one table: for another language, add a table and choose it by the address
// (?lang=…) or the browser. `{0}` is filled in.

import { own } from './own.js';

const en = {
  'app': 'Corridor', 'all': 'All sites', 'devices': 'Devices', 'grafana': 'Grafana', 'crumbs': 'Path to this page', 'skip': 'Skip to the content',
  'state.running': 'Running', 'state.setup': 'Set-up', 'state.starved': 'Starved', 'state.blocked': 'Blocked',
  'state.idle': 'Idle', 'state.down': 'Down', 'state.maintenance': 'Maintenance', 'state.off': 'Off',
  'state.unknown': 'Unknown', 'state.order': 'Order', 'state.target': 'Target',
  'reason.offline': 'device offline', 'reason.no-state-heard': 'no state reported', 'reason.awaiting-device': 'awaiting its device', 'unknown.age': 'of unknown age',
  'silent': 'silent for {0}', 'since': 'since {0}', 'for': 'for {0}',
  'live': 'live', 'figures.of': 'Figures of {0}', 'figures.old': 'figures {0} old', 'not.live': 'not live', 'lost.for': 'for {0}, trying again', 'connecting': 'connecting …',
  'ahead': 'The plant’s time is {0} ahead of the computer’s clock, because it ran faster (--speed). Messages of a device with the right time count in the past. For real devices start with another data folder (--data).',
  'broker.lost': 'the broker cannot be reached', 'broker.lost.how': 'No messages arrive until it is back. The page shows the last known values.', 'broker.lost.short': 'no broker', 'lost.short': 'connection lost', 'lost.how': 'The page shows the last known values. It reconnects by itself.',
  'simulated': 'simulated', 'simulated.plant': 'simulated', 'mixed.plant': 'partly simulated', 'real': 'real',
  'range.shift': 'This shift', 'range.previous-shift': 'Last shift', 'range.now-1h': 'Last hour',
  'range.now-8h': 'Last 8 h', 'range.now-1d': 'Last day', 'range.now-7d': 'Last week', 'range.custom': 'From – to',
  'range.choose': 'Time range', 'range.from': 'from', 'range.to': 'to', 'range.show': 'Show', 'range.back': 'Back to live',
  'theme': 'Colours', 'theme.calm': 'calm', 'theme.andon': 'andon', 'scheme.auto': 'auto', 'scheme.light': 'light',
  'scheme.dark': 'dark',
  'oee': 'OEE', 'availability': 'availability', 'effectiveness': 'effectiveness', 'quality_ratio': 'quality ratio',
  'coverage': 'coverage', 'coverage.title': 'Coverage', 'target': 'target {0}', 'short': '{0} points short',
  'over': '{0} points above', 'no.target': 'no target set', 'target.by.line': 'each line has its own target', 'no.data': 'no data', 'loading': 'loading …', 'caveat.doubtful': 'doubtful:', 'caveat.silent': 'silent:', 'caveat.unmetered': 'not metered:', 'caveat.simulated': 'simulated:', 'caveat.unplanned': 'without, as not planned:',
  'machine.minutes': 'in machine-minutes', 'of.machines': 'machine-', 'reason.in.state': '{0} ({1})',
  'good.pieces': 'Good pieces', 'plan.to.now': 'plan to now {0}', 'plan.was': 'plan {0}', 'no.plan': 'no plan: neither a target nor orders with a planned quantity',
  'good.of': 'good of {0} by now', 'good.of.then': 'good of {0}', 'good.only': 'good', 'forecast': 'forecast ≈ {0} of {1} at {2}', 'forecast.only': 'forecast ≈ {0} at {1}',
  'nothing.counted': 'no pieces counted yet', 'energy': 'Energy a good piece', 
  'machines.now': '{0} machines now', 'machines.then': '{0} machines at {1}', 'machine.now': '1 machine now',
  'silent.devices': '{0} silent or offline', 'all.report': 'every device reports', 'unknown.part': '{0} % is unknown', 'most.lost': 'main loss',
  'nothing.lost': 'nothing lost', 'order': 'order', 'no.order': 'no order',
  'ideal.cycle': 'ideal cycle {0}', 'planned.pieces': '{0} planned',
  'foot.newest': 'newest message {0} ago', 'foot.none': 'no message yet', 'foot.rate': '{0} messages/s',
  'foot.rejected': '{0} rejected in the last hour', 'foot.zone': 'all times {0}', 'foot.zones': 'each tile in its own time: {0}', 'foot.click': 'Click a figure with a dotted line to see how it is made',
  'without': 'without {0}', 'no': 'no {0}', 'not.reported': 'not reported', 'no.energy': 'no electricity metered', 'and.more': '· {0} more', 'cannot.be': 'cannot be',
  'cannot.effectiveness-above-one': 'more pieces than its time allows: check the ideal cycle', 'cannot.counted-while-not-running': 'pieces while it did not run: check its state', 'cannot.counted-while-off': 'pieces while it was off: check its state or counter',
  'cannot.more-good-and-scrap-than-produced': 'more good and scrap than produced: check the counters', 'cannot.more-with-rework-than-produced': 'more good, scrap and rework than produced: check how rework is counted',
  'cannot.quality-above-one': 'more good than produced: check the counters', 'cannot.more-passed-than-inspected': 'more passed than inspected: check the counters', 'cannot.more-working-than-present': 'more people working than present: check labour',
  'range.first': 'Since its first message', 'without.short': 'without {0} *', 'notes': 'What to check', 'as.csv': 'as CSV', 'aim': 'target', 'plan.now': 'planned to now',
  'oee.sum': 'OEE, all machines', 'oee.constraint': 'OEE of the line, at its constraint', 'bottleneck_oee': 'OEE of the line, at its constraint', 'schedule_attainment': 'schedule attainment', 'energy_per_good_piece': 'energy a good piece',
  'product': 'product', 'shift': 'shift', 'by.product': 'Products, 7 days', 'by.shift': 'Each shift, 7 days', 'by.shift-name': 'Shifts by name, 7 days', 'shift-name': 'shift', 'no.shift': 'outside shifts', 'by.order': 'Orders, 7 days',
  'by.product.link': 'show its newest order', 'by.shift.link': 'show this shift', 'by.shift-name.link': 'show the newest one', 'by.order.link': 'show the time range of this order',
  'availability.short': 'avail.', 'effectiveness.short': 'effect.', 'quality_ratio.short': 'quality', 'line.six': 'The six big losses',
  'big.breakdown': 'breakdowns', 'big.setup': 'set-up', 'big.minor-stop': 'minor stops', 'big.speed': 'reduced speed', 'big.startup-reject': 'start-up rejects', 'big.process-reject': 'rejects',
  'empty.title': 'No machine has sent a message yet', 'empty.text': 'Any MQTT client can join. Copy a line from the devices page, or publish to corridor/v1/<site>/<area>/<line>/<machine>/state.',
  'empty.link': 'How to connect a machine',
  'line.flow': 'Material flow', 'line.ribbons': 'States', 'line.hours': 'Hour by hour', 'line.days': 'Day by day', 'day': 'day', 'line.waterfall': 'Where the time went',
  'line.pareto': 'Largest losses', 'hour': 'hour', 'plan': 'plan', 'actual': 'actual', 'delta': 'delta', 'reason': 'main loss', 
  'buffer.unknown': 'level unknown', 'buffer.full': 'full', 'buffer.empty': 'empty', 'buffer.size': 'of {0}',
  'bottleneck': 'constraint', 'bottleneck.why': 'active longest without a pause in this range: {0}', 'stock': 'in stock', 'adds.up': 'The steps add up to the calendar time exactly.', 'times': '{0}×',
  'order.progress': '{0} good of {1}', 'oee.factors': 'OEE and its factors', 'window.hour': 'hour', 'window.shift': 'shift',
  'window.order': 'order', 'window.week': '7 days', 'window.range': 'range',
  'failures': 'failures', 'mttr': 'mean time to restoration', 'energy.piece': 'energy a good piece', 'setup_rate': 'set-up rate',
  'scrap_ratio': 'scrap ratio', 
  'signals': 'Signals', 'signal.none': 'no signal received', 'band': 'normal {0} to {1}', 'counts': 'Counts', 'produced': 'produced', 'good': 'good', 'scrap': 'scrap', 'rework': 'rework',
  'inspected': 'inspected', 'first_pass': 'first pass', 'planned_scrap': 'planned scrap', 'startup_scrap': 'start-up scrap',
  'as.counted': 'cumulative, since the machine was new or reset', 'meters': 'Meters', 'quality': 'Quality', 'alarms': 'Alarms', 'alarm.none': 'no active alarm',
  'people': 'People', 'present': '{0} present', 'working': '{0} working', 'materials': 'Materials', 'consumed': 'consumed',
  'limits': '{0} … {1}', 'cpk': 'Cpk', 'cpk.n': '{0} parts measured', 'outside': 'out of tolerance', 'part': 'part {0}', 'severity.alarm': 'alarm', 'severity.warning': 'warning', 'severity.notice': 'notice',
  'why': 'Why is {0} {1}? · {2}', 'why.none': 'Why is there no {0}? · {1}', 'close': 'close', 'why.notes': 'Notes', 'why.number': 'Number {0} of ISO 22400-2:2014.', 'why.all': 'all data (JSON)', 'why.events': 'Source events', 'why.readings': 'Readings that were no production',
  'dev.title': 'All devices', 'dev.machine': 'machine', 'dev.state': 'state', 'dev.seen': 'last seen', 'dev.rate': 'msg/s', 'dev.kinds': 'sends',
  'dev.clock': 'clock', 'dev.rejected': 'rejected', 'dev.real': 'real?', 'dev.never': 'not since this wall started', 'ago': '{0} ago',
  'join.title': 'Connect your own machine', 'join.text': 'Copy one of these. Nothing needs to be declared: the topic names the machine.', 'join.credential': 'Name the device and create its credential: its own user and password, with rights on its own topics alone.',
  'join.form': 'speaks', 'join.contract': 'Corridor’s messages', 'join.add': 'create credential', 'join.path': 'site/area/line/machine: four names of a-z, 0-9 and -', 'join.once': 'Shown only once: copy it now, or the lines below, which have it.',
  'join.user': 'user', 'join.password': 'password', 'join.have': 'Devices with a credential', 'join.nobody': 'No device has a credential of its own yet.', 'join.rotate': 'new password', 'join.remove': 'remove', 'join.sure': 'really remove',
  'wait.waits': 'waits for the first message of {0}', 'wait.first': 'first message received, signals: {0}, {1}', 'wait.rejected': 'rejected: {0}', 'wait.no-clock': 'no clock of its own: the time of receipt counts', 'wait.behind': 'clock {0} behind', 'wait.ahead': 'clock {0} ahead',
  'wait.hint': 'Nothing yet. Does its address reach the broker? Are user and password copied whole (the device’s own log shows “not authorized”)? Does its topic begin with {0}?',
  'join.copy': 'copy', 'join.copied': 'copied', 'join.name': 'machine path', 'arrives.title': 'Incoming messages', 'arrives.filter': 'filter', 'arrives.pause': 'pause', 'arrives.go': 'resume', 'arrives.none': 'no messages yet',
  'rejected.title': 'Rejected messages', 'rejected.none': 'no rejected messages', 'retained': 'retained', 'arrives.as-text': 'number sent as text: {0}', 
  'kiosk.none': 'Name the views to show: /kiosk?views=/,/line/site/area/line&every=20', 'error': 'could not be loaded: {0}', 'trying': 'trying again',
  'not.found': 'There is no {0} yet', 'not.found.text': 'It has sent no message, and the plant file does not declare it. It appears here with its first message.',
  'map': 'Map', 'map.lines': 'Lines, and what they lose', 'map.site': 'site', 'map.line': 'line', 'map.loss': 'main loss', 'map.alt': 'Sites, areas and {0} lines, with their machines, the flows between them and the buffers', 'map.failed': 'The picture cannot be drawn.',
  'handover': 'Handed over', 'handover.device': 'real device', 'handover.source': 'reported by', 'handover.taken': 'a real device took the machine over; its simulation is silent', 'handover.back': 'the device was gone; the machine is simulated again',
  'flows': 'Material between lines', 'flows.late': 'Late', 'flows.coming': 'On its way', 'flows.due': 'due {0}', 'flows.was-due': 'was due {0}', 'flows.arrived': 'arrived last', 'flows.none': 'nothing reported', 'flows.waits': 'The customer waits for it',
  'parts': 'Parts', 'part.title': 'Part {0}', 'part.search': 'Find a part or a batch', 'part.seek': 'serial number or batch', 'part.find': 'Find', 'part.search.text': 'The number as it stands on the label: of a part, or of a batch of material. Capitals count.',
  'part.machine': '1 machine', 'part.machines': '{0} machines', 'part.passed': 'Machines that it passed', 'part.then': 'the machine at that time', 'part.elsewhere': 'no machine has reported it: it was made outside', 'part.outside': 'outside', 'part.unmetered': 'no electricity metered', 'part.energy.all': 'with what it was made from {0}',
  'part.from': 'Where it came from', 'part.from.none': 'No material and no part that it was made from was reported.', 'part.to': 'Where it went', 'part.to.none': 'It is in no batch, and no part made from it was reported.',
  'part.material': 'material batch', 'part.source': 'made from part', 'part.batch': 'left in batch', 'part.became': 'became part', 'part.serial': 'serial number', 'part.result': 'result', 'part.reported': 'last reported',
  'part.several': '{0} lines have reported a part with this serial number; each of them is shown.', 'part.unknown': 'Nothing is known of {0}', 'part.unknown.text': 'No machine has reported a part or a batch with this number, or its events are older than the retention. Numbers are compared letter by letter; machines report them with part and quality messages.', 'part.near': 'These numbers are like it:',
  'result.good': 'Good', 'result.scrap': 'Scrap', 'result.rework': 'Rework', 'result.none': 'no result yet', 'parts.newest': 'Newest parts', 'parts.none': 'No machine has reported a part in this time.',
  'batch': 'Batch {0}', 'batch.affects': 'Parts that it affects', 'batch.affects.text': 'Made from this batch, and made from those: if the batch is bad, these are to be checked.', 'batch.holds': 'Parts in it', 'batch.none': 'None was reported.', 'batch.part': '1 part', 'batch.parts': '{0} parts', 'batch.more': 'and {0} more: the API has all',
  'batch.shipped': 'left {0}', 'batch.arrived': 'arrived {0}', 'batch.coming': 'on its way',
  'stops': 'Stops', 'stops.of': 'Stops of {0}', 'stops.any': 'any', 'stops.none': 'no reason', 'stops.sum': '{0} stops, {1} in all', 'stops.lasts': 'lasts', 'stops.more': 'and {0} more: choose a reason, a machine or a shorter range, or take the CSV',
  'stops.from': 'when', 'stops.asset': 'machine', 'stops.state': 'state', 'stops.reason': 'reason', 'stops.seconds': 'length', 'stops.order': 'order', 'stops.link': 'list the stops', 'search': 'search',
  'why.page': 'Why?', 'why.link': 'address of this page', 'why.losses': 'Losses', 'why.amount': 'amount', 'why.filter': 'only',
  'lost.page': 'There is no such page', 'lost.page.text': 'The wall has no page at {0}. It has these:',
  'worst.first': 'worst first', 'lines.more': '{0} more lines', 'lines.shown': '{0} of {1} lines', 'site.page': 'only this site', 'printed': 'printed {0} ({1})', 'legend': 'Legend',
  'stale': 'no message for {0}', 'prev': 'previous machine', 'next': 'next machine', 
  'loss.calendar': 'calendar time', 'loss.off': 'off', 'loss.maintenance': 'maintenance', 'loss.unknown': 'unknown', 'loss.planned': 'planned', 'loss.no-order': 'no order', 'loss.setup': 'set-up', 'loss.down': 'down', 'loss.starved': 'starved',
  'loss.blocked': 'blocked', 'loss.idle': 'idle', 'loss.running': 'running', 'loss.unrated': 'not rated', 'loss.speed': 'speed', 'loss.quality': 'rejects', 'loss.unjudged': 'not inspected', 'loss.fully-productive': 'fully productive',
};

const TABLES = { en };

/** The words of one language; what it lacks is shown in English. */
export const language = pick(new URLSearchParams(location.search).get('lang') ?? navigator.language);
document.documentElement.lang = language;

/** Say a text of the table, with its gaps filled in. */
export function phrase(key, ...fill) {
  const text = own(TABLES[language], key) ?? own(en, key) ?? key;
  return fill.length ? text.replace(/\{(\d)\}/g, (_, place) => fill[place] ?? '') : text;
}

/** Say a text if the table has it, else the fallback. */
export const phraseOr = (key, fallback) => own(TABLES[language], key) ?? own(en, key) ?? fallback;

function pick(wish) {
  const short = (wish ?? 'en').slice(0, 2);
  return Object.hasOwn(TABLES, short) ? short : 'en';
}
