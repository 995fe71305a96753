/** Numbers for `/metrics`. They are kept in plain maps; prom-client is loaded when somebody first asks for them. */
import type { Registry } from 'prom-client';
import type { Metrics } from '../ports/ambient.ts';

interface Count {
  readonly help: string;
  value: number;
}

type Read = Parameters<Metrics['gauge']>[2];

interface Gauge {
  readonly help: string;
  readonly label: string;
  readonly read: Read;
}

const metricName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const readErrors = 'cube_metrics_read_errors_total';

/**
 * Metrics of one node. A gauge that cannot be read is left out of that answer and counted in `cube_metrics_read_errors_total`.
 * `count` and `gauge` throw TypeErrors for what Prometheus would not take: a bad name, a counter that does not end in `_total` or that falls.
 */
export function createMetrics(): Metrics {
  const counts = new Map<string, Count>();
  const gauges = new Map<string, Gauge>();

  const count: Metrics['count'] = (name, help, by = 1) => {
    const known = counts.get(name);
    if (!(by >= 0 && Number.isFinite(by))) throw new TypeError(`metric ${name} may only rise, not change by ${by}`);
    if (known) {
      known.value += by;
      return;
    }
    checkName(name, gauges);
    if (!name.endsWith('_total')) throw new TypeError(`a counter's name ends in _total, not as in ${name}`);
    counts.set(name, { help, value: by });
  };

  const gauge: Metrics['gauge'] = (name, help, read, label = 'kind') => {
    checkName(name, counts);
    if (!metricName.test(label)) throw new TypeError(`"${label}" is no name of a label`);
    gauges.set(name, { help, label, read });
  };

  const expose: Metrics['expose'] = async () => {
    const { Counter, Gauge: PromGauge, Registry: PromRegistry } = await import('prom-client');
    const registry: Registry = new PromRegistry();
    for (const [name, { help, label, read }] of gauges) {
      const values = readGauge(read);
      if (values === undefined) {
        count(readErrors, 'Gauges that could not be read.');
      } else if (typeof values === 'number') {
        new PromGauge({ name, help, registers: [registry] }).set(values);
      } else {
        const labelled = new PromGauge({ name, help, labelNames: [label], registers: [registry] });
        for (const [key, value] of Object.entries(values)) labelled.set({ [label]: key }, value);
      }
    }
    for (const [name, { help, value }] of counts) new Counter({ name, help, registers: [registry] }).inc(value);
    return { text: await registry.metrics(), contentType: registry.contentType };
  };

  return { count, gauge, expose };
}

function checkName(name: string, others: ReadonlyMap<string, unknown>): void {
  if (!metricName.test(name)) throw new TypeError(`"${name}" is no name of a metric`);
  if (others.has(name)) throw new TypeError(`metric ${name} is both a counter and a gauge`);
}

/** What the gauge says, or undefined when it fails or says what is no number. */
function readGauge(read: Read): ReturnType<Read> | undefined {
  try {
    const values = read();
    const all = typeof values === 'number' ? [values] : Object.values(values);
    return all.every((value) => typeof value === 'number') ? values : undefined;
  } catch {
    return undefined;
  }
}
