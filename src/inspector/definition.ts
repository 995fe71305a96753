/** Machines as the feed describes them: each read once. */
import { chartOf, type Chart } from '../core/chart.ts';
import { plainConfig } from './plain-config.ts';

/** A machine, as it is sent and as it is looked at. */
export interface Definition {
  /** The config as JSON text. */
  readonly text: string;
  readonly chart: Chart;
}

const known = new WeakMap<object, Definition>();

/** The definition of a config. Its initial context is left out: it is data, and may hold what nobody should read. */
export function definitionOf(config: object): Definition {
  let definition = known.get(config);
  if (definition === undefined) {
    const { context: _context, ...rest } = plainConfig(config) as Record<string, unknown>;
    definition = { text: JSON.stringify(rest), chart: chartOf(rest) };
    known.set(config, definition);
  }
  return definition;
}
