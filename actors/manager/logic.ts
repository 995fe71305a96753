/** The manager actor: its machine with its effects, and the control port that its clients use. */
import { fromPromise } from 'xstate';
import { managerMachine } from '../../machines/manager.ts';
import type { Control } from '../../src/ports/control.ts';
import type { WorkerFrame } from '../../src/ports/transport.ts';
import { createLinkLogic } from '../link.ts';
import { createSchedulerLogic } from '../scheduler.ts';
import { Asks } from './asks.ts';
import { createControl } from './control.ts';
import { ManagerDesk, type AnswerCall, type ManagerSelf } from './desk.ts';
import type { ManagerDeps } from './leader.ts';
import { measuredBy, type Measured } from './measured.ts';

/** A manager, ready to be started. */
export interface ManagerLogic {
  readonly logic: typeof managerMachine;
  readonly control: Control;
  /** To be called with the actor before it starts. */
  attach(self: ManagerSelf): void;
  /** Sets who answers what workers ask. */
  answerCalls(answer: AnswerCall): void;
  /** What is measured now; nothing while it does not lead. */
  measured(): Measured;
  /** The cluster's id, once there was a leadership. */
  clusterId(): string | undefined;
  /** Lets the store go; to be called when the actor has stopped. */
  close(): Promise<void>;
}

/** The manager machine with its effects. */
export function createManagerLogic(deps: ManagerDeps): ManagerLogic {
  const { ambient, limits, scorer, dialer, connections } = deps;
  let self: ManagerSelf | undefined;
  const desk = new ManagerDesk(deps, () => self);
  const asks = new Asks(limits.controlQueueMax);
  const logic = managerMachine.provide({
    delays: { electionDelay: limits.electionRetryMs },
    actions: {
      serve: ({ event }) => {
        if (event.type === 'client.request') asks.serve(event.ask, desk.leader);
      },
      refuse: ({ event }) => {
        if (event.type === 'client.request') asks.refuse(event.ask);
      },
      hear: ({ event }) => {
        if (event.type === 'frame.received') desk.hear(event.id, event.frame as WorkerFrame);
      },
      noteLinkLost: ({ event }) => {
        if (event.type === 'link.lost') desk.loseLink(event.id);
      },
      takePlan: ({ event }) => {
        if (event.type === 'plan.ready') desk.takePlan(event.plan);
      },
      checkDeadlines: () => desk.checkDeadlines(),
      takeOffice: () => desk.takeOffice(),
      leaveOffice: () => desk.leaveOffice(),
    },
    actors: {
      link: createLinkLogic({ ambient, limits, dialer, connections, beat: () => ({ type: 'beat' }) }),
      scheduler: createSchedulerLogic({ limits, log: ambient.log, scorer, draw: () => desk.draw() }),
      elect: fromPromise(() => desk.elect()),
      recover: fromPromise(() => desk.recover()),
      release: fromPromise(() => desk.release()),
    },
  });
  const post = (ask: number, kind: string): void => self?.send({ type: 'client.request', ask, kind });
  return {
    logic,
    control: createControl(asks, post, () => desk.leads),
    attach: (actor) => (self = actor),
    answerCalls: (answer) => (desk.answerCall = answer),
    measured: () => (desk.leads ? measuredBy(desk.leader, limits.metricsTasksMax) : { nodes: new Map(), tasks: new Map() }),
    clusterId: () => desk.clusterId,
    close: () => desk.release(),
  };
}
