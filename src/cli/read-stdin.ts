/** Standard input as it is. */
export async function readStdinBytes(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** Standard input as text. */
export async function readStdin(): Promise<string> {
  return (await readStdinBytes()).toString('utf8');
}
