/** Filters about what a task finds as directories and files: what nodes know, what they allow, and where a slot's data is. */
import { isWithin, mountsSeparator } from '../../core/volumes.ts';
import type { NodeFeature } from '../../core/volumes.ts';
import type { Filter } from '../filter.ts';

const featureTexts: Readonly<Record<NodeFeature, string>> = { volumes: 'volumes', files: 'secrets and configs' };

/** Only nodes whose version of Cube and whose runtime know what the task needs. */
export const featureFilter: Filter = {
  name: 'feature',
  concerns: ({ where }) => (where.ask.features?.length ?? 0) > 0,
  fails: (run, { where }, row) => {
    const { features } = where.ask;
    if (features === undefined || features.length === 0) return undefined;
    const told = run.attribute('features', row);
    if (told === undefined) return `old ${features[0]}`;
    const known = told.split(' ');
    const missing = features.find((feature) => !known.includes(feature));
    return missing === undefined ? undefined : `without ${missing}`;
  },
  detail: (subject, rows) => {
    const [why, feature] = subject.split(' ') as ['old' | 'without', NodeFeature];
    const whose = rows.length === 1 ? 'its' : 'their';
    return why === 'old'
      ? `${whose} version of Cube knows no ${featureTexts[feature]}`
      : `${whose} runtime knows no ${featureTexts[feature]}; Docker does`;
  },
};

/** Only nodes that allow every directory of theirs that the task asks for; told is the first that a node does not. */
export const mountFilter: Filter = {
  name: 'mount',
  concerns: ({ where }) => (where.ask.mounts?.length ?? 0) > 0,
  fails: (run, { where }, row) => {
    const { mounts } = where.ask;
    if (mounts === undefined || mounts.length === 0) return undefined;
    const told = run.attribute('mounts', row);
    const allowed = told === undefined || told === '' ? [] : told.split(mountsSeparator);
    return mounts.find((path) => !isWithin(path, allowed));
  },
  detail: (path, rows) => `${rows.length === 1 ? 'does' : 'do'} not allow ${path} (cube up --allow-mount ${path})`,
};

/** Only the node that has the data of the task's slot. */
export const volumeFilter: Filter = {
  name: 'volume',
  concerns: ({ where }) => where.ask.dataOn !== undefined,
  fails: (_, { where }, row) => (where.ask.dataOn === undefined || where.dataRow === row ? undefined : ''),
  detail: (_, __, ___, { where }) => {
    const { nodeName, slot } = where.ask.dataOn!;
    const there = `its volume data is on node ${nodeName}`;
    return where.dataRow >= 0 ? there : `${there}, which was removed; \`cube volume release ${slot}\` lets it begin anew elsewhere`;
  },
};
