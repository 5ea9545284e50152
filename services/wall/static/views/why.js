// Why a number is what it is, at an address of its own: /why/<asset>?indicator=oee&from=…&to=…

import { html } from '../lib.js';
import { useLive } from '../live.js';
import { address, useAsk } from '../ask.js';
import { phrase } from '../words.js';
import { rangeText } from '../range.js';
import { percent, number } from '../format.js';
import { Frame } from '../parts/frame.js';
import { crumbsTo } from '../parts/crumbs.js';
import { RATIOS } from '../parts/figures.js';
import { Why } from '../parts/why.js';

export function WhyPage({ path, range, go, bare }) {
  const live = useLive();
  const query = new URLSearchParams(location.search);
  const indicator = query.get('indicator') ?? 'oee';
  const rated = query.get('rated') === 'true';
  const asked = { asset: path, from: range.from, to: range.to };
  const [answer, error] = useAsk(address('kpi', asked));
  const [plan] = useAsk(address('plan', asked));
  const value = (rated ? answer?.rated : answer)?.indicators[indicator];
  const shown = value == null ? '–' : RATIOS.has(indicator) ? `${percent(value)} %` : number(value);
  return html`<${Frame} crumbs=${[...crumbsTo(live, path), [phrase('why.page'), '']]} range=${range} window=${plan} text=${rangeText(range, plan, live.zone(path))} go=${go} zone=${live.zone(path)} bare=${bare}>
    ${error && html`<p class="trouble" role="status">${phrase('error', error.message)}</p>`}
    ${answer && html`<${Why} key="${indicator} ${answer.from}" about=${{ asset: path, indicator, from: answer.from, to: answer.to, rated, shown }} answer=${answer} go=${go} />`}
  <//>`;
}
