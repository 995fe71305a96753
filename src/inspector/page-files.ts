/** The page's built files, for whoever serves them. Only what lies in the folder of the build is ever given out. */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** A file of the page. */
export interface PageContent {
  readonly body: Uint8Array;
  readonly contentType: string;
}

/** The page's files by their paths in an address: `/`, `/index.html`, `/assets/…`. */
export type PageFiles = (path: string) => Promise<PageContent | undefined>;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const notBuilt = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Cube inspector</title></head>
  <body>
    <h1>The inspector's page is not built</h1>
    <p>Run <code>npm run build</code> in Cube's folder, then start the node again.</p>
  </body>
</html>
`;

/**
 * The files of a build, read when they are first asked for and then kept. Without a build, `/` says how to make one.
 * @param folder where the build lies
 */
export function pageFilesIn(folder: string): PageFiles {
  let read: Promise<ReadonlyMap<string, PageContent>> | undefined;
  return async (path) => {
    read ??= readFiles(folder);
    try {
      return (await read).get(path);
    } catch (thrown) {
      // The next one who asks may find it readable.
      read = undefined;
      throw thrown;
    }
  };
}

/** The files of this build. Code that runs from its sources serves what was built last. */
export const pageFile: PageFiles = pageFilesIn(
  import.meta.filename.endsWith('.ts')
    ? join(import.meta.dirname, '..', '..', 'dist', 'src', 'inspector', 'page')
    : join(import.meta.dirname, 'page'),
);

async function readFiles(folder: string): Promise<ReadonlyMap<string, PageContent>> {
  const files = new Map<string, PageContent>();
  const index = await contentOf(join(folder, 'index.html'));
  if (index === undefined) {
    files.set('/', { body: Buffer.from(notBuilt), contentType: types['.html']! });
    return files;
  }
  files.set('/', index);
  files.set('/index.html', index);
  for (const entry of await readdir(join(folder, 'assets'), { withFileTypes: true })) {
    const content = entry.isFile() ? await contentOf(join(folder, 'assets', entry.name)) : undefined;
    if (content !== undefined) files.set(`/assets/${entry.name}`, content);
  }
  return files;
}

/** @returns undefined when there is no such file, or none that a page is made of */
async function contentOf(path: string): Promise<PageContent | undefined> {
  const contentType = types[extname(path)];
  if (contentType === undefined) return undefined;
  try {
    return { body: await readFile(path), contentType };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
