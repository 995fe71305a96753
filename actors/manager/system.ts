/** System jobs: one instance on each node that matches. */
import { sameSeats, seatsOf } from '../../src/core/seats.ts';
import type { JobRecord } from '../../src/core/job.ts';
import type { Leader } from './leader.ts';
import type { ClusterState } from './state.ts';

/** A job with its seats as the nodes are now; a job of another type is left as it is. */
export function seated({ nodes }: Pick<ClusterState, 'nodes'>, job: JobRecord): JobRecord {
  if (job.spec.type !== 'system') return job;
  const seats = seatsOf(job.spec, nodes.values(), job.seats);
  return sameSeats(seats, job.seats) ? job : { ...job, seats };
}

/** Nodes joined, left, or are not what they were: system jobs follow. */
export function nodesChanged(leader: Leader): void {
  for (const job of leader.state.jobs.values()) {
    const next = seated(leader.state, job);
    if (next !== job) leader.ledger.putJob(next);
  }
}
