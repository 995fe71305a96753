/** What a job's tasks wait for before they are started for the first time. */
import type { DependencyCondition, JobRecord } from './job.ts';
import { isDone, isStuck, isUp, type Slot } from './slots.ts';

const wording: Readonly<Record<DependencyCondition, string>> = {
  started: 'to be started',
  healthy: 'to be healthy',
  completed: 'to complete',
};

/** The dependencies of one job's tasks, as its slots are now. */
export class Dependencies {
  readonly #job: JobRecord;
  readonly #slots: readonly Slot[];
  readonly #byTask = new Map<string, Slot[]>();
  readonly #waits = new Map<string, string | undefined>();
  readonly #hopeless = new Map<string, boolean>();

  constructor(job: JobRecord, slots: readonly Slot[]) {
    this.#job = job;
    this.#slots = slots;
  }

  /** What a slot waits for, in words; undefined when it may be started. One that was started before waits for nothing. */
  waitOf(slot: Slot): string | undefined {
    if (slot.spec.dependsOn === undefined || slot.ended?.specHash === slot.specHash) return undefined;
    if (!this.#waits.has(slot.task)) this.#waits.set(slot.task, this.#unmet(slot.spec.dependsOn)[0]?.text);
    const what = this.#waits.get(slot.task);
    return what === undefined ? undefined : `${slot.task} waits for ${what}`;
  }

  /** Whether nothing will come of a slot: it waits for one that will not get there by itself. */
  isHopeless(slot: Slot): boolean {
    if (slot.live.length > 0 || this.waitOf(slot) === undefined) return false;
    return this.#isHopelessTask(slot.task);
  }

  #isHopelessTask(task: string): boolean {
    const known = this.#hopeless.get(task);
    if (known !== undefined) return known;
    this.#hopeless.set(task, false);
    const dependsOn = this.#job.spec.tasks[task]?.dependsOn ?? {};
    const isHopeless = this.#unmet(dependsOn).some(({ on }) =>
      this.#of(on).some(
        (slot) => isStuck(slot, this.#job) || (slot.live.length === 0 && slot.ended === undefined && this.#isHopelessTask(on)),
      ),
    );
    this.#hopeless.set(task, isHopeless);
    return isHopeless;
  }

  #unmet(dependsOn: Readonly<Record<string, DependencyCondition>>): { readonly on: string; readonly text: string }[] {
    return Object.entries(dependsOn)
      .filter(([on, condition]) => !this.#of(on).every((slot) => isMet(slot, condition) || this.#isHeldBack(slot)))
      .map(([on, condition]) => ({ on, text: `${on} ${wording[condition]}` }));
  }

  /** Whether a slot goes on as it was until its job's canaries are found good: nobody waits for it meanwhile. */
  #isHeldBack(slot: Slot): boolean {
    const { deployment, spec } = this.#job;
    const canary = spec.update?.canary ?? 0;
    if (canary === 0 || slot.rank <= canary || deployment === undefined || deployment.promoted) return false;
    return slot.outdated.some((task) => isUp(task, slot));
  }

  #of(task: string): readonly Slot[] {
    if (this.#byTask.size === 0) {
      for (const slot of this.#slots) {
        const of = this.#byTask.get(slot.task);
        if (of) of.push(slot);
        else this.#byTask.set(slot.task, [slot]);
      }
    }
    return this.#byTask.get(task) ?? [];
  }
}

function isMet(slot: Slot, condition: DependencyCondition): boolean {
  if (isDone(slot)) return true;
  if (condition === 'completed') return false;
  return slot.current.some((task) => (condition === 'healthy' ? isUp(task, slot) : task.startedAt !== undefined));
}
