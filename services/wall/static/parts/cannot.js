// What cannot be: a number that no machine can have is hatched and small, with the reason and what to check. Which it is
// the answer says (`implausible`); here it is only drawn.

import { html } from '../lib.js';
import { live } from '../live.js';
import { own } from '../own.js';
import { phrase, phraseOr } from '../words.js';

/**
 * Why an indicator of an answer cannot be: in `brief`, what is seen and what to check in one line, in `long` the whole
 * warning. Null where it can be. `of` is the answer, or its `rated` part.
 */
export function cannotBe(answer, name, of = answer) {
  const code = own(of?.implausible, name);
  if (!code) return null;
  const found = answer.warnings.filter((warning) => warning.code === code);
  const others = found.filter((warning) => warning.asset !== answer.asset);
  const whose = others.length ? `${live.title(others[0].asset)}${others.length > 1 ? ` ${phrase('and.more', others.length - 1)}` : ''}: ` : '';
  const long = found.map((warning) => `${live.title(warning.asset)}: ${warning.why}`).join('\n');
  return { brief: `${whose}${phraseOr(`cannot.${code}`, found[0]?.why ?? code)}`, long };
}

/** The reasons of several answers, each once, a line each. */
export function CannotBe({ answers, names }) {
  const lines = new Map();
  for (const answer of answers) {
    for (const name of names) {
      const found = cannotBe(answer, name);
      if (found) lines.set(found.brief, found.long);
    }
  }
  return [...lines].map(([brief, long]) => html`<p class="beside cannot" title=${long} key=${brief}><b class="t-attention">${phrase('cannot.be')}</b> · ${brief}</p>`);
}
