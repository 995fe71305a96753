/** A proxy before an engine's socket that passes each request on, and may then answer something else than the engine did. */
import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';

/** What is answered in place of the engine's own answer; undefined: that one. @param line `POST /containers/x/start` */
export type Lie = (line: string) => { readonly status: number; readonly message: string } | undefined;

/** Starts one. The engine has done what it was asked when the lie is told. */
export async function lyingProxy(enginePath: string, lie: Lie): Promise<{ readonly socketPath: string; close(): void }> {
  const socketPath = join(tmpdir(), `cube-proxy-${randomUUID().slice(0, 8)}.sock`);
  const server = createServer((request, response) => {
    const { method, url: path, headers } = request;
    const engine = ask({ socketPath: enginePath, method, path, headers }, (answer) => {
      const said = lie(`${method} ${path}`);
      if (said === undefined) {
        response.writeHead(answer.statusCode ?? 500, answer.headers).flushHeaders();
        answer.pipe(response);
        return;
      }
      answer.resume().on('end', () => {
        response.writeHead(said.status, { 'content-type': 'application/json' }).end(JSON.stringify({ message: said.message }));
      });
    });
    engine.on('error', () => response.destroy());
    response.on('close', () => engine.destroy());
    request.pipe(engine);
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    socketPath,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
