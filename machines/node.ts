/**
 * The node machine: membership as the manager sees it. The manager moves node records along its flat table; deadlines come from
 * its heap as `deadline.*` events, so no state here has a timer.
 */
import { setup } from 'xstate';

/** What the manager hears, or does not hear, of a node. */
export type NodeEvent =
  | { readonly type: 'link.welcomed' }
  | { readonly type: 'beat.heard' }
  | { readonly type: 'deadline.suspect' }
  | { readonly type: 'deadline.down' }
  | { readonly type: 'node.bye' };

/** The node machine. */
export const nodeMachine = setup({
  types: { events: {} as NodeEvent },
}).createMachine({
  id: 'node',
  description: 'A host that joined, as the manager sees it.',
  initial: 'joining',
  on: {
    'node.bye': { target: '.away' },
  },
  states: {
    joining: {
      description: 'Known, and has not greeted since this manager leads.',
      on: { 'link.welcomed': { target: 'ready' }, 'deadline.down': { target: 'down' } },
    },
    ready: {
      description: 'Greeted and beating; tasks may be placed there.',
      on: { 'deadline.suspect': { target: 'suspect' } },
    },
    suspect: {
      description: 'Silent for a moment: nothing new is placed there, nothing is moved.',
      on: {
        'link.welcomed': { target: 'ready' },
        'beat.heard': { target: 'ready' },
        'deadline.down': { target: 'down' },
      },
    },
    away: {
      description: 'Said goodbye and when it means to be back; its tasks are held until then.',
      on: { 'link.welcomed': { target: 'ready' }, 'deadline.down': { target: 'down' } },
    },
    down: {
      description: 'Silent for too long: its tasks are unreachable, and replaced elsewhere.',
      on: { 'link.welcomed': { target: 'ready' } },
    },
  },
});
