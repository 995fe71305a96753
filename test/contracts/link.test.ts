import { realClock } from '../../src/ambient/clock.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Link } from '../../src/ports/transport.ts';
import { createMemoryNetwork } from '../../src/transport/index.ts';
import { wsHarness } from '../transport/ws-harness.ts';
import { linkContract, type LinkHarness } from './link.ts';

async function memoryHarness(limits: Limits, delayMsMax: number): Promise<LinkHarness> {
  const network = createMemoryNetwork({ clock: realClock(), random: seededRandom(1), limits });
  network.delay(0, delayMsMax);
  const urls = {
    good: 'http://manager:5555',
    dead: 'http://nobody:5555',
    silent: 'http://beyond:5555',
    unauthorized: 'http://stranger:5555',
    forbidden: 'http://guarded:5555',
  };
  let far: Link | undefined;
  network.listen(urls.good, (link) => {
    far = link;
  });
  network.partition('worker', 'beyond');
  network.refuse(urls.unauthorized, 'unauthorized');
  network.refuse(urls.forbidden, 'forbidden');
  const dialer = network.dialer('worker');
  return {
    dialer,
    urls,
    async connect() {
      const near = await dialer.dial(urls.good, new AbortController().signal);
      return { near, far: far! };
    },
    close: () => Promise.resolve(),
  };
}

linkContract('WebSocket', wsHarness);
linkContract('memory', (limits) => memoryHarness(limits, 0));
linkContract('memory (with delays)', (limits) => memoryHarness(limits, 5));
