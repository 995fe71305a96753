/**
 * A statechart as a flat graph, read off a machine's config as plain JSON: what the inspector draws and what becomes a diagram.
 * Targets are resolved as XState 5 does it.
 */

/** A state. */
export interface ChartState {
  /** Dotted path: `running.healthy`; empty for the machine itself. */
  readonly path: string;
  readonly name: string;
  /** Path of the state around it; null for the machine itself. */
  readonly parent: string | null;
  readonly description: string;
  readonly tags: readonly string[];
  readonly isFinal: boolean;
  readonly isParallel: boolean;
  /** Path of the child it starts in. */
  readonly initial: string | null;
  readonly children: readonly string[];
  /** Ids of the actors it runs while it is active. */
  readonly invokes: readonly string[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
}

/** What makes a transition happen: an event, time, an invoked actor's or child state's end, an actor's failure, or nothing at all. */
export type EdgeKind = 'event' | 'after' | 'done' | 'error' | 'always';

/** A transition. */
export interface ChartEdge {
  readonly source: string;
  /** Path of the state it leads to; null when it changes none. */
  readonly target: string | null;
  readonly kind: EdgeKind;
  /** Type of the event as XState sends it: `report.running`, `xstate.done.actor.dial`. */
  readonly event: string;
  /** For people: `report.running`, `after restartDelay`, `dial done`. */
  readonly label: string;
  readonly guard: string | null;
  readonly actions: readonly string[];
  readonly reenter: boolean;
}

/** A machine. The first state is the machine itself; parents come before their children. */
export interface Chart {
  readonly id: string;
  readonly states: ReadonlyMap<string, ChartState>;
  readonly edges: readonly ChartEdge[];
}

type Fields = Readonly<Record<string, unknown>>;

interface Draft {
  readonly machine: string;
  readonly states: Map<string, ChartState>;
  readonly edges: ChartEdge[];
  /** Paths by the ids that states were given. */
  readonly ids: Map<string, string>;
}

/** Reads a config. What is no config gives a machine without states. */
export function chartOf(config: unknown): Chart {
  const root = fieldsOf(config);
  const machine = textOf(root['id']) ?? '(machine)';
  const draft: Draft = { machine, states: new Map(), edges: [], ids: new Map() };
  addState(draft, root, machine, '', null);
  addEdges(draft, root, '');
  return { id: machine, states: draft.states, edges: draft.edges };
}

/** The states a value is in, outermost first: `{running: 'healthy'}` gives `running` and `running.healthy`. */
export function activePaths(value: unknown, prefix = ''): string[] {
  if (typeof value === 'string') return value === '' ? [] : [prefix + value];
  return Object.entries(fieldsOf(value)).flatMap(([name, child]) => [prefix + name, ...activePaths(child, `${prefix}${name}.`)]);
}

/** The value of a path, with the children it starts in: `running` gives `{running: 'unknown'}`. A path that the chart lacks stays a text. */
export function valueAt(chart: Chart, path: string): unknown {
  let state = chart.states.get(path);
  if (state === undefined) return path;
  while (state.initial !== null && chart.states.has(state.initial)) state = chart.states.get(state.initial)!;
  const names = state.path.split('.');
  let value: unknown = names.pop();
  for (const name of names.reverse()) value = { [name]: value };
  return value;
}

/** Tags of all states that a value is in. */
export function tagsAt(chart: Chart, value: unknown): string[] {
  return [...new Set(activePaths(value).flatMap((path) => chart.states.get(path)?.tags ?? []))];
}

function addState(draft: Draft, config: Fields, name: string, path: string, parent: string | null): void {
  const children = Object.keys(fieldsOf(config['states']));
  const below = (child: string): string => (path === '' ? child : `${path}.${child}`);
  const initial = textOf(config['initial']) ?? textOf(fieldsOf(config['initial'])['target']);
  draft.states.set(path, {
    path,
    name,
    parent,
    description: textOf(config['description']) ?? '',
    tags: listOf(config['tags']).flatMap((tag) => textOf(tag) ?? []),
    isFinal: config['type'] === 'final',
    isParallel: config['type'] === 'parallel',
    initial: initial === undefined ? null : below(initial),
    children: children.map(below),
    invokes: listOf(config['invoke']).map(invokeName),
    entry: namesOf(config['entry']),
    exit: namesOf(config['exit']),
  });
  const id = textOf(config['id']);
  if (id !== undefined && path !== '') draft.ids.set(id, path);
  for (const [child, inner] of Object.entries(fieldsOf(config['states']))) addState(draft, fieldsOf(inner), child, below(child), path);
}

function addEdges(draft: Draft, config: Fields, path: string): void {
  const add = (kind: EdgeKind, event: string, label: string, transitions: unknown): void => {
    for (const one of listOf(transitions)) draft.edges.push(edgeOf(draft, path, { kind, event, label }, one));
  };
  const id = textOf(config['id']) ?? (path === '' ? draft.machine : `${draft.machine}.${path}`);
  for (const [event, transitions] of Object.entries(fieldsOf(config['on']))) add('event', event, event, transitions);
  for (const invoke of listOf(config['invoke'])) {
    const name = invokeName(invoke);
    const { onDone, onError } = fieldsOf(invoke);
    add('done', `xstate.done.actor.${name}`, `${name} done`, onDone);
    add('error', `xstate.error.actor.${name}`, `${name} failed`, onError);
  }
  add('done', `xstate.done.state.${id}`, 'done', config['onDone']);
  for (const [delay, transitions] of Object.entries(fieldsOf(config['after']))) {
    add('after', `xstate.after.${delay}.${id}`, `after ${/^\d+$/.test(delay) ? `${delay} ms` : delay}`, transitions);
  }
  add('always', '', 'always', config['always']);
  for (const [child, inner] of Object.entries(fieldsOf(config['states']))) {
    addEdges(draft, fieldsOf(inner), path === '' ? child : `${path}.${child}`);
  }
}

function edgeOf(draft: Draft, source: string, cause: Pick<ChartEdge, 'kind' | 'event' | 'label'>, transition: unknown): ChartEdge {
  const { target, guard, actions, reenter } = fieldsOf(transition);
  const named = textOf(transition) ?? textOf(target) ?? textOf(listOf(target)[0]);
  return {
    ...cause,
    source,
    target: named === undefined ? null : resolveTarget(draft, source, named),
    guard: nameOf(guard) ?? null,
    actions: namesOf(actions),
    reenter: reenter === true,
  };
}

/** `.child`, `#id`, `#id.child`, `sibling`, each with more levels below; one that leads nowhere is given as it stands. */
function resolveTarget(draft: Draft, source: string, target: string): string {
  const under = (path: string, rest: string): string => (path === '' ? rest : rest === '' ? path : `${path}.${rest}`);
  if (target.startsWith('.')) return under(source, target.slice(1));
  if (!target.startsWith('#')) return under(draft.states.get(source)?.parent ?? '', target);
  const name = target.slice(1);
  const own = [...draft.ids].find(([id]) => name === id || name.startsWith(`${id}.`));
  if (own !== undefined) return under(own[1], name.slice(own[0].length + 1));
  if (name === draft.machine) return '';
  return name.startsWith(`${draft.machine}.`) ? name.slice(draft.machine.length + 1) : name;
}

function invokeName(invoke: unknown): string {
  const { id, src } = fieldsOf(invoke);
  return textOf(id) ?? textOf(src) ?? 'actor';
}

function namesOf(actions: unknown): string[] {
  return listOf(actions).flatMap((action) => nameOf(action) ?? []);
}

/** The name of an action or guard, given as text or as `{type, params}`. */
function nameOf(value: unknown): string | undefined {
  return textOf(value) ?? textOf(fieldsOf(value)['type']);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
