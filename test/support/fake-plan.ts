/** The plan of a manager that schedules nothing. */
import type { RebalanceJson } from '../../src/core/views.ts';
import { slotName } from '../../src/core/ids.ts';
import type { JobPlan } from '../../src/core/job-plan.ts';
import type { JobRecord } from '../../src/core/job.ts';
import { specDiff } from '../../src/core/spec-diff.ts';
import type { SubmitRequest } from '../../src/ports/control.ts';

/** All slots go to `bar`, or stay there; the last one finds no place when there are several. */
export function fakePlan({ spec }: SubmitRequest, known: JobRecord | undefined): JobPlan {
  const slots = Object.entries(spec.tasks).flatMap(([task, { count }]) =>
    Array.from({ length: count }, (_, at) => slotName(spec.name, task, at + 1)),
  );
  const unplaced = slots.slice(1).slice(-1);
  const diff = specDiff(known?.spec, spec);
  const change = known === undefined ? 'created' : diff.length > 0 ? 'updated' : known.stopWanted ? 'started' : 'unchanged';
  return {
    index: known?.index ?? 0,
    job: spec.name,
    change,
    changes: slots.map((slot) => {
      if (known) return { action: 'keep', slot, node: 'bar', reason: 'nothing about it changes' };
      const isPlaced = !unplaced.includes(slot);
      return { action: 'place', slot, node: isPlaced ? 'bar' : null, reason: 'the job is new', ...(isPlaced ? { score: 0.5 } : {}) };
    }),
    unplaced: known ? [] : unplaced.map((slot) => ({ slot, reasons: [{ filter: 'cpu', nodes: 1, detail: 'too little' }] })),
    preempted: [],
    diff,
    warnings: [],
  };
}

/** One move worth making, or none. */
export function fakeMoves(_entered: void, movesMax = 10): RebalanceJson {
  const move = { task: 't', slot: 'shop/web.1', from: 'bar', to: 'foo', gain: 0.1, share: 0.4, why: 'cpu: 90% taken on bar, 10% on foo' };
  return { policy: 'epvm', moves: [move].slice(0, movesMax) };
}
