/** Reads the engine's streams of JSON documents, one a line: events and a pull's progress. */
import { StringDecoder } from 'node:string_decoder';

/**
 * Own few lines instead of the modem's `followProgress`, which keeps every document for as long as the stream lasts and
 * throws out of a listener, where nobody can catch it, when a line is no JSON.
 * @throws SyntaxError for a line that is no JSON, and what the stream fails with; an unfinished last line is dropped
 */
export async function* jsonLines(stream: AsyncIterable<Buffer | string>): AsyncGenerator {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    rest += typeof chunk === 'string' ? chunk : decoder.write(chunk);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() !== '') yield JSON.parse(line);
    }
  }
}
