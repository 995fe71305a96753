/** The measurements of a cluster as `/metrics` shows them. They are read when somebody asks, and cost nothing else. */
import type { Measured } from '../../actors/manager/measured.ts';
import type { TaskUsage } from '../core/node.ts';
import type { Resources } from '../core/resources.ts';
import type { Metrics } from '../ports/ambient.ts';

/** Registers them. @param measured gives what is measured now */
export function registerGauges(metrics: Metrics, measured: () => Measured): void {
  const node = (name: string, help: string, read: (used: Resources) => number): void =>
    metrics.gauge(name, help, () => valuesOf(measured().nodes, read), 'node');
  const task = (name: string, help: string, read: (usage: TaskUsage) => number | null): void =>
    metrics.gauge(name, help, () => valuesOf(measured().tasks, read), 'slot');
  node('cube_node_cpu_used_cores', 'Cores of a node in use, as it measured them last.', ({ cpu }) => cpu);
  node('cube_node_memory_used_bytes', 'Memory of a node in use, as it measured it last.', ({ memoryBytes }) => memoryBytes);
  node('cube_node_disk_used_bytes', 'Disk of a node in use, as it measured it last.', ({ diskBytes }) => diskBytes);
  task('cube_task_cpu_used_cores', 'Cores a running task uses, of those that use the most.', ({ cpu }) => cpu);
  task('cube_task_memory_used_bytes', 'Memory a running task uses, of those that use the most cpu.', ({ memoryBytes }) => memoryBytes);
}

/** What is not known has no line. */
function valuesOf<T>(all: ReadonlyMap<string, T>, read: (one: T) => number | null): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [name, one] of all) {
    const value = read(one);
    if (value !== null) values[name] = value;
  }
  return values;
}
