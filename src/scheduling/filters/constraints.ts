/** The filter about constraints: conditions on labels and other attributes of a node. */
import { counted, listed } from '../../core/text.ts';
import type { Filter } from '../filter.ts';

/** Values that are named of nodes which do not meet a constraint; the others are counted. */
const valuesNamedMax = 3;

/** Only nodes that meet all constraints; told is the first that a node does not. */
export const constraintFilter: Filter = {
  name: 'constraint',
  concerns: ({ where }) => where.constraints.length > 0,
  fails: (run, { where }, row) => {
    for (const constraint of where.constraints) {
      const place = run.columns.attributes[constraint.attribute]!.ids[row]!;
      if (run.truths(constraint)[place] === 0) return constraint.text;
    }
    return undefined;
  },
  detail: (text, rows, run, { where }) => {
    const { attribute } = where.constraints.find((constraint) => constraint.text === text)!;
    const values = [...new Set(rows.map((row) => run.attribute(attribute, row)))];
    const there = values.filter((value) => value !== undefined).toSorted();
    if (there.length === 0) return `${text} does not hold (no ${attribute} there)`;
    const rest = there.length - valuesNamedMax;
    const named = rest > 0 ? [...there.slice(0, valuesNamedMax), counted(rest, 'other value')] : there;
    return `${text} does not hold (${attribute} is ${listed(named, 'or')}${values.length > there.length ? ', or missing' : ''})`;
  },
};
