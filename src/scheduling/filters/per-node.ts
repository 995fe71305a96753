/** The filter about how many tasks of a kind one node takes. */
import { counted } from '../../core/text.ts';
import type { Filter } from '../filter.ts';

/** Only nodes with fewer tasks of the kind than the job allows on one. */
export const perNodeFilter: Filter = {
  name: 'perNode',
  fails: ({ mates }, { where }, row) => {
    const { maxPerNode } = where.ask;
    return maxPerNode !== undefined && mates[row]! >= maxPerNode ? '' : undefined;
  },
  detail: (_, rows, __, { where }) =>
    `${rows.length === 1 ? 'it has' : 'each has'} ${counted(where.ask.maxPerNode!, 'task')} of this kind already (maxPerNode)`,
};
