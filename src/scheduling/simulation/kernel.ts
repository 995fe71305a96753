/**
 * Cube's own policies in a simulation: the very code that places real tasks scores a node of a simulation, too. Each simulated task is a
 * job of its own, so none has mates on a node.
 */
import type { NodeView, PolicyName } from '../../core/placement.ts';
import { noResources } from '../../core/resources.ts';
import type { Where } from '../placing/batch.ts';
import { amountOf, NodeTable } from '../node-table.ts';
import { policies } from '../policy.ts';
import type { Scoring } from '../policy.ts';
import { Run } from '../placing/run.ts';
import type { Kind, Shape } from './model.ts';
import { parts } from './model.ts';
import type { PolicySettings, Scorer } from './policies.ts';

/** Anywhere: where a task may go is settled before it is scored. */
const anywhere: Where = { ask: { datacenters: [], ports: [] }, constraints: [], affinity: [], dataRow: -1, onRow: -1, avoid: [] };

function viewOf({ capacity, slotsMax, index }: Shape): NodeView {
  return {
    id: String(index),
    name: String(index),
    dc: '',
    labels: {},
    os: '',
    arch: '',
    state: 'ready',
    eligible: true,
    capacity,
    reserved: noResources,
    used: noResources,
    tasks: 0,
    slotsMax,
    portsIp: '',
    portRange: { from: 0, to: 0 },
    portsTaken: [],
  };
}

/**
 * What a policy of Cube's says of the nodes of a simulation. Its table has a row for each shape, and the row takes on the states of all nodes
 * of the shape, one after the other.
 * @param names of the resources, in the order of a state's amounts
 */
export function kernelScorer(policy: PolicyName, names: readonly string[], shapes: readonly Shape[], { epvmBase }: PolicySettings): Scorer {
  const columns = NodeTable.of(shapes.map(viewOf)).columns([], names);
  const run = new Run(columns, { policy, epvmBase, affinityWeight: 0, spreadWeight: 0, cursor: -1, reasonsMax: 0 });
  // By column of the table: the place among a state's amounts (-1: slots), and what its unit is there.
  const places = columns.resources.map((name) => ({
    axis: names.indexOf(name),
    unit: name === 'memory' || name === 'disk' ? 1 : parts,
  }));
  const scoringOf = ({ ask }: Kind): Scoring => {
    const amounts = columns.resources.map((name) => (name === 'slots' ? 1 : amountOf(ask, name)));
    return policies[policy].scoring(run, run.want(anywhere, Float64Array.from(amounts)), -1);
  };
  // Nodes are scored for one kind after the other.
  let last: { readonly kind: Kind; readonly scoring: Scoring } | undefined;
  return (state, kind) => {
    const row = state.shape.index;
    for (let column = 0; column < places.length; column++) {
      const { axis, unit } = places[column]!;
      run.reserved[column]![row] = axis === -1 ? state.tasks : (state.shape.amounts[axis]! - state.left[axis]!) / unit;
    }
    run.changed(row);
    if (last?.kind !== kind) last = { kind, scoring: scoringOf(kind) };
    return last.scoring.score(row);
  };
}
