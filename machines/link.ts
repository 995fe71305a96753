/**
 * The link machine: one end of the WebSocket between a worker and its manager, whoever of the two dialled. An accepted link is
 * "dialled" by handing over the connection that came in, so that both kinds live the same life.
 */
import { assign, fromCallback, fromPromise, sendParent, setup } from 'xstate';

/** What a link is started with. */
export interface LinkInput {
  /** Its actor's id, by which its parent knows it. */
  readonly id: string;
  /** Address of the other end, for people and for dialling. */
  readonly peer: string;
  /** Dials anew after a loss; an accepted link does not: the other end will come again. */
  readonly redials: boolean;
}

/** How a manager or worker is told to keep a link. */
export type LinkWanted = { readonly type: 'link.wanted' } & LinkInput;

/** What a link knows of itself. */
export interface LinkContext extends LinkInput {
  /** Dials that failed in a row. */
  readonly failures: number;
  /** Whether the other end said no the last time. */
  readonly refused: boolean;
  /** Why it is not open. */
  readonly reason: string | null;
}

/** What a link is told, by its connection and by its parent. */
export type LinkEvent =
  /** A frame of the other end, for the parent. */
  | { readonly type: 'frame.heard'; readonly frame: unknown }
  | { readonly type: 'greeting.done' }
  | { readonly type: 'greeting.refused'; readonly reason: string }
  | { readonly type: 'connection.closed'; readonly reason: string }
  | { readonly type: 'connection.silent'; readonly reason: string }
  | { readonly type: 'link.close'; readonly reason: string };

/** The link machine. */
export const linkMachine = setup({
  types: {
    input: {} as LinkInput,
    context: {} as LinkContext,
    events: {} as LinkEvent,
  },
  actions: {
    noteReason: assign({ reason: ({ event }) => ('reason' in event ? event.reason : null) }),
    noteFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    noteDialError: assign({
      reason: (_, params: { readonly error: unknown }) => (params.error instanceof Error ? params.error.message : String(params.error)),
    }),
    noteOpen: assign({ failures: 0, refused: false, reason: null }),
    noteRefusal: assign({ refused: true }),
    /** Tells the parent that frames may flow. */
    tellOpen: sendParent(({ context }) => ({ type: 'link.opened', id: context.id })),
    /** Tells the parent that they do no more. */
    tellLost: sendParent(({ context }) => ({ type: 'link.lost', id: context.id, reason: context.reason ?? 'the link closed' })),
    tellGone: sendParent(({ context }) => ({ type: 'link.gone', id: context.id })),
    passFrame: sendParent(({ context, event }) => ({
      type: 'frame.received',
      id: context.id,
      frame: event.type === 'frame.heard' ? event.frame : null,
    })),
    /** Lets the connection go. */
    hangUp: () => undefined,
  },
  guards: {
    redials: ({ context }) => context.redials,
  },
  delays: {
    redialDelay: 100,
    greetTimeout: 2_000,
  },
  actors: {
    dial: fromPromise<void, LinkContext>(() => Promise.resolve()),
    converse: fromCallback<LinkEvent, LinkContext>(() => undefined),
  },
}).createMachine({
  id: 'link',
  description: 'One end of the connection between a worker and its manager.',
  context: ({ input }) => ({ ...input, failures: 0, refused: false, reason: null }),
  initial: 'dialing',
  on: {
    'frame.heard': { actions: 'passFrame' },
    'link.close': { target: '.closed', actions: 'noteReason' },
  },
  states: {
    dialing: {
      description: 'Opens the WebSocket.',
      invoke: {
        id: 'dial',
        src: 'dial',
        input: ({ context }) => context,
        onDone: { target: 'connected' },
        onError: { target: 'backingOff', actions: { type: 'noteDialError', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    connected: {
      description: 'The WebSocket is open.',
      invoke: { id: 'converse', src: 'converse', input: ({ context }) => context },
      exit: 'hangUp',
      initial: 'greeting',
      on: {
        'connection.closed': { target: 'backingOff', actions: 'noteReason' },
        'connection.silent': { target: 'backingOff', actions: 'noteReason' },
        'greeting.refused': { target: 'backingOff', actions: ['noteReason', 'noteRefusal'] },
      },
      states: {
        greeting: {
          description: 'The worker says who it is, the manager whether it is welcome.',
          on: { 'greeting.done': { target: 'open' } },
          after: { greetTimeout: { target: '#link.backingOff' } },
        },
        open: {
          description: 'Frames flow, and each end hears the other beat.',
          entry: ['noteOpen', 'tellOpen'],
          exit: 'tellLost',
        },
      },
    },
    backingOff: {
      description: 'Not connected; dials again after a pause, unless this end was dialled.',
      entry: 'noteFailure',
      after: { redialDelay: [{ guard: 'redials', target: 'dialing' }, { target: 'closed' }] },
    },
    closed: {
      type: 'final',
      description: 'Let go for good.',
      entry: 'tellGone',
    },
  },
});
