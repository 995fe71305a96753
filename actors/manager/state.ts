/**
 * The cluster as the leader knows it: records by id, and the indexes it asks for all the time. Only `Ledger` writes here, so that
 * memory and disk get the same changes in the same order.
 */
import type { Release } from '../../src/core/deployment.ts';
import { fileId, type SealedFile } from '../../src/core/files.ts';
import type { JobRecord, JobSpec, TaskSpec } from '../../src/core/job.ts';
import type { NodeRecord } from '../../src/core/node.ts';
import { minus, noResources, plus, type Resources } from '../../src/core/resources.ts';
import { JobSlots, type SlotList } from '../../src/core/slots.ts';
import type { Claim } from '../../src/core/volumes.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { holdsNode, isFinal, type PortBinding, type TaskRecord } from '../../src/core/task.ts';
import type { KeptAnswer } from './answers.ts';

/** What the tasks placed on a node take of it. */
export interface NodeLoad {
  reserved: Resources;
  tasks: number;
  readonly ports: Map<string, PortBinding & { readonly by: string }>;
}

/** A job's version as text, by which its spec is found: also its key in the store. */
export function versionKey(job: string, version: number): string {
  return `${job}/${String(version).padStart(8, '0')}`;
}

/** Jobs, tasks and nodes in memory. */
export class ClusterState {
  readonly jobs = new Map<string, JobRecord>();
  readonly tasks = new Map<string, TaskRecord>();
  readonly nodes: ReadonlyMap<string, NodeRecord> = new Map();
  /** What the scheduler knows of the nodes, and ids of those that changed since it was told. */
  readonly table = new NodeTable();
  readonly touched = new Set<string>();
  /** Specs by `versionKey`: of the wanted versions, and of older ones that tasks were made from. */
  readonly versions = new Map<string, JobSpec>();
  /** What became of the kept versions, by `versionKey`. */
  readonly releases = new Map<string, Release>();
  /** Where the data of slots is, by slot. */
  readonly claims = new Map<string, Claim>();
  /** Versions of secrets, configs and payloads, oldest first, by `fileId`. */
  readonly files = new Map<string, readonly SealedFile[]>();
  /** Answers to keyed requests by a hash of their key, oldest first. */
  readonly answers = new Map<string, KeptAnswer>();
  /** Ids of tasks that wait for a place. */
  readonly pending = new Set<string>();
  readonly #byJob = new Map<string, Map<string, TaskRecord>>();
  readonly #bySlot = new Map<string, Map<string, TaskRecord>>();
  readonly #byNode = new Map<string, Map<string, TaskRecord>>();
  readonly #slots = new Map<string, JobSlots>();
  readonly #loads = new Map<string, NodeLoad>();
  readonly #byClientId = new Map<string, string>();
  #origin: ClusterState | undefined;
  readonly #fetched = new Set<string>();

