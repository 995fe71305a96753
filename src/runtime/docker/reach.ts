/** Where a container's ports can be reached from here. */
import type { Limits } from '../../core/limits.ts';
import type { Target } from '../probe-net.ts';
import { inspected } from './containers.ts';
import type { Engine } from './engine.ts';
import type { ContainerEvent, EngineEvents, EventListener } from './events.ts';
import type { EngineFacts } from './facts.ts';
import { stateOf } from './state.ts';
import type { Inspected } from './state.ts';

/** Where a container is, or why it is nowhere. */
type Place =
  | { readonly kind: 'own'; readonly host: string }
  /** Through the engine's proxy, at the host ports of its container ports. */
  | { readonly kind: 'published'; readonly host: string; readonly ports: ReadonlyMap<number, number> }
  | { readonly kind: 'nowhere'; readonly why: string };

/** The places of containers, remembered until they end or a look fails. */
export class Reach implements EventListener {
  readonly #engine: Engine;
  readonly #facts: EngineFacts;
  readonly #limits: Limits;
  readonly #places = new Map<string, Promise<Place>>();

  constructor(engine: Engine, facts: EngineFacts, events: EngineEvents, limits: Limits) {
    this.#engine = engine;
    this.#facts = facts;
    this.#limits = limits;
    events.listen(this);
  }

  /** Where to look for a container's port. @returns why there is no such place, as a text @throws as Engine.call does */
  async target(id: string, port: number): Promise<Target | string> {
    const place = await this.#placeOf(id);
    if (place.kind === 'nowhere') {
      this.forget(id);
      return place.why;
    }
    if (place.kind === 'own') return { host: place.host, port, shownPort: port, proxyMs: 0 };
    const hostPort = place.ports.get(port);
    if (hostPort === undefined) return `port ${port} is not published, and this engine's containers cannot be reached otherwise`;
    return { host: place.host, port: hostPort, shownPort: port, proxyMs: this.#limits.probeProxyMs };
  }

  forget(id: string): void {
    this.#places.delete(id);
  }

  wants(): boolean {
    return false;
  }

  /** Its address may be another container's by now. */
  onEvent({ id, action }: ContainerEvent): void {
    if (action === 'die') this.forget(id);
  }

  compare(): void {
    // Nothing is expected: what ended meanwhile is not looked at any more.
  }

  #placeOf(id: string): Promise<Place> {
    let place = this.#places.get(id);
    if (!place) {
      place = this.#find(id);
      this.#places.set(id, place);
      place.catch(() => this.forget(id));
      const oldest = this.#places.keys().next();
      if (this.#places.size > this.#limits.engineMemoryMax && !oldest.done) this.forget(oldest.value);
    }
    return place;
  }

  async #find(id: string): Promise<Place> {
    const [found, { ownNetwork }] = await Promise.all([inspected(this.#engine, id), this.#facts.support()]);
    if (!found) return { kind: 'nowhere', why: 'the container is gone' };
    return placeIn(found, this.#engine.address.host ?? '127.0.0.1', ownNetwork);
  }
}

/**
 * Where a container is.
 * @param engineHost where the engine's own ports are
 * @param ownNetwork whether the containers' addresses can be reached from here
 */
export function placeIn(found: Inspected, engineHost: string, ownNetwork: boolean): Place {
  if (stateOf(found.State.Status) !== 'running') return { kind: 'nowhere', why: 'the container does not run' };
  const mode = found.HostConfig.NetworkMode;
  if (mode === 'host') return { kind: 'own', host: ownNetwork ? '127.0.0.1' : engineHost };
  if (ownNetwork) {
    const ends = Object.values(found.NetworkSettings?.Networks ?? {});
    const host = ends.map((end) => end.IPAddress || end.GlobalIPv6Address).find((address) => address);
    return host ? { kind: 'own', host } : { kind: 'nowhere', why: 'the container has no network' };
  }
  const ports = new Map<number, number>();
  for (const [name, bindings] of Object.entries(found.NetworkSettings?.Ports ?? {})) {
    const [container, protocol] = name.split('/');
    const host = bindings?.[0]?.HostPort;
    if (protocol === 'tcp' && host) ports.set(Number(container), Number(host));
  }
  return { kind: 'published', host: engineHost, ports };
}
