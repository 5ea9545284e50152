// The order of lines on an overview: those that need eyes first, where there are too many to see at a glance.

import { categoryOf } from '../states.js';

/** So many lines are seen at a glance, in the order of the plant. */
export const AT_A_GLANCE = 12;
/** So many are drawn at once where there are more. */
export const MOST_DRAWN = 24;

const RANKS = ['down', 'unknown', 'wait', 'act'];

/** How much a line needs eyes: by its state, then by how far it is behind its plan. Smaller comes first. */
export function rank(state, plan) {
  const place = RANKS.indexOf(categoryOf(state));
  const behind = plan?.plan ? Math.min(0, plan.delta / plan.plan) : 0;
  return (place < 0 ? RANKS.length : place) + (behind < -0.05 ? -0.5 : 0) + behind / 1e3;
}

/** Lines with a text in their title or path, the worst first if there are many. `rankOf` gives a line's rank. */
export function worstFirst(lines, text, titleOf, rankOf) {
  const wanted = text.trim().toLowerCase();
  const found = wanted ? lines.filter((line) => `${titleOf(line)} ${line}`.toLowerCase().includes(wanted)) : [...lines];
  if (lines.length <= AT_A_GLANCE) return found;
  return found.map((line, place) => [rankOf(line), place, line]).sort((one, other) => one[0] - other[0] || one[1] - other[1]).map((each) => each[2]);
}
