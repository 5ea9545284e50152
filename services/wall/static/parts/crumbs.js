// The way to an asset: its site, line and machine, each with its address.

const VIEWS = ['site', null, 'line', 'machine'];

/** [title, address] pairs down to an asset, all of them linked. */
export function crumbsTo(live, path) {
  if (!path) return [];
  const levels = path.split('/');
  return levels.map((_, depth) => levels.slice(0, depth + 1).join('/')).flatMap((above, depth) => (VIEWS[depth] ? [[live.title(above), `/${VIEWS[depth]}/${above}`]] : []));
}
