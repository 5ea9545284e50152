// Bundles `src/main.jsx` for a browser: node build.mjs OUT.js

import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';

// Grafana builds react-data-grid from a fork for React 18, which npm has not; the release writes contexts as React 19
// does.
const contextsOfReact18 = {
  name: 'contexts of React 18',
  setup({ onLoad }) {
    onLoad({ filter: /react-data-grid\/lib\/bundle\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(/\b(jsxs?\(\w+Context)(?=, \{)/g, '$1.Provider'),
    }));
  },
};

await build({
  entryPoints: [new URL('src/main.jsx', import.meta.url).pathname],
  outfile: process.argv[2],
  bundle: true,
  format: 'iife',
  jsx: 'automatic',
  target: 'es2022',
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  loader: { '.svg': 'dataurl', '.woff': 'dataurl', '.woff2': 'dataurl', '.png': 'dataurl', '.ttf': 'empty' },
  plugins: [contextsOfReact18],
  logLevel: 'error',
});
