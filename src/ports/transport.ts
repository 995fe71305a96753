/**
 * The transport port: links between a manager and a worker, and the frames on them. A published frame is never edited;
 * what must change gets the next protocol version, and both ends speak versions N and N-1.
 */
import type { Epoch } from '../core/events.ts';
import type { NodeFacts, TaskUsage, Usage } from '../core/node.ts';
import type { Holding, Order, TaskReport } from '../core/task.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { FileAsk } from '../core/files.ts';
import type { OpenFrame, StreamFrame } from '../core/streams.ts';
import type { RequestKey } from './control.ts';

export type { DigestStream, ExecStream, LogsStream, OpenFrame, StreamFrame, StreamRequest } from '../core/streams.ts';

/**
 * The versions this build speaks, lowest and highest. Version 2 brought streams that go both ways (`exec`), and `judge`; version 3
 * brought files of orders, and what images stand for (`digest`).
 */
export const protocol = { min: 1, max: 3 } as const;

/** A worker's frames. */
export type WorkerFrame =
  /** First on every link: who I am, which cluster I am pinned to, the highest epoch and revision I saw, all I hold. */
  | {
      readonly type: 'greet';
      readonly protocolMin: number;
      readonly protocolMax: number;
      readonly clusterId: string | null;
      readonly facts: NodeFacts;
      readonly epoch: Epoch | null;
      readonly revision: number;
      readonly reports: readonly TaskReport[];
      /** Why my engine is taken for away; absent while it answers. */
      readonly engineAway?: string;
      /** Live tasks for which I have orders. */
      readonly holds?: readonly Holding[];
      /** Tasks whose containers run here and for which I have no order; the slot as their labels tell it. */
      readonly unknown: readonly { readonly id: string; readonly running: boolean; readonly slot?: string }[];
      /** Tasks that a manager let me go on with although it did not know them. */
      readonly adopted?: readonly string[];
    }
  | { readonly type: 'reports'; readonly reports: readonly TaskReport[] }
  | { readonly type: 'beat'; readonly usage: Usage | null; readonly engineAway?: string; readonly tasks?: readonly TaskUsage[] }
  /** A delta's base is not what I have: send a full set. */
  | { readonly type: 'resync'; readonly revision: number }
  /** I stop now, and mean to be back within `backMs`. */
  | { readonly type: 'bye'; readonly backMs: number }
  | { readonly type: 'call'; readonly call: number; readonly what: WorkerCall }
  | StreamFrame;

/** A manager's frames. */
export type ManagerFrame =
  | { readonly type: 'welcome'; readonly protocol: number; readonly clusterId: string; readonly epoch: Epoch }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** Everything this worker should have, and what to do with what it named unknown. */
  | {
      readonly type: 'assignments';
      readonly epoch: Epoch;
      readonly revision: number;
      readonly orders: readonly Order[];
      readonly verdicts: readonly { readonly id: string; readonly verdict: 'stop' | 'adopt' }[];
    }
  /** What changed since `base`; `forget` names final tasks that the manager keeps no more. */
  | {
      readonly type: 'delta';
      readonly epoch: Epoch;
      readonly base: number;
      readonly revision: number;
      readonly orders: readonly Order[];
      readonly forget: readonly string[];
    }
  /** These reports, up to these sequences, are committed. */
  | { readonly type: 'acks'; readonly acks: readonly { readonly id: string; readonly sequence: number }[] }
  | { readonly type: 'beat' }
  | {
      readonly type: 'answer';
      readonly call: number;
      readonly ok: boolean;
      readonly value: unknown;
      readonly code?: ErrorCode;
      readonly message?: string;
    }
  | OpenFrame
  | StreamFrame;

/** What a worker asks of its manager: the seeds' worker API hands its requests on, so that nothing runs that the manager does not know. */
export type WorkerCall =
  | { readonly kind: 'submit'; readonly event: unknown; readonly key?: RequestKey }
  | { readonly kind: 'stop'; readonly id: string; readonly key?: RequestKey }
  /** Version 2: what is to become of containers of tasks that I do not know? The answer is a list of verdicts, as in `assignments`. */
  | { readonly kind: 'judge'; readonly ids: readonly string[] }
  /** Version 3: contents of files that a task of mine was ordered with. The answer is a list of them, each with its `content`. */
  | { readonly kind: 'files'; readonly task: string; readonly refs: readonly FileAsk[] };

/** Any frame, from either end. */
export type Frame = WorkerFrame | ManagerFrame;

/**
 * One end of an open link. Frames arrive in order, and only whole and valid ones; a peer that sends anything else is cut. Frames of
 * a type that this version does not know are skipped. After `onClose` nothing more arrives.
 */
export interface Link<In extends Frame = Frame, Out extends Frame = Frame> {
  /** Where the other end is, for people. */
  readonly peer: string;
  /** Queues a frame; the frames of one tick travel together. A peer that is too slow is cut. On a closed link it does nothing. */
  send(frame: Out): void;
  /** Set once; frames that came earlier are delivered then, before it returns. `onClose` comes exactly once on both ends. */
  listen(handlers: { readonly onFrame: (frame: In) => void; readonly onClose: (why: string) => void }): void;
  /** Sends what is queued and lets go: no frame arrives here any more, and both ends get `onClose(why)`. */
  close(why: string): void;
}

/** Opens links. */
export interface Dialer<In extends Frame = Frame, Out extends Frame = Frame> {
  /**
   * One attempt, of at most `dialMs`.
   * @throws CubeError `unreachable`; `unauthorized` or `forbidden` when the other end refuses the credential; `usage` for no address;
   *   the signal's reason when it is aborted
   */
  dial(url: string, signal: AbortSignal): Promise<Link<In, Out>>;
}
