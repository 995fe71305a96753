/** How the page is built: to `dist/`, beside the code that serves it; all addresses relative, nothing inline, nothing from elsewhere. */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { preact } from '@preact/preset-vite';
import { defineConfig } from 'vite';

const outDir = fileURLToPath(new URL('../../../dist/src/inspector/page', import.meta.url));

/** The build of the page. */
export default defineConfig({
  base: './',
  plugins: [
    preact({ devToolsEnabled: false, prefreshEnabled: false }),
    {
      name: 'clear-old-assets',
      // Only what this build made: compiled modules of the page that the tests use lie in the same folder.
      buildStart: () => rmSync(`${outDir}/assets`, { recursive: true, force: true }),
    },
  ],
  build: { outDir, emptyOutDir: false, assetsInlineLimit: 0, modulePreload: false, target: 'es2022', reportCompressedSize: false },
});
