/**
 * Nodes and tasks from the rows of a table. Columns are named as in the job file and hold what stands there: `cpu` in cores, `memory`
 * and `disk` as sizes (`128MiB`), `gpu` in devices, `model` the kind of device, `count` how many such there are; any other column is a
 * resource of one's own. The columns of Alibaba's openb traces (`cpu_milli`, `memory_mib`, `num_gpu`, `gpu_milli`, `gpu_spec`, `sn`) are known, too.
 */
import { customResourceProblem } from '../../core/custom-resource.ts';
import { problem } from '../../core/errors.ts';
import type { CubeError, Place, Problem } from '../../core/errors.ts';
import type { Resources } from '../../core/resources.ts';
import { parseBytes } from '../../core/resources.ts';
import { deviceResource } from './model.ts';
import type { SimulatedNode, SimulatedTask } from './model.ts';

/** A row of a table: its cells by the name of their column, as text. */
export interface SheetRow {
  readonly cells: Readonly<Record<string, string>>;
  /** Where a cell stands; of no column: where the row begins. Where there are no lines, what to say before a message. */
  readonly place: (column?: string) => Place | string;
}

/** A table as it was read. */
export interface Sheet {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly SheetRow[];
  /** The same for the line that names the columns. */
  readonly place: SheetRow['place'];
}

/** How many there may be, and how many problems are told. */
export interface ReadBounds {
  readonly max: number;
  readonly problemsMax: number;
}

const hint =
  'columns are name, count, cpu (cores), memory and disk (like 128MiB), gpu, model, and resources of your own; see `cube simulate --help`';
const mib = 2 ** 20;
const digits = /^\d+(\.\d+)?$/;

/** Reads cells, and keeps what is wrong with them. */
class Cells {
  readonly #row: SheetRow;
  readonly #problems: Problem[];

  constructor(row: SheetRow, problems: Problem[]) {
    this.#row = row;
    this.#problems = problems;
  }

  text(column: string): string {
    return this.#row.cells[column]?.trim() ?? '';
  }

  wrong(column: string | undefined, message: string): number {
    this.#problems.push(placed(this.#row, column, message));
    return 0;
  }

  /** A number of 0 or more; 0 where the cell is empty. */
  number(column: string, unit = ''): number {
    const text = this.text(column);
    if (text === '') return 0;
    return digits.test(text) ? Number(text) : this.wrong(column, `${column} needs a number${unit}, not ${JSON.stringify(text)}`);
  }

  bytes(column: string): number {
    const text = this.text(column);
    if (text === '') return 0;
    return parseBytes(text) ?? this.wrong(column, `${column} needs a size like 128MiB, not ${JSON.stringify(text)}`);
  }

  whole(column: string): number {
    const number = this.number(column);
    return Number.isInteger(number) ? number : this.wrong(column, `${column} needs a whole number, not ${number}`);
  }
}

function placed(row: Pick<SheetRow, 'place'>, column: string | undefined, message: string): Problem {
  const at = row.place(column);
  return typeof at === 'string' ? { message: `${at}: ${message}` } : { message, at };
}

function refuse({ file }: Sheet, problems: readonly Problem[], { problemsMax }: ReadBounds): CubeError {
  const told = problems.slice(0, problemsMax);
  const lines = told.map(({ message, at }) => (at ? `${at.file}:${at.line}:${at.column}: ${message}` : message));
  if (problems.length > told.length) {
    lines.push(`and ${problems.length - told.length} more`);
    told.push({ message: `${file}: and ${problems.length - told.length} more problems` });
  }
  return problem('invalid-file', lines.join('\n'), { hint, problems: told, ...(told[0]?.at ? { at: told[0].at } : {}) });
}

const known = new Set([
  'name',
  'sn',
  'count',
  'cpu',
  'memory',
  'disk',
  deviceResource,
  'model',
  'cpu_milli',
  'memory_mib',
  'num_gpu',
  'gpu_milli',
  'gpu_spec',
]);

/** Columns of resources of one's own. Openb's tables have more columns than are of use here, and none of those. */
function customColumns(sheet: Sheet): readonly string[] {
  return isOpenb(sheet) ? [] : sheet.columns.filter((column) => !known.has(column));
}

function isOpenb({ columns }: Sheet): boolean {
  return columns.includes('cpu_milli');
}

