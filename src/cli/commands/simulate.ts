/** `cube simulate`: a load on a cluster, both from files, by every policy: to choose one. Needs no manager. */
import { problem } from '../../core/errors.ts';
import { formatBytes } from '../../core/resources.ts';
import type { PaperReport, SimulatedPolicy, SimulationReport } from '../../core/simulation.ts';
import type { Command, Context } from '../command.ts';
import type { Cell } from '../table.ts';

const seedsOfFill = 10;
const seedsOfPaper = 100;
const seedsMax = 10_000;

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en');
}

function several(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

function amount(resource: string, value: number): string {
  if (resource === 'memory' || resource === 'disk') return `${formatBytes(value)} ${resource}`;
  return resource === 'cpu' ? several(value, 'core') : `${value.toLocaleString('en')} ${resource}`;
}

/** What is simulated, in a sentence. */
function title({ nodes, tasks, capacity, fill, scarce, policies }: SimulationReport): string {
  const has = Object.entries(capacity).map(([resource, value]) => amount(resource, value));
  const seeds = policies[0]!.runs.length;
  const load =
    fill === null
      ? `the ${several(tasks, 'task')} of the file in order`
      : `tasks drawn from ${count(tasks)} until they ask for ${fill} % of all ${scarce}`;
  return `${several(nodes, 'node')} (${has.join(', ')}); ${load}${seeds > 1 ? `; average of ${seeds} seeds` : ''}`;
}

/** Those that reserve most of what is scarce, and of these those that place most: several when they do equally well. */
function bestOf({ policies, scarce }: SimulationReport): readonly SimulatedPolicy[] {
  const used = (one: SimulatedPolicy): number => one.utilisation[scarce] ?? 0;
  const most = Math.max(...policies.map(used));
  const those = policies.filter((one) => used(one) === most);
  const least = Math.min(...those.map(({ unplaced }) => unplaced));
  return those.filter(({ unplaced }) => unplaced === least);
}

function show(context: Context, report: SimulationReport): void {
  const { output } = context;
  const { policies, capacity, scarce } = report;
  const best = bestOf(report);
  if (output.quiet) {
    // One name for a script: of those that do equally well the default, if it is one of them.
    output.line((best.find(({ policy }) => policy === 'epvm') ?? best[0]!).policy);
    return;
  }
  output.note(title(report));
  const resources = Object.keys(capacity);
  const rows = policies.map((one): Cell[] => [
    best.includes(one) && best.length < policies.length ? [one.policy, 'good'] : one.policy,
    count(one.placed),
    one.unplaced === 0 ? '0' : [count(one.unplaced), 'busy'],
    ...resources.map((name) => percent(one.utilisation[name]!)),
    percent(one.fragmentation),
    `${Math.round(one.ms)} ms`,
    one.about,
  ]);
  output.table(
    ['POLICY', 'PLACED', 'UNPLACED', ...resources.map((name) => name.toUpperCase()), 'FRAGMENTED', 'TIME', 'PUTS A TASK ON'],
    rows,
    { fit: true },
  );
  output.note(
    `resources: share of the capacity that is reserved; FRAGMENTED: share of all ${scarce} that is idle and of no use to the average task`,
  );
}

function showPaper({ output }: Context, { seeds, roundrobin, epvm, ratio, won, paper }: PaperReport): void {
  if (output.quiet) {
    output.line(ratio.toFixed(2));
    return;
  }
  output.note(`the simulation of the E-PVM paper (IEEE TPDS 11(7), 2000): average slowdown of a job`);
  output.table(
    ['METHOD', `HERE, ${seeds} SEEDS`, 'PAPER'],
    [
      ['round robin', roundrobin.toFixed(3), paper.roundrobin.toFixed(3)],
      ['E-PVM', epvm.toFixed(3), paper.epvm.toFixed(3)],
      ['ratio', ratio.toFixed(2), paper.ratio.toFixed(2)],
    ],
  );
  output.note(`E-PVM was better in ${won} of ${seeds} seeds`);
}

/** The value of an option without which nothing can be simulated. */
function needed(context: Context, name: 'nodes' | 'tasks'): string {
  const file = context.input.text(name);
  if (file !== undefined) return file;
  throw problem('usage', `--${name} is missing: a CSV or JSON file`, {
    hint: '`cube simulate --nodes nodes.csv --tasks tasks.csv`; see `cube simulate --help`',
  });
}

async function simulatePaper(context: Context): Promise<number> {
  const { input, output } = context;
  for (const name of ['nodes', 'tasks', 'policy', 'fill', 'epvm-base']) {
    if (input.text(name) !== undefined) throw problem('usage', `--${name} does not go with --epvm-paper, which brings its own load`);
  }
  const seeds = input.number('seeds', { least: 1, most: seedsMax }) ?? seedsOfPaper;
  const boot = await import('../../boot/simulate.ts');
  const report = await boot.simulatePaper(seeds);
  if (output.json) output.document(report);
  else showPaper(context, report);
  return 0;
}

async function simulate(context: Context): Promise<number> {
  const { input, output, limits } = context;
  if (input.flag('epvm-paper')) return simulatePaper(context);
  const [nodesFile, tasksFile] = [needed(context, 'nodes'), needed(context, 'tasks')];
  const fill = input.number('fill', { least: 1, most: 10_000, whole: false });
  const seeds = input.number('seeds', { least: 1, most: seedsMax }) ?? (fill === undefined ? 1 : seedsOfFill);
  const epvmBase = input.number('epvm-base', { least: 1, whole: false }) ?? limits.epvmBase;
  if (epvmBase === 1) throw problem('usage', '--epvm-base must be greater than 1, not 1');
  const policies = (input.text('policy') ?? 'all').split(',').map((name) => name.trim());
  const boot = await import('../../boot/simulate.ts');
  const report = await boot.simulate({
    nodesFile,
    tasksFile,
    policies,
    seeds,
    ...(fill === undefined ? {} : { fill }),
    limits: { ...limits, epvmBase },
  });
  if (output.json) output.document(report);
  else show(context, report);
  return 0;
}

/** `cube simulate`. */
export const command: Command = {
  usage: 'simulate',
  summary: 'a load on a cluster, both from files, by every policy: to choose one',
  note:
    'Files are CSV with a first line of columns, or JSON lists of objects: name, count, cpu (cores), memory and disk (like 128MiB), ' +
    'gpu (of a task also a share below 1), model, and resources of your own. The columns of the openb traces are known, too.',
  options: [
    { flags: '--nodes <file>', about: 'the cluster' },
    { flags: '--tasks <file>', about: 'the load' },
    {
      flags: '--policy <names>',
      about: 'random, roundrobin, spread, binpack, bestfit, epvm, fgd, refill; several with commas (default: all)',
    },
    {
      flags: '--fill <percent>',
      about: 'draw tasks until they ask for so much of all gpu (without gpu: of cpu or memory), in random order',
    },
    { flags: '--seeds <n>', about: `draws to average (default: ${seedsOfFill} with --fill, else 1; ${seedsOfPaper} with --epvm-paper)` },
    { flags: '--epvm-base <n>', about: "E-PVM's base, above 1 (default: that of `cube up`)" },
    { flags: '--epvm-paper', about: "the E-PVM paper's own simulation, against round robin" },
  ],
  examples: [
    ['cube simulate --nodes nodes.csv --tasks tasks.csv', 'your tasks once, in their order, by every policy'],
    ['cube simulate --nodes nodes.csv --tasks tasks.csv --policy epvm -o json', 'where each task goes'],
    ['cube simulate --nodes nodes.csv --tasks tasks.csv --fill 130', 'what the cluster takes when more is asked than it has'],
    ['cube simulate --epvm-paper', 'average slowdown by E-PVM and by round robin'],
  ],
  run: simulate,
};
