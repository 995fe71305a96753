/** Amounts of what a node has and a task asks for: cpu in cores, memory and disk in bytes, custom ones in their own unit. */

export interface Resources {
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly custom: Readonly<Record<string, number>>;
}

/** Nothing of anything: what a task asks for that reserves nothing. */
export const noResources: Resources = Object.freeze({ cpu: 0, memoryBytes: 0, diskBytes: 0, custom: Object.freeze({}) });

function combine(a: Resources, b: Resources, sign: 1 | -1): Resources {
  const custom: Record<string, number> = { ...a.custom };
  for (const [name, amount] of Object.entries(b.custom)) custom[name] = (custom[name] ?? 0) + sign * amount;
  return {
    cpu: a.cpu + sign * b.cpu,
    memoryBytes: a.memoryBytes + sign * b.memoryBytes,
    diskBytes: a.diskBytes + sign * b.diskBytes,
    custom,
  };
}

/** `a` and `b` together. */
export function plus(a: Resources, b: Resources): Resources {
  return combine(a, b, 1);
}

/** What is left of `a` when `b` is taken away. */
export function minus(a: Resources, b: Resources): Resources {
  return combine(a, b, -1);
}

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  ki: 2 ** 10,
  kib: 2 ** 10,
  mi: 2 ** 20,
  mib: 2 ** 20,
  gi: 2 ** 30,
  gib: 2 ** 30,
  ti: 2 ** 40,
  tib: 2 ** 40,
};

/**
 * Bytes from what people write: `128MiB`, `1.5 GB`, `512`, any case. kB, MB, GB count in thousands, KiB, MiB, GiB in 1,024s.
 * @returns whole bytes, or undefined when the text is no size
 */
export function parseBytes(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  if (!match) return undefined;
  const factor = byteUnits[match[2]!.toLowerCase()];
  if (factor === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Bytes for people: `128 MiB`, `1.5 GiB`, `0 B`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toFixed(value >= 100 || unit === 0 ? 0 : 1))} ${units[unit]}`;
}