/** What is wrong with the columns themselves. */
function columnProblems(sheet: Sheet, resources: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  if (!sheet.columns.includes('name') && !sheet.columns.includes('sn'))
    problems.push(placed(sheet, undefined, 'there is no column "name"'));
  for (const column of resources) {
    const wrong = customResourceProblem(column, JSON.stringify(column));
    if (wrong !== undefined) problems.push(placed(sheet, column, wrong));
  }
  return problems;
}

function amountsOf(
  cells: Cells,
  openb: boolean,
  resources: readonly string[],
): Omit<Resources, 'custom'> & { custom: Record<string, number> } {
  const custom: Record<string, number> = {};
  for (const column of resources) {
    const amount = cells.number(column);
    if (amount > 0) custom[column] = amount;
  }
  return {
    cpu: openb ? cells.number('cpu_milli') / 1_000 : cells.number('cpu', ' of cores'),
    memoryBytes: openb ? Math.round(cells.number('memory_mib') * mib) : cells.bytes('memory'),
    diskBytes: cells.bytes('disk'),
    custom,
  };
}

/** Reads every row, and makes as many of each as its `count` says: then their names end in `.1`, `.2` and so on. */
function readRows<T>(
  sheet: Sheet,
  bounds: ReadBounds,
  make: (cells: Cells, resources: readonly string[]) => T,
): readonly (T & { readonly name: string })[] {
  const resources = customColumns(sheet);
  const problems = columnProblems(sheet, resources);
  if (problems.length > 0) throw refuse(sheet, problems, bounds);
  const all: (T & { name: string })[] = [];
  for (const row of sheet.rows) {
    const cells = new Cells(row, problems);
    const name = cells.text('sn') || cells.text('name');
    if (name === '') cells.wrong(undefined, 'the name is empty');
    const made = make(cells, resources);
    const isOne = cells.text('count') === '';
    const count = isOne ? 1 : cells.whole('count');
    if (all.length + count > bounds.max) {
      cells.wrong('count', `there are more than ${bounds.max} of them`);
      break;
    }
    for (let at = 1; at <= count; at++) all.push({ ...made, name: isOne ? name : `${name}.${at}` });
  }
  if (all.length === 0 && problems.length === 0) problems.push(placed(sheet, undefined, 'there are no rows in it'));
  if (problems.length > 0) throw refuse(sheet, problems, bounds);
  return all;
}

/** Reads nodes. @throws CubeError `invalid-file` with all that is wrong, each with its place */
export function readNodes(sheet: Sheet, bounds: ReadBounds): readonly SimulatedNode[] {
  const openb = isOpenb(sheet);
  const names = new Set<string>();
  return readRows(sheet, bounds, (cells, resources) => {
    const { custom, ...amounts } = amountsOf(cells, openb, resources);
    const devices = cells.whole(deviceResource);
    if (devices > 0) custom[deviceResource] = devices;
    const [model, name] = [cells.text('model'), cells.text('sn') || cells.text('name')];
    if (names.has(name)) cells.wrong(sheet.columns.includes('sn') ? 'sn' : 'name', `there is a node ${JSON.stringify(name)} already`);
    names.add(name);
    return { capacity: { ...amounts, custom }, ...(model === '' ? {} : { model }) };
  });
}

/** Devices a task asks for: a share of one, or whole ones. */
function devicesOf(cells: Cells, openb: boolean): number {
  if (!openb) {
    const devices = cells.number(deviceResource);
    if (devices < 1 || Number.isInteger(devices)) return devices;
    return cells.wrong(deviceResource, `gpu is a share of one (below 1), or whole ones, not ${devices}`);
  }
  const count = cells.whole('num_gpu');
  const share = cells.number('gpu_milli');
  if (share > 1_000 || (count > 1 && share !== 0 && share !== 1_000)) {
    return cells.wrong('gpu_milli', `gpu_milli is a share of one GPU in thousandths, or 1000 for whole ones, not ${share}`);
  }
  return count === 1 && share > 0 ? share / 1_000 : count;
}

/** Reads tasks. @throws CubeError `invalid-file` with all that is wrong, each with its place */
export function readTasks(sheet: Sheet, bounds: ReadBounds): readonly SimulatedTask[] {
  const openb = isOpenb(sheet);
  return readRows(sheet, bounds, (cells, resources) => {
    const { custom, ...amounts } = amountsOf(cells, openb, resources);
    const devices = devicesOf(cells, openb);
    if (devices > 0) custom[deviceResource] = devices;
    const written = cells.text(openb ? 'gpu_spec' : 'model').split('|');
    const models = written.map((model) => model.trim()).filter((model) => model !== '');
    return { ask: { ...amounts, custom }, ...(models.length === 0 ? {} : { models }) };
  });
}
