/** An actor as the page shows it. */
import { signal } from '@preact/signals';
import { activePaths, type Chart, type ChartEdge } from '../../core/chart.ts';
import type { ActorStatus, InspectedEvent } from '../../core/inspect-protocol.ts';

/** An event that an actor got. States are texts: `running.healthy`. */
export interface LogEntry {
  /** Counts the entries of its actor. */
  readonly id: number;
  /** ms since the epoch. */
  readonly at: number;
  readonly event: InspectedEvent;
  /** Name of the actor that sent it. */
  readonly source: string | null;
  from: string;
  /** Where it led; null until that is known. */
  to: string | null;
  edge: ChartEdge | null;
}

/** Where an actor is listed, from top to bottom. */
export const groups = ['This node', 'Links', 'Supervisors', 'Nodes', 'Jobs', 'Deployments', 'Tasks', 'Ended'] as const;

/** A group of the list. */
export type Group = (typeof groups)[number];

type RecordKind = 'node' | 'job' | 'deployment' | 'task';

/** An actor, or a record that is shown as one. Whoever draws it reads `changed`, since its other fields are plain. */
export class ActorView {
  readonly id: string;
  readonly chart: Chart;
  /** Rises with every change of this actor. */
  readonly changed = signal(0);
  readonly log: LogEntry[] = [];
  name = '';
  parentId: string | null = null;
  status: ActorStatus = 'active';
  value: unknown = undefined;
  context: unknown = undefined;
  /** In its state since, ms since the epoch. */
  since = 0;
  /** The last edge that led somewhere, and how many did. */
  taken: { readonly edge: ChartEdge; readonly count: number } | null = null;
  /** Not described since the feed began anew. */
  stale = false;
  /** Entries dropped before their turn. */
  forgotten = 0;
  #last = 0;

  constructor(id: string, chart: Chart) {
    this.id = id;
    this.chart = chart;
  }

  nextEntry(): number {
    return ++this.#last;
  }

  get ended(): boolean {
    return this.status !== 'active';
  }

  /** Its state, without what is inside of it: `running`. The name that the command line prints. */
  get stateText(): string {
    return activePaths(this.value)[0] ?? '';
  }

  /** The states inside of its state, outermost first: `healthy`. */
  get innerText(): string {
    return (
      activePaths(this.value)
        .at(-1)
        ?.slice(this.stateText.length + 1) ?? ''
    );
  }

  /** The kind of record it stands for, or null for an actor that lives. */
  get record(): RecordKind | null {
    return (/\/(node|job|deployment|task):/.exec(this.id)?.[1] as RecordKind | undefined) ?? null;
  }

  /** Its id without the node's: `task:3f0c…`, `x:12`. */
  get shortId(): string {
    return this.id.slice(this.id.indexOf('/') + 1);
  }

  get group(): Group {
    if (this.ended && (this.record === 'task' || this.record === null)) return 'Ended';
    switch (this.record ?? this.chart.id) {
      case 'link':
        return 'Links';
      case 'node':
        return 'Nodes';
      case 'job':
        return 'Jobs';
      case 'deployment':
        return 'Deployments';
      case 'task':
        return this.record === null ? 'Supervisors' : 'Tasks';
      default:
        return 'This node';
    }
  }

  /** Its name without the word that its group says already. */
  get shortName(): string {
    return this.name.replace(/^(?:node|job|deployment|task|link|supervisor) /, '');
  }
}