  /** Records of a job. */
  tasksOf(job: string): TaskRecord[] {
    this.#fetch(`job ${job}`, (origin) => origin.tasksOf(job));
    return [...(this.#byJob.get(job)?.values() ?? [])];
  }

  /** A job's slots as they are now; good until its records change. */
  slotsOf(job: JobRecord): SlotList {
    let slots = this.#slots.get(job.name);
    if (slots === undefined) {
      const named = new Set(this.tasksOf(job.name).map(({ slot }) => slot));
      slots = new JobSlots(job, named, (slot) => this.#bySlot.get(slot)?.values() ?? []);
      this.#slots.set(job.name, slots);
    }
    return slots.read();
  }

  /** Records placed on a node, final ones too. */
  tasksOn(node: string): TaskRecord[] {
    this.#fetch(`node ${node}`, (origin) => origin.tasksOn(node));
    return [...(this.#byNode.get(node)?.values() ?? [])];
  }

  loadOf(node: string): NodeLoad {
    let load = this.#loads.get(node);
    if (load === undefined) this.#loads.set(node, (load = { reserved: noResources, tasks: 0, ports: new Map() }));
    return load;
  }

  /** The job whose slot carries a client's Task.ID. */
  jobOfClientId(id: string): JobRecord | undefined {
    const name = this.#byClientId.get(id);
    return name === undefined ? undefined : this.jobs.get(name);
  }

  putFile(file: SealedFile): void {
    const id = fileId(file.kind, file.name);
    const others = (this.files.get(id) ?? []).filter(({ version }) => version !== file.version);
    this.files.set(
      id,
      [...others, file].toSorted((a, b) => a.version - b.version),
    );
  }

  removeFile({ kind, name, version }: Pick<SealedFile, 'kind' | 'name' | 'version'>): void {
    const id = fileId(kind, name);
    const left = (this.files.get(id) ?? []).filter((file) => file.version !== version);
    if (left.length > 0) this.files.set(id, left);
    else this.files.delete(id);
  }

  putNode(node: NodeRecord): void {
    (this.nodes as Map<string, NodeRecord>).set(node.id, node);
    this.touched.add(node.id);
  }

  removeNode(id: string): void {
    (this.nodes as Map<string, NodeRecord>).delete(id);
    this.touched.add(id);
  }

  nodeNamed(name: string): NodeRecord | undefined {
    for (const node of this.nodes.values()) if (node.name === name) return node;
    return undefined;
  }

  /** The spec a task runs under: its job's wanted one where only the terms changed, else that of its own version. */
  specOf(task: TaskRecord): TaskSpec | undefined {
    const job = this.jobs.get(task.job);
    const wanted = job?.hashes[task.task] === task.specHash ? job?.spec.tasks[task.task] : undefined;
    return wanted ?? this.versions.get(versionKey(task.job, task.version))?.tasks[task.task];
  }

  putJob(job: JobRecord): void {
    const known = this.jobs.get(job.name);
    if (known === undefined || !asksTheSame(known, job)) this.#slots.delete(job.name);
    const former = known?.origin.clientTaskId;
    if (former !== undefined && former !== job.origin.clientTaskId) this.#byClientId.delete(former);
    this.jobs.set(job.name, job);
    if (job.origin.clientTaskId !== undefined) this.#byClientId.set(job.origin.clientTaskId, job.name);
  }

  removeJob(name: string): void {
    const id = this.jobs.get(name)?.origin.clientTaskId;
    if (id !== undefined) this.#byClientId.delete(id);
    this.jobs.delete(name);
    this.#slots.delete(name);
  }

  putTask(task: TaskRecord): void {
    this.#account(this.tasks.get(task.id), -1);
    this.#index(task);
    this.#account(task, 1);
    this.#slots.get(task.job)?.touch(task.slot);
  }

  removeTask(id: string): void {
    const task = this.tasks.get(id);
    if (task === undefined) return;
    this.#account(task, -1);
    this.#slots.get(task.job)?.touch(task.slot);
    this.tasks.delete(id);
    this.pending.delete(id);
    drop(this.#byJob, task.job, id);
    drop(this.#bySlot, task.slot, id);
    if (task.node !== undefined) drop(this.#byNode, task.node, id);
  }

  /** Final records of a slot beyond the newest `keep`, oldest first. */
  surplusOf(task: TaskRecord, keep: number): TaskRecord[] {
    const final = [...(this.#bySlot.get(task.slot)?.values() ?? [])].filter((other) => isFinal(other));
    return final.toSorted((a, b) => a.createdAt - b.createdAt).slice(0, Math.max(0, final.length - keep));
  }

  /**
   * A copy to try a change on: all nodes in the order of the table, all jobs, and the tasks that wait for a place, in their order. Other
   * tasks are in it as what they take of their nodes; their records come when those of their job or node are asked for.
   */
  fork(): ClusterState {
    const copy = new ClusterState();
    copy.#origin = this;
    for (const node of [...this.nodes.values()].toSorted((a, b) => this.table.rowOf(a.id) - this.table.rowOf(b.id))) copy.putNode(node);
    for (const job of this.jobs.values()) copy.putJob(job);
    for (const [slot, claim] of this.claims) copy.claims.set(slot, claim);
    for (const id of this.pending) copy.#take(this.tasks.get(id)!);
    for (const [id, load] of this.#loads) copy.#loads.set(id, { ...load, ports: new Map(load.ports) });
    return copy;
  }

  /** Fetches records from where this is a copy of: once for each job and node. What waited for a place is here. */
  #fetch(what: string, from: (origin: ClusterState) => readonly TaskRecord[]): void {
    if (this.#origin === undefined || this.#fetched.has(what)) return;
    this.#fetched.add(what);
    for (const task of from(this.#origin)) if (task.state !== 'pending' && !this.tasks.has(task.id)) this.#take(task);
  }

  /** Takes a record of the origin, whose share of its node is counted here already. */
  #take(task: TaskRecord): void {
    const key = versionKey(task.job, task.version);
    const spec = this.#origin?.versions.get(key);
    if (spec) this.versions.set(key, spec);
    this.#index(task);
  }

  #index(task: TaskRecord): void {
    this.tasks.set(task.id, task);
    into(this.#byJob, task.job).set(task.id, task);
    into(this.#bySlot, task.slot).set(task.id, task);
    if (task.node !== undefined) into(this.#byNode, task.node).set(task.id, task);
    if (task.state === 'pending') this.pending.add(task.id);
    else this.pending.delete(task.id);
  }

  #account(task: TaskRecord | undefined, sign: 1 | -1): void {
    if (task?.node === undefined || !holdsNode(task)) return;
    const load = this.loadOf(task.node);
    this.touched.add(task.node);
    const asked = this.specOf(task)?.resources ?? noResources;
    load.tasks += sign;
    // An empty node reserves nothing: sums of fractions must not leave a remainder behind.
    load.reserved = load.tasks === 0 ? noResources : sign === 1 ? plus(load.reserved, asked) : minus(load.reserved, asked);
    for (const port of task.ports) {
      const key = `${port.ip}:${port.host}/${port.protocol}`;
      if (sign === 1) load.ports.set(key, { ...port, by: task.slot });
      else load.ports.delete(key);
    }
  }
}

/** Whether two records of a job ask for the same slots, and count the same records for them. */
function asksTheSame(a: JobRecord, b: JobRecord): boolean {
  return a.spec === b.spec && a.hashes === b.hashes && a.run === b.run && a.completedFrom === b.completedFrom && a.seats === b.seats;
}

function into<T>(index: Map<string, Map<string, T>>, key: string): Map<string, T> {
  let group = index.get(key);
  if (group === undefined) index.set(key, (group = new Map()));
  return group;
}

function drop<T>(index: Map<string, Map<string, T>>, key: string, id: string): void {
  const group = index.get(key);
  group?.delete(id);
  if (group?.size === 0) index.delete(key);
}
