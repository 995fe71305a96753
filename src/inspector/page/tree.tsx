/** JSON as a tree that folds. */

/** Levels that are open at first. */
const openLevels = 1;

/** A value, and what is in it. */
export function Tree({ value, level = 0 }: { readonly value: unknown; readonly level?: number }) {
  const entries = entriesOf(value);
  if (entries === undefined) return <Leaf value={value} />;
  if (entries.length === 0) return <span class="leaf empty">{Array.isArray(value) ? 'empty list' : 'empty'}</span>;
  return (
    <ul class="tree">
      {entries.map(([name, inner]) => (
        <li key={name}>
          <Entry name={name} value={inner} level={level} />
        </li>
      ))}
    </ul>
  );
}

function Entry({ name, value, level }: { readonly name: string; readonly value: unknown; readonly level: number }) {
  const entries = entriesOf(value);
  if (entries === undefined || entries.length === 0) {
    return (
      <>
        <span class="key">{name}</span> <Tree value={value} level={level + 1} />
      </>
    );
  }
  return (
    <details open={level < openLevels}>
      <summary>
        <span class="key">{name}</span> <span class="size">{Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </summary>
      <Tree value={value} level={level + 1} />
    </details>
  );
}

function Leaf({ value }: { readonly value: unknown }) {
  const kind = value === null || value === undefined ? 'null' : typeof value;
  return <span class={`leaf ${kind}`}>{kind === 'null' ? 'none' : String(value)}</span>;
}

function entriesOf(value: unknown): [string, unknown][] | undefined {
  return typeof value === 'object' && value !== null ? Object.entries(value) : undefined;
}
