/** The volumes of a manager that has one. */
import { problem } from '../../src/core/errors.ts';
import type { ClaimView } from '../../src/ports/control.ts';

/** The data of one slot. */
export const fakeClaim: ClaimView = {
  slot: 'shop/web.1',
  job: 'shop',
  node: 'node-1',
  nodeName: 'bar',
  volumes: ['shop_cache', 'shop_data'],
  at: 1_000,
  isNodeGone: false,
  isInUse: false,
};

/** All of them. */
export function fakeVolumes(_entered: void): readonly ClaimView[] {
  return [fakeClaim];
}

/** Lets that one go. @throws CubeError `not-found` for any other */
export function fakeRelease(_entered: void, slot: string): ClaimView {
  if (slot !== fakeClaim.slot) throw problem('not-found', `no volume is kept for a slot "${slot}"`);
  return fakeClaim;
}
