/** What an engine says of a node's containers while a test runs: which were made, started and ended, in its own order. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import { label } from '../../src/core/ids.ts';

/** One event of a container. */
export interface Happening {
  readonly action: 'create' | 'start' | 'die' | 'destroy';
  readonly container: string;
  readonly taskId: string;
  readonly slot: string;
  /** When the engine says it happened, ms since the epoch. */
  readonly at: number;
}

interface EngineEvent {
  readonly Action: Happening['action'];
  readonly timeNano: number;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** What is being written down. */
export interface Chronicle {
  readonly all: readonly Happening[];
  close(): void;
}

/** Begins to write down what happens to containers that carry a label. @param onNew hears each, at once */
export async function chronicleOf(docker: Dockerode, of: string, onNew: (one: Happening) => void = () => undefined): Promise<Chronicle> {
  const stream = (await docker.getEvents({
    filters: { type: ['container'], event: ['create', 'start', 'die', 'destroy'], label: [of] },
  })) as Readable;
  const all: Happening[] = [];
  createInterface(stream).on('line', (line) => {
    const { Action: action, timeNano, Actor } = JSON.parse(line) as EngineEvent;
    const { [label.id]: taskId = '', [label.slot]: slot = '' } = Actor.Attributes;
    const one: Happening = { action, container: Actor.ID, taskId, slot, at: timeNano / 1e6 };
    all.push(one);
    onNew(one);
  });
  return { all, close: () => void stream.destroy() };
}
