/** A registry without content of its own: it has any image that is asked of it, and sends half of its only layer, or all. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One that runs. */
export interface StallingRegistry {
  /** `127.0.0.1:PORT`: images are named after it. */
  readonly address: string;
  /** How often the layer was asked for. */
  readonly layers: number;
  close(): void;
}

const layerBytes = 24 * 2 ** 20;

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Starts one. @param hangs in the middle of the layer, and forever */
export async function stallingRegistry(hangs: boolean): Promise<StallingRegistry> {
  const layer = Buffer.alloc(layerBytes, 7);
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: config.length, digest: digestOf(config) },
      layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', size: layer.length, digest: digestOf(layer) }],
    }),
  );
  let layers = 0;
  const server = createServer(({ method, url = '' }, response) => {
    const isLayer = url.endsWith(digestOf(layer));
    const content = url.includes('/manifests/') ? manifest : isLayer ? layer : url.includes('/blobs/') ? config : Buffer.from('{}');
    const type = url.includes('/manifests/') ? 'application/vnd.docker.distribution.manifest.v2+json' : 'application/octet-stream';
    response.writeHead(200, {
      'content-type': type,
      'content-length': content.length,
      'docker-content-digest': digestOf(content),
      'docker-distribution-api-version': 'registry/2.0',
    });
    if (method === 'HEAD') return void response.end();
    if (!isLayer) return void response.end(content);
    layers++;
    if (hangs) response.write(content.subarray(0, layerBytes / 2));
    else response.end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get layers() {
      return layers;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
