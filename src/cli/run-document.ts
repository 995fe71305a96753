/** PURE: the job that `cube run IMAGE` means, in the form of the job file. */
import { problem } from '../core/errors.ts';

/** What `run` was told, as text where the job file takes text. */
export interface RunRequest {
  readonly image: string;
  readonly name: string;
  readonly command: readonly string[] | undefined;
  readonly count: number;
  readonly ports: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cpu: number | undefined;
  readonly memory: string | undefined;
  readonly batch: boolean;
}

/**
 * A name for a job without one: the image's base name and something random.
 * @param random four characters
 */
export function nameFromImage(image: string, random: string): string {
  const last = image.split('@')[0]!.split('/').at(-1)!.split(':')[0]!;
  const base = last.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'job';
  return `${base.slice(0, 40)}-${random}`;
}

/** The document that `submit` takes. */
export function runDocument(request: RunRequest): object {
  const { image, name, command, count, ports, env, cpu, memory, batch } = request;
  if (image.trim() === '') throw problem('usage', 'cube run needs an image');
  const resources = { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
  return {
    name,
    type: batch ? 'batch' : 'service',
    tasks: {
      main: {
        image,
        count,
        ...(command && command.length > 0 ? { command } : {}),
        ...(ports.length > 0 ? { ports } : {}),
        ...(Object.keys(env).length > 0 ? { env } : {}),
        ...(Object.keys(resources).length > 0 ? { resources } : {}),
      },
    },
  };
}
