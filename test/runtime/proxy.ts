/** A proxy before the engine's socket: it counts what is asked, and can cut connections. */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';

/** A running proxy. */
export interface EngineProxy {
  readonly socketPath: string;
  /** Request lines, oldest first: `POST /containers/create?name=a HTTP/1.1`. */
  readonly requests: readonly string[];
  /** Everything clients sent. */
  sent(): string;
  /** Cuts the connections that are open now. */
  cut(): void;
  /** While true, new connections are cut at once. */
  refuse(on: boolean): void;
  close(): Promise<void>;
}

/** Starts a proxy before an engine's socket. */
export async function engineProxy(enginePath: string): Promise<EngineProxy> {
  const socketPath = join(tmpdir(), `cube-proxy-${randomUUID().slice(0, 8)}.sock`);
  const requests: string[] = [];
  const open = new Set<Socket>();
  let sent = '';
  let isRefusing = false;
  const server = createServer((client) => {
    if (isRefusing) {
      client.destroy();
      return;
    }
    const engine = connect(enginePath);
    for (const socket of [client, engine]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        engine.destroy();
      });
    }
    client.on('data', (bytes) => {
      const text = bytes.toString();
      sent += text;
      requests.push(...(text.match(/^[A-Z]+ \/\S* HTTP\/1\.1$/gm) ?? text.match(/^[A-Z]+ \/\S* HTTP\/1\.1(?=\r)/gm) ?? []));
    });
    client.pipe(engine);
    engine.pipe(client);
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    socketPath,
    requests,
    sent: () => sent,
    cut: () => {
      for (const socket of open) socket.destroy();
    },
    refuse: (on) => {
      isRefusing = on;
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      rmSync(socketPath, { force: true });
    },
  };
}
