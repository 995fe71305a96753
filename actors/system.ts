/**
 * The live actors of a process as the inspector sees them. Nothing is attached to XState while nobody listens: an inspection
 * callback costs a third of its event rate.
 */
import { isMachineSnapshot, type AnyActorRef, type AnyMachineSnapshot, type InspectionEvent } from 'xstate';
import type { Clock } from '../src/ports/ambient.ts';
import type { ActorRecord, ActorsSource, ActorSnapshot, LiveActor } from '../src/ports/inspection.ts';

/** A root actor, and what people call it. */
export interface NamedRoot {
  readonly name: string;
  readonly ref: AnyActorRef;
}

/** The actors under the roots, to be listed and listened to. */
export interface ActorsWatch extends ActorsSource {
  /** To be called when `roots()` has changed: new ones are told of and listened to, those that went are let go. */
  refresh(): void;
}

type Listener = (record: ActorRecord) => void;

/** What XState keeps of an actor besides its public face. */
type Insides = AnyActorRef & { readonly _parent?: AnyActorRef; readonly logic?: { readonly config?: unknown } };

/** @param roots the root actors that live now; asked again at each `refresh`, `list` and first `inspect` */
export function watchActors(roots: () => readonly NamedRoot[], clock: Pick<Clock, 'now'>): ActorsWatch {
  const listeners = new Set<Listener>();
  const attached = new Map<AnyActorRef, { readonly detach: () => void }>();

  const tell = (record: ActorRecord): void => {
    for (const listener of listeners) listener(record);
  };
  const attach = (root: NamedRoot): void => {
    const subscription = root.ref.system.inspect((event) => {
      for (const record of recordsOf(root, event, clock.now())) tell(record);
    });
    attached.set(root.ref, { detach: () => subscription.unsubscribe() });
  };
  const follow = (): readonly NamedRoot[] => {
    const wanted = listeners.size === 0 ? [] : roots();
    for (const [ref, { detach }] of attached) {
      if (wanted.some((root) => root.ref === ref)) continue;
      detach();
      attached.delete(ref);
    }
    const fresh = wanted.filter(({ ref }) => !attached.has(ref));
    for (const root of fresh) attach(root);
    return fresh;
  };

  return {
    list: () => roots().flatMap((root) => actorsUnder(root, root.ref)),
    inspect(listener) {
      const only: Listener = (record) => listener(record);
      listeners.add(only);
      follow();
      return () => {
        listeners.delete(only);
        if (listeners.size === 0) follow();
      };
    },
    refresh() {
      for (const root of follow()) {
        for (const actor of actorsUnder(root, root.ref)) tell({ kind: 'actor', at: clock.now(), actor });
      }
    },
  };
}

/** An actor and all below it, parents first. Helpers that are no machines (promises, callbacks) are left out. */
function actorsUnder(root: NamedRoot, ref: AnyActorRef): LiveActor[] {
  const actor = liveActor(root, ref);
  if (actor === undefined) return [];
  const { children } = ref.getSnapshot() as AnyMachineSnapshot;
  return [actor, ...Object.values(children).flatMap((child) => (child ? actorsUnder(root, child as AnyActorRef) : []))];
}

function liveActor(root: NamedRoot, ref: AnyActorRef): LiveActor | undefined {
  const snapshot: unknown = ref.getSnapshot();
  const { logic, _parent: parent } = ref as Insides;
  const config = logic?.config;
  if (!isMachineSnapshot(snapshot) || typeof config !== 'object' || config === null) return undefined;
  return {
    sessionId: ref.sessionId,
    parentId: parent?.sessionId ?? null,
    rootId: root.ref.sessionId,
    name: ref === root.ref ? root.name : nameOf(ref, snapshot),
    config,
    snapshot: snapshotOf(snapshot),
  };
}

/** A task's supervisor is called by its slot, a link by its other end. */
function nameOf(ref: AnyActorRef, { machine, context }: AnyMachineSnapshot): string {
  const { order, peer } = context as { readonly order?: { readonly slot?: unknown }; readonly peer?: unknown };
  if (machine.id === 'task' && typeof order?.slot === 'string') return `supervisor ${order.slot}`;
  if (machine.id === 'link' && typeof peer === 'string') return `link ${peer}`;
  return ref.id;
}

function snapshotOf(snapshot: AnyMachineSnapshot): ActorSnapshot {
  const children = Object.entries<AnyActorRef | undefined>(snapshot.children);
  const machines = children.flatMap(([id, child]) => (child && isMachineSnapshot(child.getSnapshot()) ? [[id, child.sessionId]] : []));
  return {
    status: snapshot.status,
    value: snapshot.value,
    context: snapshot.context,
    tags: [...snapshot.tags],
    children: Object.fromEntries(machines) as Record<string, string>,
  };
}

/**
 * One inspection event of XState as records. An actor is told of when it starts, not when it is made: only then does it have a state,
 * and one that is stopped before it starts was never there.
 */
function recordsOf(root: NamedRoot, inspected: InspectionEvent, at: number): ActorRecord[] {
  if (inspected.type !== '@xstate.event' && inspected.type !== '@xstate.snapshot') return [];
  const ref = inspected.actorRef as AnyActorRef;
  const snapshot: unknown = ref.getSnapshot();
  if (!isMachineSnapshot(snapshot)) return [];
  const { sessionId } = ref;
  const rootId = root.ref.sessionId;
  const { event } = inspected;
  if (inspected.type === '@xstate.snapshot') {
    const taken = isMachineSnapshot(inspected.snapshot) ? inspected.snapshot : snapshot;
    return [{ kind: 'snapshot', at, sessionId, rootId, event, snapshot: snapshotOf(taken) }];
  }
  const actor = event.type === 'xstate.init' ? liveActor(root, ref) : undefined;
  const source = inspected.sourceRef as AnyActorRef | undefined;
  const told: ActorRecord = { kind: 'event', at, sessionId, rootId, sourceId: source?.sessionId ?? null, event };
  return actor === undefined ? [told] : [{ kind: 'actor', at, actor }, told];
}
