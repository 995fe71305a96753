/** System jobs: one instance on each node that matches. */
import { isSeatedRight, sameSeats, seatsOf } from '../../src/core/seats.ts';
import type { JobRecord } from '../../src/core/job.ts';
import type { Leader } from './leader.ts';
import type { ClusterState } from './state.ts';

/** A job with its seats as the nodes are now; a job of another type is left as it is. */
export function seated({ nodes }: Pick<ClusterState, 'nodes'>, job: JobRecord): JobRecord {
  if (job.spec.type !== 'system') return job;
  const seats = seatsOf(job.spec, nodes.values(), job.seats);
  return sameSeats(seats, job.seats) ? job : { ...job, seats };
}

/** A node joined, left, or is not what it was: system jobs follow. */
export function nodeChanged(leader: Leader, id: string): void {
  const node = leader.state.nodes.get(id);
  for (const job of leader.state.jobs.values()) {
    // Most of what happens to a node changes nothing for a job, and there may be many nodes.
    if (job.spec.type !== 'system' || isSeatedRight(job.spec, node, job.seats?.[id])) continue;
    const next = seated(leader.state, job);
    if (next !== job) leader.ledger.putJob(next);
  }
}
