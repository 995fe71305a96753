/** The page's static files: public, no data in them, and nothing but this node may they talk to. */
import type { ApiDeps, PageFile } from './deps.ts';
import { commonHeaders } from './answers.ts';

/**
 * The policy of the page: scripts, styles and connections of this node only, and no frame around it.
 * The WebSocket addresses are spelled out because not every browser counts them as 'self' (CSP level 3, 6.7.2.8).
 * @param host the request's Host header
 */
function contentPolicy(host: string): string {
  const sockets = /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'self'",
    `connect-src 'self'${sockets}`,
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The file at a path, or undefined. Files below `/assets/` carry a hash in their name and may be kept for ever. */
export async function pageResponse(page: ApiDeps['page'], path: string, host: string): Promise<Response | undefined> {
  const file: PageFile | undefined = await page(path);
  if (file === undefined) return undefined;
  return new Response(file.body, {
    headers: {
      ...commonHeaders,
      'cache-control': path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      'content-security-policy': contentPolicy(host),
      'content-type': file.contentType,
      'cross-origin-opener-policy': 'same-origin',
      'x-frame-options': 'DENY',
    },
  });
}
