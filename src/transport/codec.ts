/**
 * Frames as bytes: msgpackr records with their structures inside each message, so that every message can be read without the ones
 * before it. Encoder and decoder are apart because a msgpackr instance shares its tables between both.
 */
import { Packr, Unpackr } from 'msgpackr';
import type { Frame } from '../ports/transport.ts';

const encoder = new Packr({ useRecords: true });
// Without structuredClone no value can point at itself: code that walks a decoded value always ends.
const decoder = new Unpackr({ useRecords: true, mapsAsObjects: true, structuredClone: false });

/** One message from a list of frames. @throws when a value in a frame cannot be written */
export function encodeFrames(frames: readonly Frame[]): Buffer {
  return encoder.pack(frames);
}

/** A message as it was meant, not yet checked. @throws when the bytes are no message */
export function decodeMessage(bytes: Uint8Array): unknown {
  return decoder.unpack(bytes);
}

/**
 * A list of frames as few messages, none above `bytesMax`, in order.
 * @throws RangeError for one frame that is above it alone
 */
export function encodeWithin(frames: readonly Frame[], bytesMax: number): Buffer[] {
  if (frames.length === 0) return [];
  const bytes = encodeFrames(frames);
  if (bytes.length <= bytesMax) return [bytes];
  if (frames.length === 1) {
    throw new RangeError(`a frame "${frames[0]!.type}" of ${bytes.length} bytes is above frameBytesMax (${bytesMax})`);
  }
  const half = frames.length >> 1;
  return [...encodeWithin(frames.slice(0, half), bytesMax), ...encodeWithin(frames.slice(half), bytesMax)];
}
