/** The last events of an actor, newest first: when, which, where it led, and why. */
import { useState } from 'preact/hooks';
import type { ActorView, LogEntry } from './actor.ts';
import { clockTime } from './time.ts';
import { toneOf } from './tone.ts';
import { Tree } from './tree.tsx';

/** The log. */
export function EventLog({ actor }: { readonly actor: ActorView }) {
  void actor.changed.value;
  const [movesOnly, setMovesOnly] = useState(false);
  const [opened, setOpened] = useState<number | null>(null);
  const shown = actor.log.filter((entry) => !movesOnly || isMove(entry)).reverse();
  return (
    <section class="log" aria-label="Events">
      <h3>
        Events <span class="count">{actor.log.length}</span>
        <label>
          <input type="checkbox" checked={movesOnly} onChange={({ currentTarget }) => setMovesOnly(currentTarget.checked)} />
          only changes of state
        </label>
      </h3>
      <div class="scroll" tabIndex={0} role="region" aria-label="Events, newest first">
        {shown.length === 0 ? <p class="none">No event since this page looks.</p> : null}
        <table hidden={shown.length === 0}>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Event</th>
              <th scope="col">State</th>
              <th scope="col">Cause</th>
            </tr>
          </thead>
          <tbody data-testid="events">
            {shown.map((entry) => (
              <EntryRows
                key={entry.id}
                entry={entry}
                isOpen={opened === entry.id}
                onToggle={() => setOpened(opened === entry.id ? null : entry.id)}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface EntryProps {
  readonly entry: LogEntry;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function EntryRows({ entry, isOpen, onToggle }: EntryProps) {
  const { at, event, from, to } = entry;
  return (
    <>
      <tr class={isMove(entry) ? 'move' : 'still'} onClick={onToggle}>
        <td class="time">{clockTime(at)}</td>
        <td class="event">
          <button type="button" aria-expanded={isOpen}>
            {eventName(event.type)}
          </button>
          <span class="gist">{gistOf(entry)}</span>
        </td>
        <td class="states">
          {isMove(entry) ? (
            <>
              {from} <span aria-label="to">→</span> <b class={`tone ${toneOf(to!)}`}>{to}</b>
            </>
          ) : (
            <span class="same">{from}</span>
          )}
        </td>
        <td class="cause">{causeOf(entry)}</td>
      </tr>
      {isOpen ? (
        <tr class="payload">
          <td />
          <td colSpan={3}>
            <Tree value={event} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

function isMove({ from, to, edge }: LogEntry): boolean {
  return to !== null && (from !== to || edge !== null);
}

/** XState's own events in words: `xstate.done.actor.dial` is `dial done`. */
function eventName(type: string): string {
  const [, kind, rest] = /^xstate\.(init|stop|done\.actor|error\.actor|done\.state|after)\.?(.*)$/.exec(type) ?? [];
  switch (kind) {
    case 'init':
      return 'started';
    case 'stop':
      return 'stopped';
    case 'done.actor':
      return `${rest} done`;
    case 'error.actor':
      return `${rest} failed`;
    case 'done.state':
      return `${rest} done`;
    case 'after':
      return `after ${rest!.split('.')[0]}`;
    default:
      return type;
  }
}

/** The one thing in an event that tells most: the type of a frame, the kind of a request. */
function gistOf({ event }: LogEntry): string {
  const { frame, kind, state } = event as {
    readonly frame?: { readonly type?: unknown };
    readonly kind?: unknown;
    readonly state?: unknown;
  };
  const gist = frame?.type ?? kind ?? state;
  return typeof gist === 'string' ? gist : '';
}

function causeOf({ event, source }: LogEntry): string {
  const { cause, reason, error } = event as {
    readonly cause?: unknown;
    readonly reason?: unknown;
    readonly error?: { readonly message?: unknown };
  };
  const why = cause ?? reason ?? error?.message;
  if (typeof why === 'string' && why !== '') return why;
  return source === null ? '' : `from ${source}`;
}
