/** All machines of Cube by name, as `cube machines` and the inspector show them. */
import { deploymentMachine } from './deployment.ts';
import { jobMachine } from './job.ts';
import { linkMachine } from './link.ts';
import { managerMachine } from './manager.ts';
import { nodeMachine } from './node.ts';
import { schedulerMachine } from './scheduler.ts';
import { taskMachine } from './task.ts';
import { workerMachine } from './worker.ts';

/** Every machine by its name. */
export const machines = {
  manager: managerMachine,
  scheduler: schedulerMachine,
  worker: workerMachine,
  task: taskMachine,
  job: jobMachine,
  deployment: deploymentMachine,
  node: nodeMachine,
  link: linkMachine,
} as const;

export { deploymentMachine, jobMachine, linkMachine, managerMachine, nodeMachine, schedulerMachine, taskMachine, workerMachine };
