/** What an engine's words mean when it could not make or start a container. */
import { problem } from '../../core/errors.ts';
import type { CubeError } from '../../core/errors.ts';
import type { Protocol } from '../../core/job.ts';
import type { Log } from '../../ports/ambient.ts';
import type { Refused } from './engine.ts';
import type { Engine } from './engine.ts';
import { imageProblem } from './image-problems.ts';
import { portHolder } from './port-holder.ts';
import type { HostPort } from './port-holder.ts';
import type { Inspected } from './state.ts';

const badCommand = /executable file not found|no command specified|exec format error|starting container process|start container process/i;
const noSuchFile = /no such file or directory|permission denied|is a directory|not a directory/i;
const portTaken = /port is already allocated|address already in use|ports are not available/i;
const badAddress = /cannot assign requested address|cannot expose privileged port|bind: permission denied/i;
const badMount = /invalid mount config|bind source path does not exist|duplicate mount point|error while mounting volume/i;
const badUser = /unable to find (?:user|group)|no matching entries in (?:passwd|group) file/i;

/**
 * A refusal to make a container.
 * @param image names the image in the message
 */
export function createProblem(refused: Refused, image: string): CubeError {
  const { status, words } = refused;
  if (status === 404) return imageProblem(image, words, status);
  if (/invalid reference format|invalid repository name|repository name must/i.test(words)) return imageProblem(image, words, status);
  if (badCommand.test(words)) return problem('bad-command', words, { cause: refused });
  if (badMount.test(words)) return problem('bad-mount', words, { cause: refused });
  if (status === 400) return problem('bad-settings', words, { cause: refused });
  return refused;
}

/** A refusal to start a container. Of a port that is taken it is found out which and by whom. */
export async function startProblem(refused: Refused, found: Inspected, engine: Engine, log: Log): Promise<CubeError> {
  const { words } = refused;
  if (portTaken.test(words)) {
    const port = portNamed(words, found);
    const holder = port === undefined ? undefined : await portHolder(engine, port, log);
    const which = port === undefined ? 'a host port' : `host port ${port.ip === '' ? '' : `${port.ip}:`}${port.host}/${port.protocol}`;
    return problem('port-taken', `${which} is taken${holder === undefined ? '' : ` by ${holder}`}: ${words}`, { cause: refused });
  }
  if (badAddress.test(words)) {
    return problem('bad-settings', words, {
      hint: 'bind the port to an address this host has, and to one its engine may open',
      cause: refused,
    });
  }
  if (badMount.test(words)) return problem('bad-mount', words, { cause: refused });
  if (badUser.test(words)) return problem('bad-settings', words, { hint: 'check `user`: the image has no such one', cause: refused });
  // 400 is the engine's word for what the container itself asks wrongly.
  if (refused.status === 400 || /executable file not found/i.test(words) || (badCommand.test(words) && noSuchFile.test(words))) {
    return problem('bad-command', words, { cause: refused });
  }
  return refused;
}

/** The host ports a container asks for. */
function portsOf(found: Inspected): HostPort[] {
  return Object.entries(found.HostConfig.PortBindings ?? {}).flatMap(([name, bindings]) =>
    bindings.map(({ HostIp, HostPort }) => ({
      ip: HostIp,
      host: Number(HostPort),
      protocol: (name.split('/')[1] ?? 'tcp') as Protocol,
    })),
  );
}

/** The port that the engine's words are about: `Bind for 127.0.0.1:8080 failed`, `listen tcp4 0.0.0.0:8080: bind`. */
export function portNamed(words: string, found: Inspected): HostPort | undefined {
  const asked = portsOf(found);
  const inWords = asked.filter(({ host }) => new RegExp(`:${host}(?!\\d)`).test(words));
  const exact = inWords.find(({ ip, host }) => ip !== '' && words.includes(`${ip}:${host}`));
  return exact ?? inWords[0] ?? (asked.length === 1 ? asked[0] : undefined);
}
