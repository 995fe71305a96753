/** What the processor of this host is called. */
import { cpus } from 'node:os';

/** The model of the first core, as a part of a runtime's facts; nothing where the kernel tells none. */
export function cpuFacts(): { readonly cpuModel?: string } {
  const model = cpus()[0]?.model.trim();
  return model === undefined || model === '' || model === 'unknown' ? {} : { cpuModel: model };
}
