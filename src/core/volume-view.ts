/** What `cube volume ls -o json` and `GET /v1/volumes` tell of a slot's data. */
import { isoTime } from './views.ts';
import type { Claim } from './volumes.ts';

/** A slot's data, and where it is. */
export interface VolumeJson {
  /** The first of `volumes`: most slots have one. */
  readonly name: string;
  readonly job: string;
  readonly slot: string;
  /** Name of the node. */
  readonly node: string;
  readonly nodeId: string;
  /** The node was removed. */
  readonly nodeGone: boolean;
  /** Names of the engine's volumes there. */
  readonly volumes: readonly string[];
  /** A task of the slot may be using them. */
  readonly inUse: boolean;
  /** Since when its data is there. */
  readonly since: string;
}

/** A claim as JSON. */
export function volumeJson(claim: Claim & { readonly isNodeGone: boolean; readonly isInUse: boolean }): VolumeJson {
  const { slot, job, node, nodeName, volumes, at, isNodeGone, isInUse } = claim;
  return {
    name: volumes[0] ?? '',
    job,
    slot,
    node: nodeName,
    nodeId: node,
    nodeGone: isNodeGone,
    volumes,
    inUse: isInUse,
    since: isoTime(at),
  };
}
