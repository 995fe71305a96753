import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createMachine, type AnyStateMachine } from 'xstate';
import { machines } from '../../machines/index.ts';
import { CubeError } from '../../src/core/errors.ts';
import { exportMachine, machineNames } from '../../src/inspector/machine-export.ts';
import { plainConfig } from '../../src/inspector/plain-config.ts';
import { nodesOf } from '../machines/nodes.ts';
import { projectRoot } from '../support/tidy/layout.ts';

// The modules import xstate, so they must lie below its node_modules.
let folder = '';
before(async () => {
  folder = await mkdtemp(join(projectRoot(import.meta.dirname), 'node_modules', '.cube-export-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** Names and literal parameters; mappers are code, which an export does not carry. */
function actionsOf(actions: readonly unknown[]): unknown[] {
  return actions.map((action) => {
    const { type, params } = (typeof action === 'string' ? { type: action } : action) as { type: string; params?: unknown };
    return typeof params === 'function' || params === undefined ? type : { type, params };
  });
}

/** Everything that tells how a machine behaves but its implementations. */
function anatomy(machine: AnyStateMachine): unknown {
  const walk = (node: AnyStateMachine['root']): unknown => ({
    id: node.id,
    type: node.type,
    description: node.description,
    tags: node.tags,
    order: node.order,
    initial: node.initial?.target.map(({ id }) => id),
    entry: actionsOf(node.entry),
    exit: actionsOf(node.exit),
    invoke: node.invoke.map(({ id, src }) => ({ id, src })),
    after: node.after.map(({ delay, eventType }) => ({ delay, eventType })),
    transitions: [...node.transitions].map(([event, transitions]) => [
      event,
      transitions.map(({ source, target, guard, actions, reenter }) => ({
        source: source.id,
        target: target?.map(({ id }) => id),
        guard,
        actions: actionsOf(actions),
        reenter,
      })),
    ]),
    states: Object.fromEntries(Object.entries(node.states).map(([name, child]) => [name, walk(child)])),
  });
  return walk(machine.root);
}

/** Events that somebody sends: not those of XState itself. */
function namedEvents(machine: AnyStateMachine): string[] {
  const events: string[] = machine.events.filter((event) => !event.startsWith('xstate.'));
  return events.sort();
}

test('every machine has its states and events listed', () => {
  const names = machineNames();
  assert.deepEqual(
    names.map(({ name }) => name),
    Object.keys(machines),
  );
  for (const { name, states, events } of names) {
    const machine: AnyStateMachine = machines[name as keyof typeof machines];
    const ids = nodesOf(machine)
      .map((node) => node.path.join('.'))
      .filter((path) => path !== '');
    assert.deepEqual([...states].sort(), ids.sort(), name);
    assert.deepEqual(events, namedEvents(machine), name);
  }
});

for (const [name, machine] of Object.entries(machines)) {
  test(`the ${name} machine's module loads with createMachine and is the machine`, async () => {
    const file = join(folder, `${name}.mjs`);
    await writeFile(file, exportMachine(name, 'xstate'));
    const module = (await import(pathToFileURL(file).href)) as Record<string, AnyStateMachine>;
    assert.deepEqual(anatomy(module[`${name}Machine`]!), anatomy(machine));
    assert.equal(module['default'], module[`${name}Machine`]);
  });

  test(`the ${name} machine's JSON loads with createMachine and is the machine`, () => {
    const text = exportMachine(name, 'json');
    assert.deepEqual(anatomy(createMachine(JSON.parse(text) as never)), anatomy(machine));
  });

  test(`the ${name} machine's module carries the same config, as JSON`, () => {
    const inside = /createMachine\(([\s\S]*)\);/.exec(exportMachine(name, 'xstate'))![1]!;
    assert.deepEqual(JSON.parse(inside), JSON.parse(exportMachine(name, 'json')));
  });

  test(`the ${name} machine's diagram has every state and every edge that leads somewhere`, () => {
    const lines = exportMachine(name, 'mermaid').trimEnd().split('\n');
    assert.equal(lines[0], 'stateDiagram-v2');
    const idOf = (path: readonly string[]): string => path.join('_') || 'any_state';
    for (const node of nodesOf(machine)) {
      if (node.parent) assert.ok(lines.some((line) => line.trim().startsWith(`state "${node.key}" as ${idOf(node.path)}`)));
      if (node.type === 'final') assert.ok(lines.some((line) => line.trim() === `${idOf(node.path)} --> [*]`));
      for (const { target } of [...node.transitions.values()].flat()) {
        const edge = `${idOf(node.path)} --> ${target === undefined ? '' : idOf(target[0]!.path)} : `;
        if (target !== undefined)
          assert.ok(
            lines.some((line) => line.startsWith(`  ${edge}`)),
            edge,
          );
      }
    }
  });

  test(`the ${name} machine's diagram is well formed`, () => {
    let depth = 0;
    for (const line of exportMachine(name, 'mermaid').trimEnd().split('\n').slice(1)) {
      if (line.trim() === '}') depth--;
      else assert.match(line.trim(), /^(?:state "[^"]+" as \w+(?: \{)?|(?:\[\*\]|\w+) --> (?:\[\*\]|\w+)(?: : [^:;\n]+)?)$/);
      if (line.endsWith('{')) depth++;
      assert.ok(depth >= 0);
    }
    assert.equal(depth, 0);
  });
}

test('a machine that does not exist is an error that names the nearest', () => {
  for (const name of ['tasks', 'toString', '__proto__', '']) {
    assert.throws(
      () => exportMachine(name, 'json'),
      (thrown) => thrown instanceof CubeError && thrown.code === 'not-found',
    );
  }
  assert.throws(() => exportMachine('tasks', 'json'), /did you mean "task"/);
});

test('implementations given in place keep a name, and other code is left out', () => {
  function brew(): void {}
  const config = {
    id: 'kettle',
    schemas: { events: {} },
    context: () => ({}),
    entry: [brew, 'note', () => undefined],
    invoke: { src: machines.link, input: () => 1 },
    on: { boil: { guard: () => true, actions: { type: 'whistle', params: () => 1 } } },
  };
  assert.deepEqual(plainConfig(config), {
    id: 'kettle',
    entry: ['brew', 'note', 'inline'],
    invoke: { src: 'link' },
    on: { boil: { guard: 'guard', actions: { type: 'whistle' } } },
  });
});
