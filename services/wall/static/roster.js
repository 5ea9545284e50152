// Which machines and lines there are: the declared ones in the plant's order, then newcomers by name. What is asked for
// again and again is worked out once, until a machine comes.

export class Roster {
  constructor() {
    this.begin([], []);
  }

  /** Begin with the declared machines, and the assets that are known. */
  begin(declared, paths) {
    this.declared = declared;
    this.known = new Set(declared);
    this.others = [];
    this.found = new Map();
    for (const path of paths) this.add(path);
  }

  /** Add an asset that reported something; only a machine that was not known changes anything. */
  add(path) {
    if (this.known.has(path) || path.split('/').length !== 4) return;
    this.known.add(path);
    this.others.push(path);
    this.found.clear();
  }

  /** The machines under an asset, '' for all. */
  machines(under = '') {
    return this.once(`machines ${under}`, () => {
      const inside = (path) => !under || path === under || path.startsWith(`${under}/`);
      return [...this.declared, ...this.others.sort()].filter(inside);
    });
  }

  /** The lines of the machines under an asset, '' for all. */
  lines(under = '') {
    return this.once(`lines ${under}`, () => [...new Set(this.machines(under).map((path) => path.split('/').slice(0, 3).join('/')))]);
  }

  once(key, find) {
    if (!this.found.has(key)) this.found.set(key, Object.freeze(find()));
    return this.found.get(key);
  }
}
