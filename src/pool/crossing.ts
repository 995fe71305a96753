/**
 * How a batch crosses to a thread and its outcome comes back: the node columns in one SharedArrayBuffer, which is copied into and not
 * cloned, the batch beside it. Strings cross only where a batch asks for them.
 */
import type { AttributeColumn, NodeColumns, NodePorts } from '../core/placement.ts';
import type { Batch, Encoded, Outcome } from '../scheduling/placing/batch.ts';
import { placeBatch } from '../scheduling/place.ts';

/** What a thread is given. */
export interface Crossing {
  readonly buffer: SharedArrayBuffer;
  readonly rows: number;
  readonly resources: readonly string[];
  /** Values by attribute, in the order of their columns. */
  readonly attributes: readonly (readonly [name: string, values: AttributeColumn['values']])[];
  /** Only where the batch asks for ports. */
  readonly ports: readonly (NodePorts | undefined)[];
  readonly batch: Batch;
}

/** Columns over a buffer, in their fixed order: 8 bytes wide ones first, so that all are aligned. */
interface Layout {
  readonly capacity: Float64Array[];
  readonly reserved: Float64Array[];
  readonly used: Float64Array[];
  readonly ranks: Int32Array;
  readonly ids: Int32Array[];
  readonly conditions: Uint8Array;
}

function sizeOf(rows: number, resources: number, attributes: number): number {
  return rows * (resources * 3 * 8 + (attributes + 1) * 4 + 1);
}

function layoutOf(buffer: SharedArrayBuffer, rows: number, resources: number, attributes: number): Layout {
  let at = 0;
  const floats = (): Float64Array => {
    at += rows * 8;
    return new Float64Array(buffer, at - rows * 8, rows);
  };
  const whole = (): Int32Array => {
    at += rows * 4;
    return new Int32Array(buffer, at - rows * 4, rows);
  };
  const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  return {
    capacity: many(resources, floats),
    reserved: many(resources, floats),
    used: many(resources, floats),
    ranks: whole(),
    ids: many(attributes, whole),
    conditions: new Uint8Array(buffer, at, rows),
  };
}

/** Ports that a thread may have: what is more than that (a whole node) stays here. */
function portsOf(ports: NodePorts | undefined): NodePorts | undefined {
  if (ports === undefined) return undefined;
  const { portsIp, portRange, portsNext, portsTaken } = ports;
  return { portsIp, portRange, portsNext, portsTaken };
}

/**
 * Copies a batch's columns into a buffer.
 * @param free a buffer that nobody uses; another one is made where it is too small
 */
export function pack({ columns, batch }: Encoded, free: SharedArrayBuffer | undefined): Crossing {
  const { rows, resources } = columns;
  const attributes = Object.entries(columns.attributes);
  const bytes = sizeOf(rows, resources.length, attributes.length);
  const buffer = free !== undefined && free.byteLength >= bytes ? free : new SharedArrayBuffer(bytes);
  const layout = layoutOf(buffer, rows, resources.length, attributes.length);
  for (const side of ['capacity', 'reserved', 'used'] as const) {
    for (const [at, column] of columns[side].entries()) layout[side][at]!.set(column);
  }
  layout.ranks.set(columns.ranks);
  for (const [at, [, { ids }]] of attributes.entries()) layout.ids[at]!.set(ids);
  layout.conditions.set(columns.conditions);
  return {
    buffer,
    rows,
    resources,
    attributes: attributes.map(([name, { values }]) => [name, values] as const),
    ports: batch.named.size === 0 ? [] : columns.ports.map(portsOf),
    batch,
  };
}

/** Places what crossed. The buffer is this call's alone: it is written. */
export function placeCrossed({ buffer, rows, resources, attributes, ports, batch }: Crossing): Outcome {
  const { ids, ...layout } = layoutOf(buffer, rows, resources.length, attributes.length);
  const byName = Object.fromEntries(attributes.map(([name, values], at) => [name, { ids: ids[at]!, values }]));
  const columns: NodeColumns = { ...layout, rows, resources, attributes: byName, ports, ids: [], names: [] };
  return placeBatch(columns, batch, true);
}
