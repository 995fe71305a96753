/** What a container is told of itself: variables of its environment, and `${CUBE_NAME}` where its worker fills them in. */
import type { Order, PortBinding } from './task.ts';

/** What a task must tell for its variables; without ports there are none of theirs. */
export type Described = Pick<Order, 'job' | 'task' | 'slot' | 'index' | 'tick'> & { readonly ports?: readonly PortBinding[] };

/** `${CUBE_NAME}` or `${CUBE_NAME:-default}`; with another `$` before it, it stands for itself. */
const placeholder = /(\$?)\$\{(CUBE_\w*)(?::-([^{}]*))?\}/g;

/** Names that a container may be told of itself; those of ports, `CUBE_PORT_<port>` and `CUBE_PORT_<port>_UDP`, are besides. */
export const builtInNames: readonly string[] = ['CUBE_JOB', 'CUBE_TASK', 'CUBE_SLOT', 'CUBE_INDEX', 'CUBE_NODE', 'CUBE_TICK'];

/** Whether a variable is one that a container is told of itself. */
export function isBuiltIn(name: string): boolean {
  return builtInNames.includes(name) || /^CUBE_PORT_\d+(?:_UDP)?$/.test(name);
}

/**
 * Fills in `${CUBE_NAME}`. `$${CUBE_NAME}` becomes `${CUBE_NAME}`. A name that has no value becomes its default, and stays as it is
 * without one: a shell in the container may know it. Nothing else is touched, and values are not looked through again.
 */
export function fillPlaceholders(text: string, values: Readonly<Record<string, string>>): string {
  if (!text.includes('${CUBE_')) return text;
  return text.replaceAll(placeholder, (whole: string, escape: string, name: string, otherwise: string | undefined) => {
    if (escape !== '') return whole.slice(1);
    return Object.hasOwn(values, name) ? values[name]! : (otherwise ?? whole);
  });
}

/** A text that `fillPlaceholders` turns into this one, whatever is in it. */
export function escapePlaceholders(text: string): string {
  return text.replaceAll(/\$\{CUBE_\w*(?::-[^{}]*)?\}/g, '$$$&');
}

/**
 * The variables of one instance: CUBE_JOB, CUBE_TASK, CUBE_SLOT, CUBE_INDEX, CUBE_NODE, the tick of a periodic run (CUBE_TICK,
 * ISO 8601 in UTC), and the host port of each container port (CUBE_PORT_80; CUBE_PORT_53_UDP).
 * @param nodeName unknown before the task is placed
 */
export function placeholdersOf({ job, task, slot, index, tick, ports = [] }: Described, nodeName?: string): Record<string, string> {
  const values: Record<string, string> = { CUBE_JOB: job, CUBE_TASK: task, CUBE_SLOT: slot, CUBE_INDEX: String(index) };
  if (nodeName !== undefined) values['CUBE_NODE'] = nodeName;
  if (tick !== undefined) values['CUBE_TICK'] = new Date(tick).toISOString();
  // A container port may be bound more than once: the first is the one that counts.
  for (const { container, protocol, host } of ports) {
    values[`CUBE_PORT_${container}${protocol === 'udp' ? '_UDP' : ''}`] ??= String(host);
  }
  return values;
}

/** An order as its container is made: with its variables in the environment, where the task's own win, and its placeholders filled in. */
export function filledOrder(order: Order, nodeName: string): Order {
  const { spec } = order;
  const values = placeholdersOf(order, nodeName);
  const fill = (text: string): string => fillPlaceholders(text, values);
  const own = Object.entries(spec.env).map(([name, value]) => [name, fill(value)] as const);
  return {
    ...order,
    spec: {
      ...spec,
      env: { ...values, ...Object.fromEntries(own) },
      ...(spec.command === undefined ? {} : { command: spec.command.map(fill) }),
      ...(spec.volumes === undefined
        ? {}
        : { volumes: spec.volumes.map((volume) => (volume.name === undefined ? volume : { ...volume, name: fill(volume.name) })) }),
    },
  };
}
