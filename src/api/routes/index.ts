/** The whole route table of a node, by what it is: manager, worker or both. */
import type { ApiDeps } from '../deps.ts';
import type { Route } from '../route.ts';
import { backupRoutes } from './backup.ts';
import { eventRoutes } from './events.ts';
import { jobRoutes } from './jobs.ts';
import { nodeRoutes } from './node.ts';
import { hostRoutes } from './nodes.ts';
import { planRoutes } from './plan.ts';
import { fileRoutes } from './secrets.ts';
import { seedsRoutes, seedsWorkerRoutes } from './seeds.ts';
import { taskRoutes } from './tasks.ts';
import { versionRoutes } from './versions.ts';
import { volumeRoutes } from './volumes.ts';

/** All routes; a test walks over them, so that none is open by mistake. */
export function routesOf(deps: ApiDeps): readonly Route[] {
  const { control, worker } = deps;
  const all: Route[] = [...nodeRoutes(deps, () => all)];
  if (control !== undefined)
    all.push(
      ...backupRoutes(control, deps.info),
      ...jobRoutes(control, deps),
      ...versionRoutes(control),
      ...planRoutes(control, deps),
      ...taskRoutes(control),
      ...hostRoutes(control),
      ...eventRoutes(control),
      ...volumeRoutes(control),
      ...fileRoutes(control),
      ...seedsRoutes(control, deps),
    );
  if (worker !== undefined) all.push(...seedsWorkerRoutes(worker, control === undefined ? '' : '/worker'));
  return all;
}
