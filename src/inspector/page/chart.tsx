/** The statechart of an actor as a drawing, with its current states lit and the last edge that it took. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { activePaths } from '../../core/chart.ts';
import type { ActorView } from './actor.ts';
import type { Arrows } from './arrows.ts';
import { layOut, metrics, noteOf, type Box, type Drawing, type Route } from './layout.ts';
import { pathOf } from './route-path.ts';
import { toneOf } from './tone.ts';

interface Props {
  readonly actor: ActorView;
  readonly arrows: Arrows;
  readonly looked: string | null;
  readonly onLook: (path: string | null) => void;
}

const zoomStep = 1.25;
/** Smaller than this nobody reads it; larger helps nobody. */
const scales = { min: 0.66, max: 1.12 };

/** The drawing, as large as its place allows. */
export function Chart({ actor, arrows, looked, onLook }: Props) {
  void actor.changed.value;
  const place = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState<Room>({ width: 800, height: 400 });
  const [zoom, setZoom] = useState<number | null>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setRoom({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    if (place.current) observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const drawing = drawingFor(actor, arrows, room);
  const scale = zoom ?? Math.min(scales.max, Math.max(scales.min, fit(drawing, room)));
  return (
    <section class="chart" aria-label="Statechart">
      <div class="canvas" ref={place}>
        {drawing.boxes.length === 0 ? (
          <p class="none">No machine was described for this actor.</p>
        ) : (
          <svg
            role="group"
            aria-label={`Statechart of the ${actor.chart.id} machine, now in ${activePaths(actor.value).at(-1) ?? 'no state'}`}
            width={drawing.width * scale}
            height={drawing.height * scale}
            viewBox={`0 0 ${drawing.width} ${drawing.height}`}
          >
            <Arrowheads />
            <Boxes drawing={drawing} actor={actor} looked={looked} onLook={onLook} />
            {drawing.routes.map((route) => (
              <Arrow key={`${route.arrow.source} ${route.arrow.target}`} route={route} taken={actor.taken} />
            ))}
          </svg>
        )}
      </div>
      <div class="zoom" role="group" aria-label="Zoom">
        <button type="button" aria-label="Smaller" onClick={() => setZoom(scale / zoomStep)}>
          −
        </button>
        <button type="button" onClick={() => setZoom(null)} aria-pressed={zoom === null}>
          fit
        </button>
        <button type="button" aria-label="Larger" onClick={() => setZoom(scale * zoomStep)}>
          +
        </button>
      </div>
    </section>
  );
}

const laidOut = new WeakMap<Arrows, readonly Drawing[]>();
const nothing: Drawing = { width: 0, height: 0, boxes: [], routes: [] };

/** The drawing that can be shown largest. All actors of a machine share them. */
function drawingFor({ chart }: ActorView, arrows: Arrows, room: Room): Drawing {
  let drawings = laidOut.get(arrows);
  if (drawings === undefined) laidOut.set(arrows, (drawings = layOut(chart, arrows)));
  return drawings.toSorted((a, b) => fit(b, room) - fit(a, room))[0] ?? nothing;
}

interface Room {
  readonly width: number;
  readonly height: number;
}

function fit({ width, height }: Drawing, room: Room): number {
  return Math.min(room.width / Math.max(1, width), room.height / Math.max(1, height));
}

function Arrowheads() {
  return (
    <defs>
      {['head', 'head-taken'].map((id) => (
        <marker key={id} id={id} viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
          <path d="M0 0.8 7.5 4 0 7.2z" />
        </marker>
      ))}
    </defs>
  );
}

function Boxes({ drawing, actor, looked, onLook }: { readonly drawing: Drawing } & Omit<Props, 'arrows'>) {
  void actor.changed.value;
  const lit = new Set(activePaths(actor.value));
  const hasMoved = actor.taken !== null;
  return (
    <>
      {drawing.boxes.map((box) => (
        <StateBox
          key={box.state.path}
          box={box}
          isLit={lit.has(box.state.path)}
          isFresh={hasMoved}
          isLooked={looked === box.state.path}
          onLook={onLook}
        />
      ))}
    </>
  );
}

interface BoxProps {
  readonly box: Box;
  readonly isLit: boolean;
  /** Whether it came to its state while somebody looked. */
  readonly isFresh: boolean;
  readonly isLooked: boolean;
  readonly onLook: Props['onLook'];
}

function StateBox({ box, isLit, isFresh, isLooked, onLook }: BoxProps) {
  const { state, x, y, width, height, isInitial } = box;
  const note = noteOf(state);
  const isCompound = state.children.length > 0;
  const middle = isCompound ? 19 : note === '' ? height / 2 + 4 : 19;
  const classes = [
    'state',
    isLit ? `lit ${toneOf(state.path)}${isFresh ? ' fresh' : ''}` : '',
    state.isFinal ? 'final' : '',
    isCompound ? 'compound' : '',
    isLooked ? 'looked' : '',
  ];
  const look = (): void => onLook(state.path);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    look();
  };
  return (
    <g
      class={classes.filter(Boolean).join(' ')}
      data-state={state.path}
      transform={`translate(${x} ${y})`}
      role="button"
      // In SVG, attributes are written as they are: `tabIndex` would be another one.
      tabindex={0}
      aria-label={`${state.path}${isLit ? ', current' : ''}: ${state.description}`}
      onClick={look}
      onKeyDown={onKey}
    >
      <rect width={width} height={height} rx={state.isFinal ? 15 : 7} />
      {state.isFinal ? <rect class="inner" x={3} y={3} width={width - 6} height={height - 6} rx={12} /> : null}
      {isCompound ? <line x1={0} x2={width} y1={metrics.headHeight - 1} y2={metrics.headHeight - 1} /> : null}
      {isInitial ? <circle class="start" cx={metrics.boxPadding + 1} cy={middle - 4.5} r={3} /> : null}
      <text
        class="name"
        x={isCompound ? metrics.boxPadding : (width + (isInitial ? metrics.startWidth : 0)) / 2}
        y={middle}
        text-anchor={isCompound ? 'start' : 'middle'}
      >
        {state.name}
      </text>
      {note === '' ? null : <Note box={box} text={note} isCompound={isCompound} />}
    </g>
  );
}

function Note({ box, text, isCompound }: { readonly box: Box; readonly text: string; readonly isCompound: boolean }) {
  return isCompound ? (
    <text class="note" x={box.width - metrics.boxPadding} y={19} text-anchor="end" aria-hidden="true">
      {text}
    </text>
  ) : (
    <text class="note" x={box.width / 2} y={34} text-anchor="middle" aria-hidden="true">
      {text}
    </text>
  );
}

function Arrow({ route, taken }: { readonly route: Route; readonly taken: ActorView['taken'] }) {
  const { arrow, points, label } = route;
  const last = arrow.lines.find(({ edge }) => edge === taken?.edge);
  const path = pathOf(points);
  return (
    <g class="arrow">
      <path d={path} marker-end="url(#head)" />
      {last === undefined ? null : <path key={taken!.count} class="taken" d={path} marker-end="url(#head-taken)" />}
      <rect class="label-ground" x={label.x} y={label.y} width={label.width} height={label.height} rx={3} />
      {arrow.lines.map((line, at) => (
        <text
          key={line === last ? `${line.text} ${taken!.count}` : line.text}
          class={`label ${line.edge.kind}${line === last ? ' taken' : ''}`}
          x={label.x + label.width / 2}
          y={label.y + (at + 1) * metrics.lineHeight - 4}
          text-anchor="middle"
        >
          {line.text}
        </text>
      ))}
    </g>
  );
}
